package webauthn_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

func TestCredBlob(t *testing.T) {
	for _, test := range []struct {
		name   string
		config virtual.Config
		blob   []byte
		stored bool
		got    []byte // nil: the key does not tell
	}{
		{name: "stored", blob: []byte("hello"), stored: true, got: []byte("hello")},
		{name: "as long as can be", blob: make([]byte, 32), stored: true, got: make([]byte, 32)},
		{name: "too long", blob: make([]byte, 33), got: []byte{}},
		{name: "key without", config: virtual.Config{Profile: virtual.FIDO20}, blob: []byte("hello")},
		{name: "not asked for", got: []byte{}},
	} {
		p := new(person)
		_, k := plugIn(t, test.config, "", p)
		r := creation(webauthn.UserVerificationPreferred)
		r.ResidentKey, r.Extensions.CredBlob = webauthn.ResidentKeyRequired, test.blob
		id, result := made(t, k, r)
		if out := result.Extensions.CredBlob; (out == nil) != (test.blob == nil) || out != nil && *out != test.stored {
			t.Errorf("%s: stored %v", test.name, out)
		}
		get := request(webauthn.UserVerificationPreferred, id)
		get.Extensions.GetCredBlob = true
		got, err := k.GetAssertion(t.Context(), get)
		if err != nil {
			t.Fatal(err)
		}
		if out := got.Extensions.CredBlob; !bytes.Equal(out, test.got) || (out == nil) != (test.got == nil) {
			t.Errorf("%s: got %q", test.name, out)
		}
		get.Extensions.GetCredBlob = false
		if got, err = k.GetAssertion(t.Context(), get); err != nil || got.Extensions.CredBlob != nil {
			t.Errorf("%s: not asked for: %q, %v", test.name, got.Extensions.CredBlob, err)
		}
	}
}

// What chosen sites learn of the rules for the key's PIN.
func TestPINRules(t *testing.T) {
	rules := virtual.Config{MinPINLength: 6, MinPINLengthRPIDs: []string{site}, PINComplexity: &virtual.PINComplexity{Enforced: true}}
	elsewhere := rules
	elsewhere.MinPINLengthRPIDs = nil
	old := virtual.Config{Profile: virtual.FIDO20}
	for _, test := range []struct {
		name    string
		config  virtual.Config
		asked   bool
		length  uint
		complex *bool
	}{
		{"told", rules, true, 6, new(true)},
		{"not asked for", rules, false, 0, nil},
		{"another site", elsewhere, true, 0, nil},
		{"key without", old, true, 0, nil},
	} {
		_, k := plugIn(t, test.config, "", new(person))
		r := creation(webauthn.UserVerificationPreferred)
		r.Extensions.MinPINLength, r.Extensions.PINComplexityPolicy = test.asked, test.asked
		_, result := made(t, k, r)
		signed := credentialOf(t, result).Extensions
		if length, err := signed.MinPINLength(); length != test.length || err != nil {
			t.Errorf("%s: %d, %v", test.name, length, err)
		}
		if complex, err := signed.PINComplexityPolicy(); !reflect.DeepEqual(complex, test.complex) || err != nil {
			t.Errorf("%s: %v, %v", test.name, complex, err)
		}
	}
}

// What a key answers unasked reaches the site as it is, since it is signed, and
// is no output of the client's.
func TestUnaskedExtensions(t *testing.T) {
	_, k := plugIn(t, virtual.Config{Faults: virtual.Faults{ExtraExtensions: ctap2.Extensions{"credBlob": {0xf5}, "hmac-secret": {0xf5}, "other": {0x01}}}}, "", new(person))
	_, result := made(t, k, creation(webauthn.UserVerificationPreferred))
	if out := result.Extensions; out != (webauthn.CreationExtensionOutputs{}) {
		t.Errorf("%+v", out)
	}
	if all := credentialOf(t, result).Extensions; len(all) != 3 {
		t.Errorf("%v", all)
	}
}
