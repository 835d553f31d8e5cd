package webauthn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2/webauthn"
)

// A program encrypts with what prf gives, and tells the site only that it did.
func ExamplePRFOutputs_Wipe() {
	ctx := context.Background()
	key := webauthn.NewSecurityKey(softwareKey(), silent{terminal{pin: "1234"}})
	passkey := newPasskey("ada")
	passkey.Extensions.PRF = &webauthn.PRFInputs{}
	if _, err := key.MakeCredential(ctx, passkey); err != nil {
		log.Fatal(err)
	}
	options, err := webauthn.ParseRequestOptions([]byte(`{
		"challenge": "ZvAvhA1xC6bSSdzCHL6ypA", "rpId": "example.com", "extensions": {"prf": {"eval": {"first": "YQ"}}}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	response, err := webauthn.NewClient(key, nil).Get(ctx, "https://example.com", options)
	if err != nil {
		log.Fatal(err)
	}
	prf := response.ClientExtensionResults.PRF
	secret := prf.Results.First // 32 bytes to encrypt with
	fmt.Println(prf.Results, len(secret))
	prf.Wipe()
	fmt.Println(bytes.Equal(secret, make([]byte, 32)))
	prf.Results = nil
	toSite, err := json.Marshal(response.ClientExtensionResults)
	fmt.Println(string(toSite), err)
	// Output:
	// PRFValues(redacted) 32
	// true
	// {"prf":{}} <nil>
}

// An authenticator looks up the inputs for the credential that it signs with.
func ExamplePRFInputs_For() {
	inputs := &webauthn.PRFInputs{
		Eval:             &webauthn.PRFValues{First: []byte("for all others")},
		EvalByCredential: map[string]webauthn.PRFValues{"\x01\x02": {First: []byte("for this one")}},
	}
	fmt.Printf("%s\n%s\n", inputs.For([]byte{1, 2}).First, inputs.For([]byte{3}).First)
	// Output:
	// for this one
	// for all others
}
