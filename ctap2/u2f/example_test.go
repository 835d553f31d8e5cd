package u2f_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc/iso7816"
)

// connect returns a connection to a software key, new each time. A program that
// talks to a key on USB passes a *ctaphid.Conn to NewClient instead.
func connect(c virtual.Config) *virtual.Direct {
	key, err := virtual.New(c)
	if err != nil {
		log.Fatal(err)
	}
	return key.Direct()
}

var (
	application = sha256.Sum256([]byte("example.com"))
	challenge   = sha256.Sum256([]byte("client data with fresh random bytes from the relying party"))
)

func ExampleClient_Version() {
	version, err := u2f.NewClient(connect(virtual.Config{}), nil).Version(context.Background())
	fmt.Println(version, err)
	// Output: U2F_V2 <nil>
}

// Register and log in, with the checks that a relying party makes.
func Example() {
	ctx := context.Background()
	client := u2f.NewClient(connect(virtual.Config{}), &u2f.ClientConfig{
		Waiting: func(byte) { fmt.Println("Touch the key.") },
	})

	register := &u2f.RegisterRequest{Challenge: challenge, Application: application}
	registered, err := client.Register(ctx, register)
	if err != nil {
		log.Fatal(err)
	}
	publicKey, err := registered.PublicKey()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("registered:", registered.Verify(register))

	authenticate := &u2f.AuthenticateRequest{
		Control:     u2f.EnforceUserPresence,
		Challenge:   challenge,
		Application: application,
		KeyHandle:   registered.KeyHandle,
	}
	response, err := client.Authenticate(ctx, authenticate)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("login:", response.Verify(authenticate, publicKey))
	fmt.Println("present:", response.UserPresent(), "counter:", response.Counter)
	// Output:
	// registered: <nil>
	// login: <nil>
	// present: true counter: 1
}

// The user touches the key after half a second; until then the key is asked again
// and again.
func ExampleClient_Register() {
	key := connect(virtual.Config{User: virtual.TouchAfter(500 * time.Millisecond)})
	client := u2f.NewClient(key, &u2f.ClientConfig{
		Waiting: func(byte) { fmt.Println("Touch the key.") },
	})
	registered, err := client.Register(context.Background(), &u2f.RegisterRequest{Challenge: challenge, Application: application})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(registered.KeyHandle), "bytes of key handle")
	// Output:
	// Touch the key.
	// 92 bytes of key handle
}

// Which of several key handles is this key's? Nobody has to touch it to find
// out.
func ExampleClient_Check() {
	ctx := context.Background()
	client := u2f.NewClient(connect(virtual.Config{}), nil)
	registered, err := client.Register(ctx, &u2f.RegisterRequest{Application: application})
	if err != nil {
		log.Fatal(err)
	}
	for _, handle := range [][]byte{[]byte("of another key"), registered.KeyHandle} {
		err := client.Check(ctx, &u2f.AuthenticateRequest{Application: application, KeyHandle: handle})
		fmt.Println(err == nil, errors.Is(err, u2f.ErrUnknownKeyHandle))
	}
	// Output:
	// false true
	// true false
}

// A signature without a touch says so.
func ExampleClient_Authenticate() {
	ctx := context.Background()
	client := u2f.NewClient(connect(virtual.Config{}), nil)
	registered, err := client.Register(ctx, &u2f.RegisterRequest{Application: application})
	if err != nil {
		log.Fatal(err)
	}
	response, err := client.Authenticate(ctx, &u2f.AuthenticateRequest{
		Control:     u2f.DontEnforceUserPresence,
		Challenge:   challenge,
		Application: application,
		KeyHandle:   registered.KeyHandle,
	})
	fmt.Println(response.UserPresent(), err)
	// Output: false <nil>
}

// An authenticator parses a request, and answers with the data of a response
// and a status word.
func ExampleParseRequest() {
	answer := func(dst, apdu []byte) []byte {
		request, err := u2f.ParseRequest(apdu)
		if bad, ok := errors.AsType[*u2f.RequestError](err); ok {
			return bad.SW.Append(dst)
		}
		switch request.(type) {
		case *u2f.VersionRequest:
			return iso7816.SWNoError.Append(append(dst, u2f.Version2...))
		case *u2f.AuthenticateRequest:
			return iso7816.SWWrongData.Append(dst) // nobody's key handle
		}
		return iso7816.SWConditionsOfUseNotSatisfied.Append(dst) // nobody touches it
	}
	fmt.Printf("%q\n", answer(nil, []byte{0, 3, 0, 0, 0, 0, 0}))
	fmt.Printf("%x\n", answer(nil, []byte{0, 9, 0, 0}))
	// Output:
	// "U2F_V2\x90\x00"
	// 6d00
}

func ExampleAuthenticateRequest_Append() {
	request := &u2f.AuthenticateRequest{Control: u2f.CheckOnly, KeyHandle: []byte("key handle")}
	for _, form := range []iso7816.Form{iso7816.Short, iso7816.Extended} {
		apdu, err := request.Append(nil, form)
		fmt.Printf("%v: %x… of %d bytes, %v\n", form, apdu[:7], len(apdu), err)
	}
	// Output:
	// short: 000207004b0000… of 81 bytes, <nil>
	// extended: 0002070000004b… of 84 bytes, <nil>
}
