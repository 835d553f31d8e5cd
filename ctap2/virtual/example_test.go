package virtual_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
)

// register asks for a passkey of a user at example.com.
func register(user string) *ctap2.MakeCredentialRequest {
	hash := sha256.Sum256([]byte("the client data"))
	return &ctap2.MakeCredentialRequest{
		ClientDataHash:   hash[:],
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte(user), Name: user},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		Options:          ctap2.Options{RK: new(true)},
	}
}

// login asks for an assertion for example.com.
func login() *ctap2.GetAssertionRequest {
	hash := sha256.Sum256([]byte("the client data"))
	return &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: hash[:]}
}

func newKey(c virtual.Config) (*virtual.Key, *ctap2.Client) {
	key, err := virtual.New(c)
	if err != nil {
		log.Fatal(err)
	}
	return key, ctap2.NewClient(key.Direct(), nil)
}

func ExampleNew() {
	ctx := context.Background()
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		log.Fatal(err)
	}
	client := ctap2.NewClient(key.Direct(), nil)
	if _, err := client.MakeCredential(ctx, register("ada")); err != nil {
		log.Fatal(err)
	}
	assertion, err := client.GetAssertion(ctx, login())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %v", assertion.User.ID, assertion.AuthData.Flags)
	// Output: ada, UP
}

func ExampleConfig_info() {
	key, _ := newKey(virtual.Config{Info: func(r *ctap2.GetInfoResponse) {
		r.Versions = append(r.Versions, "FIDO_9_9")
		r.FirmwareVersion = nil
	}})
	fmt.Println(key.Info().Versions)
	// Output: [U2F_V2 FIDO_2_0 FIDO_2_1 FIDO_2_3 FIDO_9_9]
}

func ExampleScript() {
	ctx := context.Background()
	_, client := newKey(virtual.Config{User: virtual.Script(
		virtual.Step{Touch: virtual.Decline},
		virtual.Step{After: 10 * time.Millisecond, Touch: virtual.Touch},
	)})
	_, err := client.MakeCredential(ctx, register("ada"))
	fmt.Println(errors.Is(err, ctap2.StatusOperationDenied))
	_, err = client.MakeCredential(ctx, register("ada"))
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

func ExampleNewManual() {
	ctx := context.Background()
	user := virtual.NewManual()
	_, client := newKey(virtual.Config{User: user})
	done := make(chan error)
	go func() {
		_, err := client.MakeCredential(ctx, register("ada"))
		done <- err
	}()
	prompt := <-user.Prompts
	fmt.Println(prompt.Command, "for", prompt.RPID)
	user.Decisions <- virtual.Touch
	fmt.Println(<-done)
	// Output:
	// authenticatorMakeCredential for example.com
	// <nil>
}

// Ten seconds after power-up a key takes no reset any more. A clock that stands
// still until told otherwise saves the test from waiting.
func ExampleNewClock() {
	ctx := context.Background()
	clock := virtual.NewClock(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	key, client := newKey(virtual.Config{Clock: clock})
	clock.Advance(11 * time.Second)
	fmt.Println(errors.Is(client.Reset(ctx), ctap2.StatusNotAllowed))
	key.PowerCycle()
	fmt.Println(client.Reset(ctx))
	// Output:
	// true
	// <nil>
}

// After three wrong PINs only a power cycle helps.
func ExampleKey_PowerCycle() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{})
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	for range 3 {
		_, err := client.PINToken(ctx, []byte("0000"), ctap2.PermissionGA, "example.com")
		fmt.Println(errors.Is(err, ctap2.StatusPINAuthBlocked))
	}
	key.PowerCycle()
	_, err := client.PINToken(ctx, []byte("1234"), ctap2.PermissionGA, "example.com")
	fmt.Println(err, key.PINRetries())
	// Output:
	// false
	// false
	// true
	// <nil> 8
}

// The power goes in the middle of a registration: nothing is left of it.
func ExampleMemoryStorage_CutPowerAfter() {
	ctx := context.Background()
	storage := virtual.NewMemoryStorage()
	key, client := newKey(virtual.Config{Storage: storage})
	storage.CutPowerAfter(0)
	_, err := client.MakeCredential(ctx, register("ada"))
	fmt.Println(errors.Is(err, ctap2.StatusOther))
	key.PowerCycle()
	fmt.Println(len(key.Credentials()))
	// Output:
	// true
	// 0
}

// A Storage outlives a Key: what is on it can be put into another.
func ExampleStorage() {
	ctx := context.Background()
	storage := virtual.NewMemoryStorage()
	_, client := newKey(virtual.Config{Storage: storage})
	if _, err := client.MakeCredential(ctx, register("ada")); err != nil {
		log.Fatal(err)
	}
	again, _ := newKey(virtual.Config{Storage: storage})
	fmt.Printf("%s\n", again.Credentials()[0].User.ID)
	// Output: ada
}

// A key that some owners have: it answers getInfo out of order, and a cancelled
// command with another status.
func ExampleFaults() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{Faults: virtual.Faults{Unsorted: true}})
	info, err := client.GetInfo(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Versions, len(info.Deviations) > 0)
	key.SetFaults(virtual.Faults{Override: map[ctap2.Command]virtual.Reply{
		ctap2.CommandGetAssertion: {Status: ctap2.StatusNoCredentials},
	}})
	_, err = client.GetAssertion(ctx, login())
	fmt.Println(errors.Is(err, ctap2.StatusNoCredentials))
	// Output:
	// [U2F_V2 FIDO_2_0 FIDO_2_1 FIDO_2_3] true
	// true
}

func ExampleKey_AddCredential() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{})
	credential, err := key.AddCredential(virtual.NewCredential{
		RP:           ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:         ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada")},
		Discoverable: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	assertion, err := client.GetAssertion(ctx, login())
	if err != nil {
		log.Fatal(err)
	}
	signed := append(assertion.AuthData.Raw, login().ClientDataHash...)
	fmt.Println(credential.PublicKey.Verify(signed, assertion.Signature))
	// Output: <nil>
}

func ExampleKey_Commands() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{})
	if _, err := client.GetAssertion(ctx, login()); err == nil {
		log.Fatal("there is no credential")
	}
	for _, c := range key.Commands() {
		if request, err := c.Parse(); err == nil && request != nil {
			fmt.Println(c.Command(), request.(*ctap2.GetAssertionRequest).RPID, c.Status.Name())
		}
	}
	// Output: authenticatorGetAssertion example.com CTAP2_ERR_NO_CREDENTIALS
}

func ExampleAttestSelf() {
	_, client := newKey(virtual.Config{Attestation: virtual.AttestSelf})
	r, err := client.MakeCredential(context.Background(), register("ada"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Fmt)
	// Output: packed
}
