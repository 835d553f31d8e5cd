package virtual_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// A key that never answers: what ends the call is the program's own deadline.
func ExampleFaults_delay() {
	_, client := newKey(virtual.Config{Faults: virtual.Faults{
		Delay: map[ctap2.Command]time.Duration{ctap2.CommandGetInfo: -1},
	}})
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := client.GetInfo(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

// A forged key: its signatures don't verify, and its counter goes backwards.
func ExampleFaults_signatures() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{})
	made, err := client.MakeCredential(ctx, register("ada"))
	if err != nil {
		log.Fatal(err)
	}
	key.SetFaults(virtual.Faults{BadSignature: true, CounterRollback: true})
	got, err := client.GetAssertion(ctx, login())
	if err != nil {
		log.Fatal(err)
	}
	signed := append(got.AuthData.Raw, login().ClientDataHash...)
	fmt.Println(made.AuthData.AttestedCredentialData.PublicKey.Verify(signed, got.Signature) == nil)
	fmt.Println(got.AuthData.SignCount > made.AuthData.SignCount)
	// Output:
	// false
	// false
}

// A key that breaks off in the middle of a reply.
func ExampleFaults_mutate() {
	_, client := newKey(virtual.Config{Faults: virtual.Faults{
		Mutate: func(_ ctap2.Command, reply []byte) []byte { return reply[:len(reply)/2] },
	}})
	_, err := client.GetInfo(context.Background())
	var bad *ctap2.ReplyError
	fmt.Println(errors.As(err, &bad))
	// Output: true
}

// Some keys end the token after each change. A program that reuses one for a
// whole piece of work finds out here.
func ExampleFaults_tokenOnce() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{UV: virtual.FingerprintUV, Faults: virtual.Faults{TokenOnce: true}})
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	thumb, err := key.AddFingerprint("thumb")
	if err != nil {
		log.Fatal(err)
	}
	token, err := client.PINToken(ctx, []byte("1234"), ctap2.PermissionBE, "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.SetFingerprintName(ctx, token, thumb, "left thumb"))
	fmt.Println(errors.Is(client.RemoveFingerprint(ctx, token, thumb), ctap2.StatusPINAuthInvalid))
	// Output:
	// <nil>
	// true
}

// A key that refuses every request without a touch, by which long lists are gone
// through: the client does without.
func ExampleFaults_silentStatus() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{
		MaxCredentialCountInList: 1,
		Faults:                   virtual.Faults{SilentStatus: ctap2.StatusUnsupportedOption},
	})
	credential, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"}})
	if err != nil {
		log.Fatal(err)
	}
	request := login()
	request.AllowList = []ctap2.PublicKeyCredentialDescriptor{
		{ID: make([]byte, 64), Type: ctap2.TypePublicKey},
		{ID: credential.ID, Type: ctap2.TypePublicKey},
	}
	_, err = client.GetAssertionWithList(ctx, request, nil)
	fmt.Println(err)
	for _, c := range key.Commands() {
		fmt.Println(c.Command(), c.Status.Name())
	}
	// Output:
	// <nil>
	// authenticatorGetInfo CTAP1_ERR_SUCCESS
	// authenticatorGetAssertion CTAP2_ERR_UNSUPPORTED_OPTION
	// authenticatorGetAssertion CTAP2_ERR_NO_CREDENTIALS
	// authenticatorGetAssertion CTAP1_ERR_SUCCESS
}

// A key of older firmware, without some commands and extensions.
func ExampleConfig_withoutCommands() {
	_, client := newKey(virtual.Config{
		WithoutCommands:   []ctap2.Command{ctap2.CommandLargeBlobs},
		WithoutExtensions: []string{ctap2.ExtensionCredBlob},
	})
	info, err := client.GetInfo(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Options[ctap2.OptionLargeBlobs], info.Extensions)
	// Output: false [credProtect hmac-secret hmac-secret-mc minPinLength thirdPartyPayment]
}

// With random bytes that repeat, a test sees the same credentials each time.
// RSA keys are the exception.
func ExampleConfig_rand() {
	var keys [2]ctap2.PublicKeyCredentialDescriptor
	for i := range keys {
		_, client := newKey(virtual.Config{Rand: rand.NewChaCha8([32]byte{})})
		made, err := client.MakeCredential(context.Background(), register("ada"))
		if err != nil {
			log.Fatal(err)
		}
		keys[i].ID = made.AuthData.AttestedCredentialData.CredentialID
	}
	fmt.Println(string(keys[0].ID) == string(keys[1].ID))
	// Output: true
}

// A key can be put back to where it was.
func ExampleMemoryStorage_Snapshot() {
	ctx := context.Background()
	storage := virtual.NewMemoryStorage()
	key, client := newKey(virtual.Config{Storage: storage})
	before := storage.Snapshot()
	if _, err := client.MakeCredential(ctx, register("ada")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(key.Credentials()))
	storage.Restore(before)
	key.PowerCycle()
	fmt.Println(len(key.Credentials()))
	// Output:
	// 1
	// 0
}

// oldest is a user who chooses the oldest account.
type oldest struct{ virtual.User }

func (oldest) Choose(_ context.Context, _ virtual.Prompt, accounts []ctap2.PublicKeyCredentialUserEntity) int {
	return len(accounts) - 1
}

// On a key with a display the user chooses the account, and the host gets that
// one alone.
func ExampleChooser() {
	ctx := context.Background()
	_, client := newKey(virtual.Config{Display: true, User: oldest{virtual.AlwaysTouch()}})
	for _, name := range []string{"ada", "grace"} {
		if _, err := client.MakeCredential(ctx, register(name)); err != nil {
			log.Fatal(err)
		}
	}
	got, err := client.GetAssertion(ctx, login())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, selected %v, of %d", got.User.ID, got.UserSelected, got.NumberOfCredentials)
	// Output: ada, selected true, of 0
}
