package virtual_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// A key from before CTAP 2.1 lists its passkeys by the preview of
// credentialManagement.
func ExampleConfig_previews() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{Profile: virtual.FIDO20, Previews: true})
	if _, err := client.MakeCredential(ctx, register("ada")); err != nil {
		log.Fatal(err)
	}
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	token, err := client.PINToken(ctx, []byte("1234"), ctap2.PermissionCM, "")
	if err != nil {
		log.Fatal(err)
	}
	rps, err := client.RPs(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	commands := key.Commands()
	fmt.Println(rps[0].RP.ID, "by", commands[len(commands)-1].Command())
	// Output: example.com by authenticatorCredentialManagement (preview)
}

// What does a manager of passkeys show for a credential of an algorithm that it
// has never heard of?
func ExampleKey_AddCredential_opaque() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{})
	const kty, alg, pub, akp, mlDSA65 = 1, 3, -1, 7, -49
	public, err := cbor.Marshal(map[int]any{kty: akp, alg: mlDSA65, pub: make([]byte, 1952)})
	if err != nil {
		log.Fatal(err)
	}
	_, err = key.AddCredential(virtual.NewCredential{
		RP:           ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:         ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada"), Name: "ada"},
		OpaqueKey:    public,
		Discoverable: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	token, err := client.PINToken(ctx, []byte("1234"), ctap2.PermissionCM, "")
	if err != nil {
		log.Fatal(err)
	}
	credentials, err := client.Credentials(ctx, token, sha256.Sum256([]byte("example.com")))
	if err != nil {
		log.Fatal(err)
	}
	c := credentials[0]
	fmt.Println(c.User.Name, int(c.PublicKey.Alg), c.PublicKey.Alg.CanVerify(), len(c.PublicKey.Raw))
	// Output: ada -49 false 1962
}

// An observer hears of every credential that is made, used, renamed and deleted.
func ExampleEvent() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{Observer: func(e virtual.Event) {
		fmt.Println(e.Kind, e.Credential.User.Name)
	}})
	made, err := client.MakeCredential(ctx, register("ada"))
	if err != nil {
		log.Fatal(err)
	}
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	token, err := client.PINToken(ctx, []byte("1234"), ctap2.PermissionCM, "")
	if err != nil {
		log.Fatal(err)
	}
	id := ctap2.PublicKeyCredentialDescriptor{ID: made.AuthData.AttestedCredentialData.CredentialID, Type: ctap2.TypePublicKey}
	user := ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada"), Name: "countess"}
	if err := client.UpdateUserInformation(ctx, token, id, user); err != nil {
		log.Fatal(err)
	}
	if err := client.DeleteCredential(ctx, token, id); err != nil {
		log.Fatal(err)
	}
	// Output:
	// created ada
	// updated countess
	// deleted countess
}
