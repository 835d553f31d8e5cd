package ctap2_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// keyWithPasskeys returns a client for a software key with the PIN 1234 and
// three passkeys.
func keyWithPasskeys() *ctap2.Client {
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		log.Fatal(err)
	}
	for _, account := range []struct{ rp, user string }{{"example.com", "ada"}, {"example.com", "bob"}, {"example.org", "ada"}} {
		_, err := key.AddCredential(virtual.NewCredential{
			RP:           ctap2.PublicKeyCredentialRPEntity{ID: account.rp},
			User:         ctap2.PublicKeyCredentialUserEntity{ID: []byte(account.user), Name: account.user},
			Discoverable: true,
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	return ctap2.NewClient(key.Direct(), nil)
}

// managementToken asks for the PIN once, for everything about passkeys.
func managementToken(client *ctap2.Client, permissions ctap2.Permissions) *pinuv.Token {
	token, err := client.PINToken(context.Background(), []byte("1234"), permissions, "")
	if err != nil {
		log.Fatal(err)
	}
	return token
}

func ExampleClient_CredentialsMetadata() {
	client := keyWithPasskeys()
	token := managementToken(client, ctap2.PermissionCM)
	defer token.Wipe()
	m, err := client.CredentialsMetadata(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d passkeys, room for about %d more\n", m.Existing, m.MaxRemaining)
	// Output: 3 passkeys, room for about 97 more
}

// List every passkey on a key.
func ExampleClient_RPs() {
	ctx := context.Background()
	client := keyWithPasskeys()
	token := managementToken(client, ctap2.PermissionCM)
	defer token.Wipe()
	rps, err := client.RPs(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	for _, rp := range rps {
		fmt.Println(rp.RP.ID)
		credentials, err := client.Credentials(ctx, token, rp.RPIDHash)
		if err != nil {
			log.Fatal(err)
		}
		for _, c := range credentials {
			fmt.Println("  ", c.User.Name)
		}
	}
	// Output:
	// example.org
	//    ada
	// example.com
	//    bob
	//    ada
}

func ExampleClient_Credentials() {
	client := keyWithPasskeys()
	token := managementToken(client, ctap2.PermissionCM)
	defer token.Wipe()
	credentials, err := client.Credentials(context.Background(), token, sha256.Sum256([]byte("example.com")))
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range credentials {
		fmt.Println(c.User.Name, c.PublicKey.Alg)
	}
	// Output:
	// bob ES256
	// ada ES256
}

func ExampleClient_DeleteCredential() {
	ctx := context.Background()
	client := keyWithPasskeys()
	token := managementToken(client, ctap2.PermissionCM)
	defer token.Wipe()
	rp := sha256.Sum256([]byte("example.com"))
	credentials, err := client.Credentials(ctx, token, rp)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range credentials {
		if c.User.Name != "bob" {
			continue
		}
		fmt.Println("deleting:", client.DeleteCredential(ctx, token, c.ID))
		fmt.Println("again:", client.DeleteCredential(ctx, token, c.ID))
	}
	// Output:
	// deleting: <nil>
	// again: ctap2: authenticatorCredentialManagement deleteCredential: the key has no matching credential (CTAP2_ERR_NO_CREDENTIALS)
}

func ExampleClient_UpdateUserInformation() {
	ctx := context.Background()
	client := keyWithPasskeys()
	token := managementToken(client, ctap2.PermissionCM)
	defer token.Wipe()
	rp := sha256.Sum256([]byte("example.org"))
	credentials, err := client.Credentials(ctx, token, rp)
	if err != nil {
		log.Fatal(err)
	}
	user := credentials[0].User
	user.DisplayName = "Ada Lovelace" // the ID has to stay
	if err := client.UpdateUserInformation(ctx, token, credentials[0].ID, user); err != nil {
		log.Fatal(err)
	}
	if credentials, err = client.Credentials(ctx, token, rp); err != nil {
		log.Fatal(err)
	}
	fmt.Println(credentials[0].User.DisplayName)
	// Output: Ada Lovelace
}

// A subcommand as it is on the wire, with members of the answer that the methods
// for it leave out.
func ExampleClient_CredentialManagement() {
	client := keyWithPasskeys()
	token := managementToken(client, ctap2.PermissionCM)
	defer token.Wipe()
	request := &ctap2.CredentialManagementRequest{SubCommand: ctap2.EnumerateRPsBegin}
	if err := request.Authorize(token); err != nil {
		log.Fatal(err)
	}
	r, err := client.CredentialManagement(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.RP.ID, "is the first of", *r.TotalRPs)
	// Output: example.org is the first of 2
}

// A program that keeps a list of the owner's passkeys asks for the PIN once in a
// lifetime, and reads the list again only after it has changed.
func ExampleGetInfoResponse_CredentialStoreState() {
	ctx := context.Background()
	client := keyWithPasskeys()
	persistent := managementToken(client, ctap2.PermissionPCMR) // to keep, as a secret
	defer persistent.Wipe()
	var known [16]byte
	var list []ctap2.StoredCredential
	refresh := func() {
		info, err := client.GetInfo(ctx)
		if err != nil {
			log.Fatal(err)
		}
		state, err := info.CredentialStoreState(persistent)
		if err != nil {
			log.Fatal(err)
		}
		if state == known {
			fmt.Println("the list is good:", len(list))
			return
		}
		known = state
		if list, err = client.Credentials(ctx, persistent, sha256.Sum256([]byte("example.com"))); err != nil {
			log.Fatal(err)
		}
		fmt.Println("read the list:", len(list))
	}
	refresh()
	refresh()
	token := managementToken(client, ctap2.PermissionCM)
	defer token.Wipe()
	if err := client.DeleteCredential(ctx, token, list[0].ID); err != nil {
		log.Fatal(err)
	}
	refresh()
	// Output:
	// read the list: 2
	// the list is good: 2
	// read the list: 1
}

// With a persistent token a program recognises a key that it has seen before,
// which getInfo otherwise keeps to itself.
func ExampleGetInfoResponse_DeviceIdentifier() {
	ctx := context.Background()
	client := keyWithPasskeys()
	persistent := managementToken(client, ctap2.PermissionPCMR)
	defer persistent.Wipe()
	var seen [2][16]byte
	for i := range seen {
		info, err := client.GetInfo(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if seen[i], err = info.DeviceIdentifier(persistent); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("the same key:", seen[0] == seen[1])
	// Output: the same key: true
}
