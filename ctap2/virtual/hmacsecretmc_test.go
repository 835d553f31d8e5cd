package virtual_test

import (
	"bytes"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// requestSalts is a makeCredential with hmac-secret and hmac-secret-mc.
func (h *host) requestSalts(in any) *ctap2.MakeCredentialRequest {
	h.t.Helper()
	r := h.complete(&ctap2.MakeCredentialRequest{Extensions: ctap2.Extensions{ctap2.ExtensionHMACSecret: {0xf5}}})
	if err := r.Extensions.Set(ctap2.ExtensionHMACSecretMC, in); err != nil {
		h.t.Fatal(err)
	}
	return r
}

// outputs decrypts an output of hmac-secret.
func (h *host) outputs(e ctap2.Extensions, id string, shared *pinuv.SharedSecret, n int) []byte {
	h.t.Helper()
	var encrypted []byte
	if ok, err := e.Get(id, &encrypted); !ok || err != nil {
		h.t.Fatal(ok, err)
	}
	plain, err := shared.Decrypt(encrypted)
	if err != nil || len(plain) != n {
		h.t.Fatalf("%d bytes, %v", len(plain), err)
	}
	return plain
}

// hmac-secret-mc gives when the credential is made what hmac-secret gives later,
// whatever kind of credential it is.
func TestHMACSecretMC(t *testing.T) {
	both(t, virtual.Config{UV: virtual.ConfiguredUV}, func(t *testing.T, h *host) {
		for _, test := range []struct {
			name   string
			rk, uv bool
			alg    cose.Algorithm
			salts  int
		}{
			{"sealed, one salt", false, false, cose.ES256, 32},
			{"sealed, two salts, verified", false, true, cose.EdDSA, 64},
			{"discoverable, verified", true, true, cose.ES384, 64},
			{"stored", false, false, cose.RS256, 32},
		} {
			t.Run(test.name, func(t *testing.T) {
				in, shared := h.salts(test.salts)
				r := h.requestSalts(in)
				r.Options = ctap2.Options{RK: &test.rk, UV: &test.uv}
				r.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{{Alg: test.alg, Type: ctap2.TypePublicKey}}
				made := h.create(r)
				if !bytes.Equal(made.AuthData.Extensions[ctap2.ExtensionHMACSecret], []byte{0xf5}) {
					t.Errorf("outputs %v", made.AuthData.Extensions)
				}
				first := h.outputs(made.AuthData.Extensions, ctap2.ExtensionHMACSecretMC, shared, test.salts)
				h.key.PowerCycle()
				in, shared = h.salts(test.salts)
				get := &ctap2.GetAssertionRequest{AllowList: allow(made.AuthData.AttestedCredentialData.CredentialID),
					Options: ctap2.Options{UV: &test.uv}, Extensions: ctap2.Extensions{}}
				if err := get.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
					t.Fatal(err)
				}
				again := h.outputs(h.assert(get).AuthData.Extensions, ctap2.ExtensionHMACSecret, shared, test.salts)
				if !bytes.Equal(first, again) {
					t.Errorf("%x when it is made, %x later", first, again)
				}
				// It is of no use to getAssertion.
				get.Extensions = ctap2.Extensions{ctap2.ExtensionHMACSecretMC: get.Extensions[ctap2.ExtensionHMACSecret]}
				if e := h.assert(get).AuthData.Extensions; e != nil {
					t.Errorf("an assertion has the outputs %v", e)
				}
			})
		}
	})
}

// What is wrong with the inputs of hmac-secret and hmac-secret-mc is answered by
// both alike, and no credential is left.
func TestSaltInputs(t *testing.T) {
	key := func(members ...any) map[any]any {
		m := map[any]any{}
		for i := 0; i < len(members); i += 2 {
			m[members[i]] = members[i+1]
		}
		return m
	}
	point := func(h *host) map[any]any {
		k, _ := h.agree()
		return key(1, 2, 3, -25, -1, 1, -2, k.X, -3, k.Y)
	}
	type input = map[int]any
	sized := func(n int) func(*host, input) any {
		return func(h *host, _ input) any { in, _ := h.salts(n); return in }
	}
	for _, test := range []struct {
		name   string
		want   ctap2.Status
		change func(h *host, in input) any
	}{
		{"true", ctap2.StatusCBORUnexpectedType, func(*host, input) any { return true }},
		{"bytes", ctap2.StatusCBORUnexpectedType, func(*host, input) any { return []byte{0xa0} }},
		{"array", ctap2.StatusCBORUnexpectedType, func(*host, input) any { return []any{} }},
		{"null", ctap2.StatusCBORUnexpectedType, func(*host, input) any { return nil }},
		{"empty", ctap2.StatusMissingParameter, func(*host, input) any { return input{} }},
		{"no key", ctap2.StatusMissingParameter, func(_ *host, in input) any { delete(in, 1); return in }},
		{"no salts", ctap2.StatusMissingParameter, func(_ *host, in input) any { delete(in, 2); return in }},
		{"no MAC", ctap2.StatusMissingParameter, func(_ *host, in input) any { delete(in, 3); return in }},
		{"key is null", ctap2.StatusCBORUnexpectedType, func(_ *host, in input) any { in[1] = nil; return in }},
		{"key is text", ctap2.StatusCBORUnexpectedType, func(_ *host, in input) any { in[1] = "key"; return in }},
		{"salts are null", ctap2.StatusCBORUnexpectedType, func(_ *host, in input) any { in[2] = nil; return in }},
		{"salts are text", ctap2.StatusCBORUnexpectedType, func(_ *host, in input) any { in[2] = "salt"; return in }},
		{"MAC is an integer", ctap2.StatusCBORUnexpectedType, func(_ *host, in input) any { in[3] = 1; return in }},
		{"protocol is text", ctap2.StatusCBORUnexpectedType, func(_ *host, in input) any { in[4] = "two"; return in }},
		{"protocol is negative", ctap2.StatusCBORUnexpectedType, func(_ *host, in input) any { in[4] = -1; return in }},
		{"protocol 0", ctap2.StatusInvalidParameter, func(_ *host, in input) any { in[4] = 0; return in }},
		{"protocol 3", ctap2.StatusInvalidParameter, func(_ *host, in input) any { in[4] = 3; return in }},
		{"empty key", ctap2.StatusInvalidParameter, func(_ *host, in input) any { in[1] = key(); return in }},
		{"key of another algorithm", ctap2.StatusInvalidParameter, func(h *host, in input) any {
			k := point(h)
			k[3], in[1] = -7, k
			return in
		}},
		{"key with another member", ctap2.StatusInvalidParameter, func(h *host, in input) any {
			k := point(h)
			k[2], in[1] = []byte{1}, k
			return in
		}},
		{"key with a coordinate that is text", ctap2.StatusCBORUnexpectedType, func(h *host, in input) any {
			k := point(h)
			k[-2], in[1] = "x", k
			return in
		}},
		{"key not on the curve", ctap2.StatusInvalidParameter, func(h *host, in input) any {
			in[1] = key(1, 2, 3, -25, -1, 1, -2, make([]byte, 32), -3, make([]byte, 32))
			return in
		}},
		{"key of another agreement", ctap2.StatusPINAuthInvalid, func(h *host, in input) any { in[1] = point(h); return in }},
		{"wrong MAC", ctap2.StatusPINAuthInvalid, func(_ *host, in input) any { in[3].([]byte)[0] ^= 1; return in }},
		{"MAC cut short", ctap2.StatusPINAuthInvalid, func(_ *host, in input) any { in[3] = in[3].([]byte)[:8]; return in }},
		{"empty MAC", ctap2.StatusPINAuthInvalid, func(_ *host, in input) any { in[3] = []byte{}; return in }},
		{"16 bytes", ctap2.StatusInvalidParameter, sized(16)},
		{"48 bytes", ctap2.StatusInvalidParameter, sized(48)},
		{"80 bytes", ctap2.StatusInvalidParameter, sized(80)},
		{"no bytes", ctap2.StatusInvalidParameter, func(h *host, in input) any {
			k, shared := h.agree()
			return input{1: k, 2: []byte{}, 3: shared.Authenticate(nil), 4: h.protocol}
		}},
	} {
		both(t, virtual.Config{}, func(t *testing.T, h *host) {
			id := h.create(&ctap2.MakeCredentialRequest{}).AuthData.AttestedCredentialData.CredentialID
			before := h.key.SignCount()
			s, _ := h.salts(32)
			in := test.change(h, input{1: s.KeyAgreement, 2: s.SaltEnc, 3: s.SaltAuth, 4: s.Protocol})
			if got, _ := h.send(h.requestSalts(in)); got != test.want {
				t.Errorf("%s: hmac-secret-mc answered %v, want %v", test.name, got, test.want)
			}
			get := h.ask(&ctap2.GetAssertionRequest{AllowList: allow(id), Extensions: ctap2.Extensions{}})
			if err := get.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
				t.Fatal(err)
			}
			if got, _ := h.send(get); got != test.want {
				t.Errorf("%s: hmac-secret answered %v, want %v", test.name, got, test.want)
			}
			if h.key.SignCount() != before {
				t.Errorf("%s: the counter has moved", test.name)
			}
		})
	}
}

// hmac-secret-mc asks for hmac-secret.
func TestHMACSecretMCNeedsHMACSecret(t *testing.T) {
	for _, test := range []struct {
		name   string
		secret cbor.RawMessage
		want   ctap2.Status
	}{
		{"true", cbor.RawMessage{0xf5}, 0},
		{"false", cbor.RawMessage{0xf4}, ctap2.StatusMissingParameter},
		{"absent", nil, ctap2.StatusMissingParameter},
		{"an integer", cbor.RawMessage{1}, ctap2.StatusCBORUnexpectedType},
	} {
		h := newHost(t, virtual.Config{})
		in, _ := h.salts(32)
		r := h.requestSalts(in)
		if r.Extensions[ctap2.ExtensionHMACSecret] = test.secret; test.secret == nil {
			delete(r.Extensions, ctap2.ExtensionHMACSecret)
		}
		if got, _ := h.send(r); got != test.want {
			t.Errorf("%s: answered %v, want %v", test.name, got, test.want)
		}
	}
	for _, c := range []virtual.Config{
		{Profile: virtual.FIDO21},
		{WithoutExtensions: []string{ctap2.ExtensionHMACSecret}},
		{WithoutExtensions: []string{ctap2.ExtensionHMACSecretMC}},
		{WithoutCommands: []ctap2.Command{ctap2.CommandClientPIN}},
	} {
		h := newHost(t, c)
		if e := h.create(h.requestSalts(1)).AuthData.Extensions; e[ctap2.ExtensionHMACSecretMC] != nil {
			t.Errorf("%+v: outputs %v", c, e)
		}
	}
}
