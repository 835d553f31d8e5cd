package webauthn_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// terminal is a prompt that prints what a person is told, and whose person has
// one PIN.
type terminal struct{ pin string }

func (t terminal) PIN(_ context.Context, p webauthn.PINPrompt) ([]byte, error) {
	fmt.Printf("PIN of the key, for %s (%d tries left)\n", p.RPID, p.Retries)
	return []byte(t.pin), nil
}

func (terminal) Touch(_ context.Context, p webauthn.TouchPrompt) {
	fmt.Println("touch the key for", p.RPID)
}

func (terminal) HoldToReader(_ context.Context, p webauthn.TouchPrompt) {
	fmt.Println("hold the key to the reader for", p.RPID)
}

func (terminal) Fingerprint(_ context.Context, p webauthn.FingerprintPrompt) error {
	fmt.Println("put your finger on the key for", p.RPID)
	return nil
}

func (terminal) ChooseAccount(_ context.Context, rpID string, accounts []webauthn.Account) (int, error) {
	for i, a := range accounts {
		fmt.Println(i, a.Name)
	}
	return 0, nil
}

// softwareKey returns a client for a software key with the PIN 1234. A program
// opens a real one with fido.Open, and uses its member Client.
func softwareKey() *ctap2.Client {
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	return ctap2.NewClient(key.Direct(), nil)
}

// newPasskey is what a Client makes of a site's options.
func newPasskey(user string) *webauthn.MakeCredentialRequest {
	return &webauthn.MakeCredentialRequest{
		ClientDataJSON:   []byte(`{"type":"webauthn.create","challenge":"AAAA","origin":"https://example.com"}`),
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte(user), Name: user},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		ResidentKey:      webauthn.ResidentKeyRequired,
		UserVerification: webauthn.UserVerificationPreferred,
	}
}

var logIn = &webauthn.GetAssertionRequest{
	ClientDataJSON:   []byte(`{"type":"webauthn.get","challenge":"AAAA","origin":"https://example.com"}`),
	RPID:             "example.com",
	UserVerification: webauthn.UserVerificationPreferred,
}

func ExampleNewSecurityKey() {
	key := webauthn.NewSecurityKey(softwareKey(), terminal{pin: "1234"})
	client := webauthn.NewClient(key, nil)
	options, err := webauthn.ParseRequestOptions([]byte(`{"challenge": "AAAAAAAAAAAAAAAAAAAAAA", "rpId": "example.com"}`))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Get(context.Background(), "https://example.com", options)
	fmt.Println(errors.Is(err, webauthn.ErrNoPasskey))
	// Output:
	// PIN of the key, for example.com (8 tries left)
	// true
}

func ExampleSecurityKey_MakeCredential() {
	key := webauthn.NewSecurityKey(softwareKey(), terminal{pin: "1234"})
	made, err := key.MakeCredential(context.Background(), newPasskey("ada"))
	if err != nil {
		log.Fatal(err)
	}
	object, err := webauthn.ParseAttestationObject(made.AttestationObject)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(object.Fmt, object.AuthData.Flags, made.Transports)
	// Output:
	// PIN of the key, for example.com (8 tries left)
	// touch the key for example.com
	// packed UP, UV, AT [usb]
}

// Without a list the user chooses among the passkeys for the site.
func ExampleSecurityKey_GetAssertion() {
	ctx := context.Background()
	client := softwareKey()
	quiet := webauthn.NewSecurityKey(client, silent{terminal{pin: "1234"}})
	for _, user := range []string{"ada", "bob"} {
		if _, err := quiet.MakeCredential(ctx, newPasskey(user)); err != nil {
			log.Fatal(err)
		}
	}
	key := webauthn.NewSecurityKey(client, terminal{pin: "1234"})
	got, err := key.GetAssertion(ctx, logIn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("logged in as %s\n", got.UserHandle)
	// Output:
	// PIN of the key, for example.com (8 tries left)
	// touch the key for example.com
	// 0 bob
	// 1 ada
	// logged in as bob
}

// silent is a terminal that prints less.
type silent struct{ terminal }

func (s silent) PIN(context.Context, webauthn.PINPrompt) ([]byte, error) { return []byte(s.pin), nil }
func (silent) Touch(context.Context, webauthn.TouchPrompt)               {}
