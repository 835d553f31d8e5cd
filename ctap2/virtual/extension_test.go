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

func TestCredProtectInput(t *testing.T) {
	h := newHost(t, virtual.Config{})
	for _, test := range []struct {
		name   string
		input  cbor.RawMessage
		want   ctap2.Status
		output bool
	}{
		{"optional", cbor.RawMessage{1}, 0, true},
		{"optional with list", cbor.RawMessage{2}, 0, true},
		{"required", cbor.RawMessage{3}, 0, true},
		{"none", nil, 0, false},
		{"zero", cbor.RawMessage{0}, ctap2.StatusInvalidParameter, false},
		{"four", cbor.RawMessage{4}, ctap2.StatusInvalidParameter, false},
		{"text", cbor.RawMessage{0x61, '1'}, ctap2.StatusCBORUnexpectedType, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := h.complete(&ctap2.MakeCredentialRequest{})
			if test.input != nil {
				r.Extensions = ctap2.Extensions{ctap2.ExtensionCredProtect: test.input}
			}
			status, b := h.send(r)
			if status != test.want {
				t.Fatalf("answered %v, want %v", status, test.want)
			}
			if status != 0 {
				return
			}
			response, err := ctap2.ParseMakeCredentialResponse(b)
			if err != nil {
				t.Fatal(err)
			}
			output, ok := response.AuthData.Extensions[ctap2.ExtensionCredProtect]
			if ok != test.output || ok && !bytes.Equal(output, test.input) {
				t.Errorf("output %x", output)
			}
		})
	}
}

// Who sees a credential of each level.
func TestCredProtect(t *testing.T) {
	for _, rk := range []bool{true, false} {
		for level := byte(0); level <= 3; level++ { // zero: without the extension
			h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV})
			request := &ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: &rk, UV: new(true)}}
			if level > 0 {
				request.Extensions = ctap2.Extensions{ctap2.ExtensionCredProtect: {level}}
			}
			id := h.create(request).AuthData.AttestedCredentialData.CredentialID
			h.key.PowerCycle()
			for _, verified := range []bool{false, true} {
				for _, listed := range []bool{false, true} {
					r := h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UV: &verified}})
					if listed {
						r.AllowList = allow(id)
					}
					visible := (rk || listed) && (verified || level < 2 || level == 2 && listed)
					want := ctap2.StatusSuccess
					if !visible {
						want = ctap2.StatusNoCredentials
					}
					if got, _ := h.send(r); got != want {
						t.Errorf("rk %v, level %d, verified %v, listed %v: answered %v, want %v", rk, level, verified, listed, got, want)
					}
				}
				want := ctap2.StatusCredentialExcluded
				if level == 3 && !verified {
					want = ctap2.StatusSuccess
				}
				got, _ := h.send(h.complete(&ctap2.MakeCredentialRequest{User: grace, ExcludeList: allow(id), Options: ctap2.Options{UV: &verified}}))
				if got != want {
					t.Errorf("rk %v, level %d, verified %v: excludeList answered %v, want %v", rk, level, verified, got, want)
				}
			}
		}
	}
}

// salted is the input of hmac-secret.
type salted struct {
	KeyAgreement *cose.Key      `cbor:"1,keyasint,omitzero"`
	SaltEnc      []byte         `cbor:"2,keyasint,omitzero"`
	SaltAuth     []byte         `cbor:"3,keyasint,omitzero"`
	Protocol     pinuv.Protocol `cbor:"4,keyasint,omitzero"`
}

func (h *host) salts(n int) (*salted, *pinuv.SharedSecret) {
	h.t.Helper()
	key, secret := h.agree()
	enc := h.encrypt(secret, bytes.Repeat([]byte{7}, n))
	return &salted{key, enc, secret.Authenticate(enc), h.protocol}, secret
}

func TestHMACSecret(t *testing.T) {
	both(t, virtual.Config{UV: virtual.ConfiguredUV}, func(t *testing.T, h *host) {
		made := h.create(&ctap2.MakeCredentialRequest{Options: ctap2.Options{UV: new(true)}, Extensions: ctap2.Extensions{ctap2.ExtensionHMACSecret: {0xf5}}})
		if !bytes.Equal(made.AuthData.Extensions[ctap2.ExtensionHMACSecret], []byte{0xf5}) {
			t.Errorf("outputs %v", made.AuthData.Extensions)
		}
		id := made.AuthData.AttestedCredentialData.CredentialID
		secret := func(n int, uv bool, id []byte) []byte {
			t.Helper()
			in, shared := h.salts(n)
			r := &ctap2.GetAssertionRequest{AllowList: allow(id), Options: ctap2.Options{UV: &uv}, Extensions: ctap2.Extensions{}}
			if err := r.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
				t.Fatal(err)
			}
			var encrypted []byte
			if ok, err := h.assert(r).AuthData.Extensions.Get(ctap2.ExtensionHMACSecret, &encrypted); !ok || err != nil {
				t.Fatal(ok, err)
			}
			plain, err := shared.Decrypt(encrypted)
			if err != nil || len(plain) != n {
				t.Fatalf("%d bytes, %v", len(plain), err)
			}
			return plain
		}
		plain := secret(32, false, id)
		h.key.PowerCycle()
		if again := secret(64, false, id); !bytes.Equal(again[:32], plain) || !bytes.Equal(again[32:], plain) {
			t.Error("the same salt gives another output")
		}
		if bytes.Equal(secret(32, true, id), plain) {
			t.Error("the output does not depend on user verification")
		}
		h.discoverable2(ada)
		if bytes.Equal(secret(32, false, h.key.Credentials()[0].ID), plain) {
			t.Error("two credentials have the same output")
		}
		off := h.create(&ctap2.MakeCredentialRequest{Extensions: ctap2.Extensions{ctap2.ExtensionHMACSecret: {0xf4}}})
		if off.AuthData.Extensions != nil {
			t.Errorf("outputs %v for false", off.AuthData.Extensions)
		}
		in, _ := h.salts(32)
		silent := h.ask(&ctap2.GetAssertionRequest{AllowList: allow(id), Options: ctap2.Options{UP: new(false)}, Extensions: ctap2.Extensions{}})
		if err := silent.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
			t.Fatal(err)
		}
		h.want(ctap2.StatusUnsupportedOption, silent)
	})
}

// discoverable2 puts an account on a key that would want user verification for
// it.
func (h *host) discoverable2(user ctap2.PublicKeyCredentialUserEntity) {
	h.t.Helper()
	if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: user, Discoverable: true}); err != nil {
		h.t.Fatal(err)
	}
}

// Without a protocol the salts are those of protocol one, if the key has it.
func TestHMACSecretWithoutProtocol(t *testing.T) {
	for _, test := range []struct {
		protocols []pinuv.Protocol
		want      ctap2.Status
	}{{nil, 0}, {[]pinuv.Protocol{pinuv.Two}, ctap2.StatusPINAuthInvalid}} {
		h := newHost(t, virtual.Config{Protocols: test.protocols})
		h.discoverable2(ada)
		if test.want == 0 {
			h.protocol = pinuv.One
		}
		in, _ := h.salts(32)
		in.Protocol = 0
		r := h.ask(&ctap2.GetAssertionRequest{Extensions: ctap2.Extensions{}})
		if err := r.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
			t.Fatal(err)
		}
		h.want(test.want, r)
	}
}

// Each assertion of getNextAssertion carries the outputs.
func TestExtensionsOfNextAssertion(t *testing.T) {
	h, _ := next(t, virtual.Config{})
	in, shared := h.salts(32)
	r := &ctap2.GetAssertionRequest{Extensions: ctap2.Extensions{"unknown": {0x01}}}
	if err := r.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	response := h.assert(r)
	for range 3 {
		var encrypted []byte
		if ok, err := response.AuthData.Extensions.Get(ctap2.ExtensionHMACSecret, &encrypted); !ok || err != nil || len(response.AuthData.Extensions) != 1 {
			t.Fatal(ok, err, response.AuthData.Extensions)
		}
		plain, err := shared.Decrypt(encrypted)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(plain)] = true
		if len(seen) < 3 {
			response = h.assertion(h.want(0, getNextAssertion))
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d different outputs, want 3", len(seen))
	}
}
