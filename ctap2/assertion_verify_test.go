package ctap2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
)

// asserted returns an assertion of a software key for example.com and the
// credential's public key.
func asserted(t *testing.T) (*ctap2.GetAssertionResponse, *cose.Key) {
	t.Helper()
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c := ctap2.NewClient(key.Direct(), nil)
	made, err := c.MakeCredential(t.Context(), &ctap2.MakeCredentialRequest{
		ClientDataHash:   clientDataHash,
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
	})
	if err != nil {
		t.Fatal(err)
	}
	credential := made.AuthData.AttestedCredentialData
	r, err := c.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash,
		AllowList: []ctap2.PublicKeyCredentialDescriptor{{ID: credential.CredentialID, Type: ctap2.TypePublicKey}}})
	if err != nil {
		t.Fatal(err)
	}
	return r, credential.PublicKey
}

func TestVerifyAssertion(t *testing.T) {
	r, key := asserted(t)
	_, other := asserted(t)
	changed := func(f func(*ctap2.GetAssertionResponse)) *ctap2.GetAssertionResponse {
		c := *r
		c.AuthData.Raw, c.Signature = bytes.Clone(r.AuthData.Raw), bytes.Clone(r.Signature)
		f(&c)
		return &c
	}
	hash := bytes.Clone(clientDataHash)
	hash[0] ^= 1
	for _, test := range []struct {
		name   string
		r      *ctap2.GetAssertionResponse
		key    *cose.Key
		rpID   string
		hash   []byte
		reason string // nothing: it is good
		wraps  error
	}{
		{"good", r, key, "example.com", clientDataHash, "", nil},
		{"another key", r, other, "example.com", clientDataHash, "does not verify", cose.ErrSignature},
		{"another relying party", r, key, "example.org", clientDataHash, "example.org", nil},
		{"another challenge", r, key, "example.com", hash, "does not verify", cose.ErrSignature},
		{"a short hash", r, key, "example.com", hash[:31], "31 bytes", nil},
		{"no key", r, nil, "example.com", clientDataHash, "no public key", nil},
		{"a flag changed", changed(func(r *ctap2.GetAssertionResponse) { r.AuthData.Raw[32] ^= 4 }), key, "example.com", clientDataHash, "does not verify", cose.ErrSignature},
		{"the counter changed", changed(func(r *ctap2.GetAssertionResponse) { r.AuthData.Raw[36] ^= 1 }), key, "example.com", clientDataHash, "does not verify", cose.ErrSignature},
		{"no signature", changed(func(r *ctap2.GetAssertionResponse) { r.Signature = nil }), key, "example.com", clientDataHash, "does not verify", cose.ErrSignature},
		{"authenticator data of one byte", changed(func(r *ctap2.GetAssertionResponse) { r.AuthData.Raw = []byte{1} }), key, "example.com", clientDataHash, "relying party", nil},
	} {
		err := test.r.Verify(test.key, test.rpID, test.hash)
		bad, ok := errors.AsType[*ctap2.AssertionError](err)
		switch {
		case test.reason == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.reason != "" && (!ok || !strings.Contains(bad.Error(), test.reason) || test.wraps != nil && !errors.Is(err, test.wraps)):
			t.Errorf("%s: %v, want %q", test.name, err, test.reason)
		}
	}
}

func ExampleGetAssertionResponse_Verify() {
	ctx := context.Background()
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := ctap2.NewClient(key.Direct(), nil)
	made, err := client.MakeCredential(ctx, &ctap2.MakeCredentialRequest{
		ClientDataHash:   clientDataHash,
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		Options:          ctap2.Options{RK: new(true)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	public := made.AuthData.AttestedCredentialData.PublicKey // kept with the account

	assertion, err := client.GetAssertion(ctx, &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(assertion.Verify(public, "example.com", clientDataHash))
	fmt.Println(assertion.Verify(public, "example.org", clientDataHash))
	// Output:
	// <nil>
	// ctap2: bad assertion: it is not for the relying party "example.org"
}
