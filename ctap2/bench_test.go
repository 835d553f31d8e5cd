package ctap2_test

import (
	"context"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

func benchmarkParse[T any](b *testing.B, name string, parse func([]byte) (T, error)) {
	body := vector(b, name)[1:]
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := parse(body); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkAppend(b *testing.B, r interface{ Append([]byte) ([]byte, error) }) {
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Append(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.Run("getInfo response", func(b *testing.B) { benchmarkParse(b, "getInfo reply, CTAP 2.3", ctap2.ParseGetInfoResponse) })
	b.Run("makeCredential response", func(b *testing.B) { benchmarkParse(b, "makeCredential reply", ctap2.ParseMakeCredentialResponse) })
	b.Run("getAssertion response", func(b *testing.B) { benchmarkParse(b, "getAssertion reply", ctap2.ParseGetAssertionResponse) })
	b.Run("makeCredential request", func(b *testing.B) { benchmarkParse(b, "makeCredential request", ctap2.ParseMakeCredentialRequest) })
	b.Run("getAssertion request", func(b *testing.B) {
		benchmarkParse(b, "getAssertion request, one credential", ctap2.ParseGetAssertionRequest)
	})
	data := vector(b, "makeCredential authData")
	b.Run("authenticator data", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ctap2.ParseAuthenticatorData(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	info, err := ctap2.ParseGetInfoResponse(vector(b, "getInfo reply, CTAP 2.3")[1:])
	if err != nil {
		b.Fatal(err)
	}
	mc, err := ctap2.ParseMakeCredentialResponse(vector(b, "makeCredential reply")[1:])
	if err != nil {
		b.Fatal(err)
	}
	b.Run("getInfo response", func(b *testing.B) { benchmarkAppend(b, info) })
	b.Run("makeCredential response", func(b *testing.B) { benchmarkAppend(b, mc) })
	b.Run("getAssertion request", func(b *testing.B) {
		benchmarkAppend(b, &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash, AllowList: descriptors("0123456789abcdef")})
	})
	b.Run("makeCredential request", func(b *testing.B) {
		benchmarkAppend(b, &ctap2.MakeCredentialRequest{
			ClientDataHash: clientDataHash, RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
			User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada"},
			PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
			Extensions:       ctap2.Extensions{ctap2.ExtensionCredProtect: cbor.RawMessage{2}},
		})
	})
}

// BenchmarkClient is a whole call over a transport that answers at once.
func BenchmarkClient(b *testing.B) {
	assertion := vector(b, "getAssertion reply")
	c := ctap2.NewClient(transportFunc(func(context.Context, []byte, func(byte)) ([]byte, error) { return assertion, nil }), nil)
	r := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash}
	ctx := b.Context()
	b.Run("getAssertion", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.GetAssertion(ctx, r); err != nil {
				b.Fatal(err)
			}
		}
	})
	reset := []byte{0}
	c = ctap2.NewClient(transportFunc(func(context.Context, []byte, func(byte)) ([]byte, error) { return reset, nil }), nil)
	b.Run("reset", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := c.Reset(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}
