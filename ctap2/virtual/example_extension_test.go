package virtual_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
)

// A key whose credentials need user verification unless the relying party says
// otherwise, and that says so.
func ExampleConfig_credProtect() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{CredProtect: ctap2.CredProtectUVRequired})
	made, err := client.MakeCredential(ctx, register("ada"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.AuthData.Extensions.CredProtect())
	fmt.Println(key.Credentials()[0].CredProtect)
	_, err = client.GetAssertion(ctx, login())
	fmt.Println(errors.Is(err, ctap2.StatusNoCredentials))
	// Output:
	// userVerificationRequired <nil>
	// userVerificationRequired
	// true
}

// A relying party that asks for a level must look at the one that it got.
func ExampleFaults_credProtect() {
	_, client := newKey(virtual.Config{Faults: virtual.Faults{CredProtect: ctap2.CredProtectUVOptional}})
	request := register("ada")
	request.Extensions.SetCredProtect(ctap2.CredProtectUVRequired)
	made, err := client.MakeCredential(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.AuthData.Extensions.CredProtect())
	// Output: userVerificationOptional <nil>
}

// Outputs that nobody asked for must not confuse a program.
func ExampleFaults_extraExtensions() {
	_, client := newKey(virtual.Config{Faults: virtual.Faults{
		ExtraExtensions: ctap2.Extensions{"example.com/serial": {0x18, 0x2a}},
	}})
	made, err := client.MakeCredential(context.Background(), register("ada"))
	if err != nil {
		log.Fatal(err)
	}
	var serial int
	fmt.Println(made.AuthData.Extensions.Get("example.com/serial", &serial))
	fmt.Println(serial)
	// Output:
	// true <nil>
	// 42
}

// A key that refuses whatever asks for an extension.
func ExampleFaults_rejectExtensions() {
	key, client := newKey(virtual.Config{Faults: virtual.Faults{Override: map[ctap2.Command]virtual.Reply{
		ctap2.CommandMakeCredential: {Status: ctap2.StatusUnsupportedExtension},
	}}})
	request := register("ada")
	request.Extensions.RequestHMACSecret()
	_, err := client.MakeCredential(context.Background(), request)
	fmt.Println(errors.Is(err, ctap2.StatusUnsupportedExtension))
	key.SetFaults(virtual.Faults{})
	request.Extensions = nil
	_, err = client.MakeCredential(context.Background(), request)
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// The secrets of hmac-secret can be chosen, so that a test knows what comes of a
// salt.
func ExampleNewCredential_credRandom() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{})
	_, err := key.AddCredential(virtual.NewCredential{
		RP:                  ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:                ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada")},
		Discoverable:        true,
		CredRandomWithoutUV: make([]byte, 32),
	})
	if err != nil {
		log.Fatal(err)
	}
	exchange, err := client.HMACSecretExchange(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer exchange.Wipe()
	request := login()
	if err := exchange.Request(&request.Extensions, ctap2.PRFSalt(nil)); err != nil {
		log.Fatal(err)
	}
	got, err := client.GetAssertion(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	outputs, err := exchange.Outputs(got.AuthData.Extensions)
	fmt.Printf("%x %v\n", outputs[0][:4], err)
	// Output: 1f798e25 <nil>
}

// A key that advertises an algorithm the program has never heard of, before
// those that it has.
func ExampleConfig_algorithms() {
	const unheardOf = -65000
	_, client := newKey(virtual.Config{
		Algorithms: []cose.Algorithm{cose.EdDSA, cose.ES256},
		Info: func(r *ctap2.GetInfoResponse) {
			r.Algorithms = append([]ctap2.PublicKeyCredentialParameters{{Alg: unheardOf, Type: ctap2.TypePublicKey}}, r.Algorithms...)
		},
	})
	info, err := client.Info(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range info.Algorithms {
		fmt.Println(p.Alg, p.Alg.CanVerify())
	}
	// Output:
	// COSE algorithm -65000 false
	// EdDSA true
	// ES256 true
}

// What a key of CTAP 2.0 lacks.
func ExampleConfig_profile() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{Profile: virtual.FIDO20})
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	info, err := client.Info(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Versions, info.Extensions, info.PinUvAuthProtocols)
	// The old kind of token is good for everything until the power goes.
	token, err := client.PINToken(ctx, []byte("1234"), ctap2.PermissionMC|ctap2.PermissionGA, "example.com")
	if err != nil {
		log.Fatal(err)
	}
	request := register("ada")
	request.Authorize(token)
	for range 2 {
		_, err = client.MakeCredential(ctx, request)
		fmt.Println(err)
	}
	// Output:
	// [U2F_V2 FIDO_2_0] [hmac-secret] [PIN/UV auth protocol one]
	// <nil>
	// <nil>
}
