package ctap2_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
)

// Each algorithm of the software key, over HID: the attestation and an assertion
// verify, with both kinds of credentials.
func TestAlgorithmsOfSoftwareKey(t *testing.T) {
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ctaphid.Open(t.Context(), ctaphid.Loopback(key), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := ctap2.NewClient(conn, &ctap2.ClientConfig{Strict: true})
	info, err := c.GetInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []cose.Algorithm{cose.ES256, cose.ES384, cose.EdDSA, cose.RS256} {
		if !slices.ContainsFunc(info.Algorithms, func(p ctap2.PublicKeyCredentialParameters) bool { return p.Alg == alg }) {
			t.Errorf("getInfo lists %v, not %v", info.Algorithms, alg)
		}
		for _, rk := range []bool{false, true} {
			r := registration("ada")
			r.Options.RK = &rk
			// The key takes the first that it knows.
			r.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{
				{Alg: cose.Ed448, Type: ctap2.TypePublicKey}, {Alg: cose.ESP256, Type: ctap2.TypePublicKey},
				{Alg: alg, Type: ctap2.TypePublicKey}, {Alg: cose.ES256, Type: ctap2.TypePublicKey},
			}
			made, err := c.MakeCredential(t.Context(), r)
			if err != nil {
				t.Fatalf("%v: %v", alg, err)
			}
			credential := made.AuthData.AttestedCredentialData
			if credential.PublicKey.Alg != alg {
				t.Errorf("asked for %v, got %v", alg, credential.PublicKey.Alg)
			}
			if _, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, clientDataHash); err != nil {
				t.Errorf("%v: the attestation: %v", alg, err)
			}
			got, err := c.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash,
				AllowList: []ctap2.PublicKeyCredentialDescriptor{{ID: credential.CredentialID, Type: ctap2.TypePublicKey}}})
			if err != nil {
				t.Fatalf("%v: %v", alg, err)
			}
			signed := slices.Concat(got.AuthData.Raw, clientDataHash)
			if err := credential.PublicKey.Verify(signed, got.Signature); err != nil {
				t.Errorf("%v, rk %v: %v", alg, rk, err)
			}
			signed[0] ^= 1
			if credential.PublicKey.Verify(signed, got.Signature) == nil {
				t.Errorf("%v, rk %v: another message verifies", alg, rk)
			}
		}
	}
	r := registration("ada")
	r.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{{Alg: -65536, Type: ctap2.TypePublicKey}, {Alg: cose.ES256, Type: "other"}}
	if _, err := c.MakeCredential(t.Context(), r); !errors.Is(err, ctap2.StatusUnsupportedAlgorithm) {
		t.Errorf("algorithms that the key does not have: %v", err)
	}
}

// A key may advertise, and use, an algorithm that this module does not know: the
// client carries it, and its keys, as they are.
func TestUnknownAlgorithmOfSoftwareKey(t *testing.T) {
	const odd cose.Algorithm = -65000
	oddKey := unhex(t, "a3"+"0118"+"64"+"03"+"39fde7"+"20"+"43010203") // kty 100, alg -65000, -1: three bytes
	_, c := connect(t, virtual.Config{
		Info: func(r *ctap2.GetInfoResponse) {
			r.Algorithms = append([]ctap2.PublicKeyCredentialParameters{{Alg: odd, Type: ctap2.TypePublicKey}}, r.Algorithms...)
		},
	}, nil)
	info, err := c.GetInfo(t.Context())
	if err != nil || info.Algorithms[0].Alg != odd || info.Algorithms[0].Alg.CanVerify() {
		t.Errorf("algorithms %v, %v", info.Algorithms, err)
	}
	r := registration("ada")
	r.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{{Alg: cose.EdDSA, Type: ctap2.TypePublicKey}}
	made, err := c.MakeCredential(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	public := made.AuthData.AttestedCredentialData.PublicKey
	data, err := ctap2.ParseAuthenticatorData(bytes.ReplaceAll(made.AuthData.Raw, public.Append(nil), oddKey))
	if err != nil {
		t.Fatal(err)
	}
	public = data.AttestedCredentialData.PublicKey
	if public.Alg != odd || !bytes.Equal(public.Append(nil), oddKey) {
		t.Errorf("%+v", public)
	}
	if err := public.Verify(nil, nil); err == nil {
		t.Error("a signature by nobody knows what verifies")
	}
}
