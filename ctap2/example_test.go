package ctap2_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
)

// softwareKey returns a client for a new software key. A program that talks to
// a key on USB passes a *ctaphid.Conn to NewClient instead.
func softwareKey(config virtual.Config) *ctap2.Client {
	key, err := virtual.New(config)
	if err != nil {
		log.Fatal(err)
	}
	return ctap2.NewClient(key.Direct(), nil)
}

// challenge is the hash of the client data. In a browser that is JSON with the
// relying party's challenge and its origin.
var challenge = sha256.Sum256([]byte("fresh random bytes from the relying party"))

var newAccount = &ctap2.MakeCredentialRequest{
	ClientDataHash: challenge[:],
	RP:             ctap2.PublicKeyCredentialRPEntity{ID: "example.com", Name: "Example"},
	User:           ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada@example.com", DisplayName: "Ada Lovelace"},
	PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{
		{Alg: cose.ES256, Type: ctap2.TypePublicKey},
		{Alg: cose.EdDSA, Type: ctap2.TypePublicKey},
	},
	Options: ctap2.Options{RK: new(true)},
}

// Register a credential and log in with it.
func Example() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})

	made, err := client.MakeCredential(ctx, newAccount)
	if err != nil {
		log.Fatal(err)
	}
	credential := made.AuthData.AttestedCredentialData

	got, err := client.GetAssertion(ctx, &ctap2.GetAssertionRequest{
		RPID:           "example.com",
		ClientDataHash: challenge[:],
		AllowList:      []ctap2.PublicKeyCredentialDescriptor{{ID: credential.CredentialID, Type: ctap2.TypePublicKey}},
	})
	if err != nil {
		log.Fatal(err)
	}
	signed := slices.Concat(got.AuthData.Raw, challenge[:])
	fmt.Println("signature:", credential.PublicKey.Verify(signed, got.Signature))
	// Output: signature: <nil>
}

func ExampleNewClient() {
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		log.Fatal(err)
	}
	client := ctap2.NewClient(key.Direct(), &ctap2.ClientConfig{
		Waiting: func(status byte) {
			if status == ctap2.WaitingUPNeeded {
				fmt.Println("touch your key")
			}
		},
		Trace: func(e ctap2.TraceEvent) { fmt.Println(e) },
	})
	if err := client.Reset(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// > authenticatorReset
	// touch your key
	// < authenticatorReset: CTAP1_ERR_SUCCESS
}

func ExampleClient_WithWaiting() {
	client := softwareKey(virtual.Config{})
	asking := client.WithWaiting(func(status byte) {
		if status == ctap2.WaitingUPNeeded {
			fmt.Println("touch the key to sign the letter")
		}
	})
	if _, err := asking.MakeCredential(context.Background(), newAccount); err != nil {
		log.Fatal(err)
	}
	// Output: touch the key to sign the letter
}

// A token and its use are one piece of work: another token would make it useless.
func ExampleClient_Reserve() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	if err := client.SetPIN(ctx, []byte("1234")); err != nil {
		log.Fatal(err)
	}
	release, err := client.Reserve(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer release()
	token, err := client.PINToken(ctx, []byte("1234"), ctap2.PermissionMC, "example.com")
	if err != nil {
		log.Fatal(err)
	}
	defer token.Wipe()
	request := *newAccount
	request.Authorize(token)
	_, err = client.MakeCredential(ctx, &request)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_OverU2F() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{Profile: virtual.FIDO20})
	if err := client.SetPIN(ctx, []byte("1234")); err != nil {
		log.Fatal(err)
	}
	request := *newAccount
	request.Options = ctap2.Options{}
	over, ok := client.OverU2F()
	if !ok {
		log.Fatal("the connection carries no U2F")
	}
	made, err := over.MakeCredential(ctx, &request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.Fmt)
	// Output: fido-u2f
}

func ExampleClient_GetInfo() {
	client := softwareKey(virtual.Config{})
	info, err := client.GetInfo(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Versions)
	fmt.Println("passkeys left:", *info.RemainingDiscoverableCredentials)
	// Output:
	// [U2F_V2 FIDO_2_0 FIDO_2_1 FIDO_2_3]
	// passkeys left: 100
}

func ExampleClient_Info() {
	client := softwareKey(virtual.Config{})
	ctx := context.Background()
	for range 2 {
		info, err := client.Info(ctx) // asked once, and once more because setPIN changes it
		if err != nil {
			log.Fatal(err)
		}
		// An option that is absent is something else than one that is false.
		set, possible := info.Options[ctap2.OptionClientPIN]
		fmt.Println("PIN possible:", possible, "set:", set)
		if err := client.SetPIN(ctx, []byte("correct horse")); !set && err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// PIN possible: true set: false
	// PIN possible: true set: true
}

func ExampleClient_MakeCredential() {
	client := softwareKey(virtual.Config{})
	made, err := client.MakeCredential(context.Background(), newAccount)
	if err != nil {
		log.Fatal(err)
	}
	credential := made.AuthData.AttestedCredentialData
	fmt.Println(made.Fmt, made.AuthData.Flags, credential.PublicKey.Alg)
	// Output: packed UP, AT ES256
}

func ExampleClient_GetAssertion() {
	client := softwareKey(virtual.Config{})
	_, err := client.GetAssertion(context.Background(), &ctap2.GetAssertionRequest{
		RPID:           "example.com",
		ClientDataHash: challenge[:],
	})
	if errors.Is(err, ctap2.StatusNoCredentials) {
		fmt.Println(err)
	}
	// Output: ctap2: authenticatorGetAssertion: the key has no matching credential (CTAP2_ERR_NO_CREDENTIALS)
}

// Without an allowList the key finds the accounts itself.
func ExampleClient_GetAssertions() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	for _, name := range []string{"ada", "bob"} {
		account := *newAccount
		account.User = ctap2.PublicKeyCredentialUserEntity{ID: []byte(name), Name: name}
		if _, err := client.MakeCredential(ctx, &account); err != nil {
			log.Fatal(err)
		}
	}
	all, err := client.GetAssertions(ctx, &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: challenge[:]})
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range all {
		fmt.Printf("%s\n", a.User.ID) // names are given only after user verification
	}
	// Output:
	// bob
	// ada
}

func ExampleClient_GetNextAssertion() {
	client := softwareKey(virtual.Config{})
	_, err := client.GetNextAssertion(context.Background())
	fmt.Println(errors.Is(err, ctap2.StatusNotAllowed)) // nothing was begun
	// Output: true
}

func ExampleClient_SetPIN() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	fmt.Println(client.SetPIN(ctx, []byte("123")))
	fmt.Println(client.SetPIN(ctx, []byte("correct horse")))
	// Output:
	// ctap2: authenticatorClientPIN setPIN: the PIN is too short: it has 3 characters and the key asks for at least 4
	// <nil>
}

func ExampleClient_ChangePIN() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	if err := client.SetPIN(ctx, []byte("correct horse")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.ChangePIN(ctx, []byte("wrong horse"), []byte("battery staple")))
	fmt.Println(client.ChangePIN(ctx, []byte("correct horse"), []byte("battery staple")))
	// Output:
	// the PIN is wrong; 7 tries left
	// <nil>
}

// A PIN becomes a token, and the token authorises one registration.
func ExampleClient_PINToken() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	if err := client.SetPIN(ctx, []byte("correct horse")); err != nil {
		log.Fatal(err)
	}
	token, err := client.PINToken(ctx, []byte("correct horse"), ctap2.PermissionMC, "example.com")
	if err != nil {
		log.Fatal(err)
	}
	defer token.Wipe()
	request := *newAccount
	request.Authorize(token)
	made, err := client.MakeCredential(ctx, &request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.AuthData.Flags)
	// Output: UP, UV, AT
}

func ExampleClient_UVToken() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{UV: virtual.ConfiguredUV})
	token, err := client.UVToken(ctx, ctap2.PermissionMC, "example.com") // asks for the finger
	if err != nil {
		log.Fatal(err)
	}
	defer token.Wipe()
	fmt.Println(token.Protocol())
	// Output: PIN/UV auth protocol two
}

func ExampleClient_PINRetries() {
	client := softwareKey(virtual.Config{})
	left, err := client.PINRetries(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(left.Retries, left.PowerCycleNeeded)
	// Output: 8 false
}

func ExampleClient_UVRetries() {
	client := softwareKey(virtual.Config{UV: virtual.ConfiguredUV})
	left, err := client.UVRetries(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(left)
	// Output: 3
}

// The subcommands of clientPIN are there as they are, too.
func ExampleClient_ClientPIN() {
	client := softwareKey(virtual.Config{})
	r, err := client.ClientPIN(context.Background(), &ctap2.ClientPINRequest{
		SubCommand:        ctap2.GetKeyAgreement,
		PinUvAuthProtocol: 2,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.KeyAgreement.Alg)
	// Output: ECDH-ES+HKDF-256
}

func ExampleClient_Selection() {
	client := softwareKey(virtual.Config{User: virtual.AlwaysTouch()})
	fmt.Println(client.Selection(context.Background()))
	// Output: <nil>
}

func ExampleClient_Reset() {
	client := softwareKey(virtual.Config{User: virtual.Deny()})
	fmt.Println(errors.Is(client.Reset(context.Background()), ctap2.StatusOperationDenied))
	// Output: true
}

func ExampleClient_Command() {
	client := softwareKey(virtual.Config{})
	_, err := client.Command(context.Background(), 0x50, nil) // a vendor's
	fmt.Println(err)
	// Output: ctap2: command 0x50: the key does not know the command: it is too old for this, or can't do it (CTAP1_ERR_INVALID_COMMAND)
}

// The codecs serve both ends: this is what a key does with a request.
func ExampleParseMakeCredentialRequest() {
	message, err := newAccount.Append(nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ctap2.Command(message[0]))
	r, err := ctap2.ParseMakeCredentialRequest(message[1:])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.RP.ID, r.User.Name, r.Has(8))

	_, err = ctap2.ParseMakeCredentialRequest([]byte{0xa0})
	fmt.Println(errors.Is(err, ctap2.StatusMissingParameter))
	// Output:
	// authenticatorMakeCredential
	// example.com ada@example.com false
	// true
}

func ExampleExtensions() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	request := *newAccount
	request.Extensions = ctap2.Extensions{}
	if err := request.Extensions.Set(ctap2.ExtensionCredProtect, 2); err != nil {
		log.Fatal(err)
	}
	made, err := client.MakeCredential(ctx, &request)
	if err != nil {
		log.Fatal(err)
	}
	var level uint
	ok, err := made.AuthData.Extensions.Get(ctap2.ExtensionCredProtect, &level)
	fmt.Println(level, ok, err)
	// Output: 2 true <nil>
}
