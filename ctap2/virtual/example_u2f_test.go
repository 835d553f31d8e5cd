package virtual_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc/iso7816"
)

// How does a program get on with a key of the time before FIDO2?
func ExampleProfile() {
	ctx := context.Background()
	for _, p := range []virtual.Profile{virtual.FIDO23, virtual.FIDO20, virtual.U2FOnly} {
		_, client := newKey(virtual.Config{Profile: p})
		info, err := client.GetInfo(ctx)
		if errors.Is(err, ctap2.StatusInvalidCommand) {
			fmt.Println(p, "knows no CTAP2")
			continue
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Println(p, info.Versions)
	}
	// Output:
	// FIDO23 [U2F_V2 FIDO_2_0 FIDO_2_1 FIDO_2_3]
	// FIDO20 [U2F_V2 FIDO_2_0]
	// U2FOnly knows no CTAP2
}

func u2fRegistration() *u2f.RegisterRequest {
	return &u2f.RegisterRequest{
		Challenge:   sha256.Sum256([]byte("the client data")),
		Application: sha256.Sum256([]byte("example.com")),
	}
}

// A credential of U2F is one of CTAP2, on a key that speaks both.
func ExampleKey_MSG() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{})
	registered, err := u2f.NewClient(key.Direct(), nil).Register(ctx, u2fRegistration())
	if err != nil {
		log.Fatal(err)
	}
	request := login()
	request.AllowList = []ctap2.PublicKeyCredentialDescriptor{{Type: ctap2.TypePublicKey, ID: registered.KeyHandle}}
	assertion, err := client.GetAssertion(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(assertion.AuthData.Flags)
	for _, r := range key.Commands() {
		fmt.Println(r.U2F, r.Command())
	}
	// Output:
	// UP
	// true command 0x00
	// false authenticatorGetAssertion
}

// U2F does not wait for the user: a host asks until there is a touch, which here
// comes after half a second of the key's time.
func ExampleTouchAfter() {
	clock := virtual.NewClock(time.Now())
	key, _ := newKey(virtual.Config{Clock: clock, User: virtual.TouchAfter(500 * time.Millisecond)})
	apdu, err := u2fRegistration().Append(nil, iso7816.Extended)
	if err != nil {
		log.Fatal(err)
	}
	for range 4 {
		response, err := iso7816.ParseResponse(key.MSG(context.Background(), 1, nil, apdu))
		fmt.Printf("%04X %v\n", uint16(response.SW), err)
		clock.Advance(u2f.PollInterval)
	}
	// Output:
	// 6985 <nil>
	// 6985 <nil>
	// 6985 <nil>
	// 9000 <nil>
}

// Some keys find a key handle that is not theirs to be of a wrong length.
func ExampleFaults_mutateU2F() {
	key, _ := newKey(virtual.Config{Faults: virtual.Faults{
		MutateU2F: func(apdu, response []byte) []byte {
			if unknown, err := iso7816.ParseResponse(response); err == nil && unknown.SW == iso7816.SWWrongData {
				return iso7816.SWWrongLength.Append(nil)
			}
			return response
		},
	}})
	err := u2f.NewClient(key.Direct(), nil).Check(context.Background(), &u2f.AuthenticateRequest{KeyHandle: []byte("of another key")})
	fmt.Println(errors.Is(err, u2f.ErrUnknownKeyHandle), errors.Is(err, iso7816.SWWrongLength))
	// Output: true true
}
