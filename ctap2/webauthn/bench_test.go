package webauthn_test

import (
	"encoding/json"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// BenchmarkParse reads what a site sends.
func BenchmarkParse(b *testing.B) {
	b.Run("creation", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := webauthn.ParseCreationOptions([]byte(creationOptions)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("request", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := webauthn.ParseRequestOptions([]byte(requestOptions)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLogin is a login with a second factor: what the key alone does for the
// getAssertion, and the whole, from the site's JSON to the client's.
func BenchmarkLogin(b *testing.B) {
	const site = "https://example.com"
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		b.Fatal(err)
	}
	key := ctap2.NewClient(soft.Direct(), nil)
	made, err := soft.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada")}})
	if err != nil {
		b.Fatal(err)
	}
	allow := []ctap2.PublicKeyCredentialDescriptor{{ID: made.ID, Type: ctap2.TypePublicKey}}
	b.Run("getAssertion", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := key.GetAssertion(b.Context(), &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: make([]byte, 32), AllowList: allow}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("WebAuthn", func(b *testing.B) {
		sent, err := json.Marshal(&webauthn.RequestOptions{Challenge: make([]byte, 32), RPID: "example.com", AllowCredentials: allow, UserVerification: webauthn.UserVerificationDiscouraged})
		if err != nil {
			b.Fatal(err)
		}
		client := webauthn.NewClient(webauthn.NewSecurityKey(key, nil), nil)
		b.ReportAllocs()
		for b.Loop() {
			options, err := webauthn.ParseRequestOptions(sent)
			if err != nil {
				b.Fatal(err)
			}
			response, err := client.Get(b.Context(), site, options)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := json.Marshal(response); err != nil {
				b.Fatal(err)
			}
		}
	})
}
