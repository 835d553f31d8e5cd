package ctap2_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// A secret that only the key can compute, to unlock a disk for example.
func ExampleClient_HMACSecretExchange() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})

	account := *newAccount
	account.Extensions = nil
	account.Extensions.RequestHMACSecret()
	made, err := client.MakeCredential(ctx, &account)
	if err != nil {
		log.Fatal(err)
	}
	enabled, err := made.AuthData.Extensions.HMACSecretEnabled()
	fmt.Println("enabled:", enabled, err)

	// The same salt gives the same secret each time; prf is WebAuthn's way to
	// make one.
	salt := ctap2.PRFSalt([]byte("disk 1"))
	var secrets [2][32]byte
	for i := range secrets {
		exchange, err := client.HMACSecretExchange(ctx)
		if err != nil {
			log.Fatal(err)
		}
		defer exchange.Wipe()
		request := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: challenge[:]}
		if err := exchange.Request(&request.Extensions, salt); err != nil {
			log.Fatal(err)
		}
		got, err := client.GetAssertion(ctx, request)
		if err != nil {
			log.Fatal(err)
		}
		outputs, err := exchange.Outputs(got.AuthData.Extensions)
		if err != nil {
			log.Fatal(err)
		}
		secrets[i] = outputs[0]
	}
	fmt.Println("same secret:", secrets[0] == secrets[1])
	// Output:
	// enabled: true <nil>
	// same secret: true
}

// WebAuthn's prf evaluated while the credential is made: no second touch is needed
// for the first secret.
func ExampleHMACSecretExchange_RequestMC() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	exchange, err := client.HMACSecretExchange(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer exchange.Wipe()
	account := *newAccount
	account.Extensions = nil
	salt := ctap2.PRFSalt([]byte("vault of ada@example.com"))
	err = exchange.RequestMC(&account.Extensions, salt)
	if errors.Is(err, errors.ErrUnsupported) { // an older key: the first login has to do
		account.Extensions.RequestHMACSecret()
	} else if err != nil {
		log.Fatal(err)
	}
	made, err := client.MakeCredential(ctx, &account)
	if err != nil {
		log.Fatal(err)
	}
	outputs, err := exchange.Outputs(made.AuthData.Extensions)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(outputs), "secret of", len(outputs[0]), "bytes")
	// Output: 1 secret of 32 bytes
}

// Two salts in one login, to replace a secret by another: the old one opens what
// the new one will close.
func ExampleHMACSecretExchange_Request() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	account := *newAccount
	account.Extensions = nil
	account.Extensions.RequestHMACSecret()
	if _, err := client.MakeCredential(ctx, &account); err != nil {
		log.Fatal(err)
	}
	exchange, err := client.HMACSecretExchange(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer exchange.Wipe()
	request := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: challenge[:]}
	err = exchange.Request(&request.Extensions, ctap2.PRFSalt([]byte("2029")), ctap2.PRFSalt([]byte("2030")))
	if err != nil {
		log.Fatal(err)
	}
	got, err := client.GetAssertion(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	outputs, err := exchange.Outputs(got.AuthData.Extensions)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(outputs), "secrets, the same:", outputs[0] == outputs[1])
	// Output: 2 secrets, the same: false
}

// A bank asks for a credential that a shop's page may use for payments.
func ExampleExtensions_RequestThirdPartyPayment() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	account := *newAccount
	account.Extensions = nil
	account.Extensions.RequestThirdPartyPayment()
	if _, err := client.MakeCredential(ctx, &account); err != nil {
		log.Fatal(err)
	}
	request := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: challenge[:]}
	request.Extensions.RequestThirdPartyPayment()
	got, err := client.GetAssertion(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.AuthData.Extensions.ThirdPartyPayment())
	// Output: true <nil>
}

func ExampleExtensions_SetCredProtect() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	account := *newAccount
	account.Extensions = nil
	account.Extensions.SetCredProtect(ctap2.CredProtectUVOptionalWithCredentialIDList)
	made, err := client.MakeCredential(ctx, &account)
	if err != nil {
		log.Fatal(err)
	}
	level, err := made.AuthData.Extensions.CredProtect()
	fmt.Println(level, err)
	// Without a list of IDs the key keeps the credential to itself.
	_, err = client.GetAssertion(ctx, &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: challenge[:]})
	fmt.Println(err)
	// Output:
	// userVerificationOptionalWithCredentialIDList <nil>
	// ctap2: authenticatorGetAssertion: the key has no matching credential (CTAP2_ERR_NO_CREDENTIALS)
}

// The entries of others stay as they are.
func ExampleLargeBlobArray() {
	key := make([]byte, ctap2.LargeBlobKeySize) // LargeBlobKey of an assertion
	array, err := ctap2.LargeBlobArray{}.Set(nil, key, []byte("a certificate"))
	if err != nil {
		log.Fatal(err)
	}
	stored := array.Append(nil) // what a key stores
	if array, err = ctap2.ParseLargeBlobArray(stored); err != nil {
		log.Fatal(err)
	}
	data, err := array.Find(key)
	fmt.Printf("%s %v\n", data, err)
	// Output: a certificate <nil>
}
