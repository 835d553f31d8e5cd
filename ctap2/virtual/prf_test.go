package virtual_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// prfVectors are the test vectors of WebAuthn L3's extension prf, as package
// ctap2 keeps them, which names their source.
func prfVectors(t *testing.T) func(name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Name, Hex string }
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	return func(name string) []byte {
		t.Helper()
		for _, v := range list {
			if v.Name == "prf: "+name {
				return fromHex(t, v.Hex)
			}
		}
		t.Fatalf("no vector %q", name)
		return nil
	}
}

// The published exchange of prf runs against the key itself: with the published
// CredRandom, key agreement key and initialisation vector it answers the published
// bytes.
func TestPRFKnownAnswers(t *testing.T) {
	v := prfVectors(t)
	for _, test := range []struct {
		name               string
		protocol           pinuv.Protocol
		enc, auth, outputs string
		verified           bool
	}{
		{"protocol one", pinuv.One, "P1 salt_enc, one salt", "P1 salt_auth, one salt", "P1 output_enc, one", false},
		{"protocol two, one salt", pinuv.Two, "P2 salt_enc, one salt", "P2 salt_auth, one salt", "P2 output_enc, one", false},
		{"protocol two, two salts", pinuv.Two, "P2 salt_enc, two salts", "P2 salt_auth, two salts", "P2 output_enc, two", false},
		{"protocol two, verified", pinuv.Two, "P2 salt_enc, two salts", "P2 salt_auth, two salts", "P2 output_enc, two", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			random := bytes.NewBuffer(bytes.Repeat([]byte{1}, 32)) // the device secret
			h := newHost(t, virtual.Config{Rand: random, UV: virtual.ConfiguredUV})
			add := virtual.NewCredential{RP: rp, User: ada, Discoverable: true, PrivateKey: mustKey(t), ID: make([]byte, 16),
				CredRandomWithUV: bytes.Repeat([]byte{2}, 32), CredRandomWithoutUV: v("cred_random")}
			if test.verified {
				add.CredRandomWithUV, add.CredRandomWithoutUV = add.CredRandomWithoutUV, nil
			}
			if _, err := h.key.AddCredential(add); err != nil {
				t.Fatal(err)
			}
			h.key.PowerCycle()
			random.Write(v("authenticator_private_key"))
			outputs := v(test.outputs)
			if test.protocol == pinuv.Two {
				random.Write(outputs[:16])
			}
			b := h.want(0, &ctap2.ClientPINRequest{PinUvAuthProtocol: test.protocol, SubCommand: ctap2.GetKeyAgreement})
			agreement, err := ctap2.ParseClientPINResponse(b)
			if err != nil || !bytes.Equal(agreement.KeyAgreement.X, v("authenticator_x")) || !bytes.Equal(agreement.KeyAgreement.Y, v("authenticator_y")) {
				t.Fatalf("key %v, %v", agreement.KeyAgreement, err)
			}
			platform := &cose.Key{Kty: cose.EC2, Alg: cose.ECDHESHKDF256, Crv: cose.CurveP256, X: v("platform_x"), Y: v("platform_y")}
			r := &ctap2.GetAssertionRequest{Options: ctap2.Options{UV: &test.verified}, Extensions: ctap2.Extensions{}}
			if err := r.Extensions.Set(ctap2.ExtensionHMACSecret, &salted{platform, v(test.enc), v(test.auth), test.protocol}); err != nil {
				t.Fatal(err)
			}
			var got []byte
			if _, err := h.assert(r).AuthData.Extensions.Get(ctap2.ExtensionHMACSecret, &got); err != nil || !bytes.Equal(got, outputs) {
				t.Errorf("answered %x, want %x, %v", got, outputs, err)
			}
		})
	}
}
