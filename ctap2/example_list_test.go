package ctap2_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// A relying party that knows more credentials of a user than the key takes in
// one list.
func ExampleClient_GetAssertionWithList() {
	ctx := context.Background()
	key, err := virtual.New(virtual.Config{MaxCredentialCountInList: 8})
	if err != nil {
		log.Fatal(err)
	}
	client := ctap2.NewClient(key.Direct(), &ctap2.ClientConfig{Trace: func(e ctap2.TraceEvent) {
		if e.IsReply && e.Command != ctap2.CommandGetInfo {
			fmt.Println(e.Command, e.Status.Name())
		}
	}})
	made, err := client.MakeCredential(ctx, newAccount)
	if err != nil {
		log.Fatal(err)
	}
	var list []ctap2.PublicKeyCredentialDescriptor
	for i := range 20 { // on other keys
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: []byte{byte(i), 1, 2, 3}, Type: ctap2.TypePublicKey})
	}
	list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: made.AuthData.AttestedCredentialData.CredentialID, Type: ctap2.TypePublicKey})

	_, err = client.GetAssertionWithList(ctx, &ctap2.GetAssertionRequest{
		RPID: "example.com", ClientDataHash: challenge[:], AllowList: list,
	}, nil)
	fmt.Println(err)
	// Output:
	// authenticatorMakeCredential CTAP1_ERR_SUCCESS
	// authenticatorGetAssertion CTAP2_ERR_NO_CREDENTIALS
	// authenticatorGetAssertion CTAP2_ERR_NO_CREDENTIALS
	// authenticatorGetAssertion CTAP1_ERR_SUCCESS
	// authenticatorGetAssertion CTAP1_ERR_SUCCESS
	// <nil>
}

func ExampleClient_MakeCredentialWithList() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	made, err := client.MakeCredential(ctx, newAccount)
	if err != nil {
		log.Fatal(err)
	}
	again := *newAccount
	for i := range 20 {
		again.ExcludeList = append(again.ExcludeList, ctap2.PublicKeyCredentialDescriptor{ID: []byte{byte(i), 1, 2, 3}, Type: ctap2.TypePublicKey})
	}
	again.ExcludeList = append(again.ExcludeList,
		ctap2.PublicKeyCredentialDescriptor{ID: made.AuthData.AttestedCredentialData.CredentialID, Type: ctap2.TypePublicKey})
	_, err = client.MakeCredentialWithList(ctx, &again, nil)
	fmt.Println(err)
	// Output: ctap2: authenticatorMakeCredential: the key is already registered there (CTAP2_ERR_CREDENTIAL_EXCLUDED)
}

// Which of its accounts a key has, without a touch.
func ExampleClient_FindCredential() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	made, err := client.MakeCredential(ctx, newAccount)
	if err != nil {
		log.Fatal(err)
	}
	found, err := client.FindCredential(ctx, "example.com", []ctap2.PublicKeyCredentialDescriptor{
		{ID: []byte("on another key"), Type: ctap2.TypePublicKey},
		{ID: made.AuthData.AttestedCredentialData.CredentialID, Type: ctap2.TypePublicKey},
	}, nil)
	fmt.Println(found != nil, err)
	// Output: true <nil>
}

func ExampleClient_Token() {
	ctx := context.Background()
	client := softwareKey(virtual.Config{})
	if err := client.SetPIN(ctx, []byte("1234")); err != nil {
		log.Fatal(err)
	}
	typed := []string{"4321", "1234"} // a slip first
	prompt := ctap2.TokenPrompt{PIN: func(_ context.Context, retries ctap2.PINRetries, last error) ([]byte, error) {
		if last != nil {
			fmt.Println(last)
		}
		fmt.Printf("PIN (%d tries left): %s\n", retries.Retries, typed[0])
		pin := []byte(typed[0])
		typed = typed[1:]
		return pin, nil
	}}
	token, err := client.Token(ctx, ctap2.PermissionGA, "example.com", prompt)
	if err != nil {
		log.Fatal(err)
	}
	defer token.Wipe()
	request := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: challenge[:]}
	request.Authorize(token)
	// Output:
	// PIN (8 tries left): 4321
	// the PIN is wrong; 7 tries left
	// PIN (7 tries left): 1234
}
