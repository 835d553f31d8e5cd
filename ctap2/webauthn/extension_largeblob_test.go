package webauthn_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

func TestLargeBlobSupport(t *testing.T) {
	const preferred, required = ctap2.LargeBlobPreferred, ctap2.LargeBlobRequired
	extension := virtual.Config{LargeBlobExtension: true}
	for _, test := range []struct {
		name    string
		config  virtual.Config
		support ctap2.LargeBlobSupport
		rk      webauthn.ResidentKey
		want    string
		output  *bool
	}{
		{name: "array, required", support: required, rk: webauthn.ResidentKeyRequired, want: "touch: UP", output: new(true)},
		{name: "array, preferred", support: preferred, rk: webauthn.ResidentKeyPreferred, want: "touch: UP", output: new(true)},
		{name: "array, required, no passkey", support: required, rk: webauthn.ResidentKeyDiscouraged, want: "unsuitable"},
		{name: "array, preferred, no passkey", support: preferred, rk: webauthn.ResidentKeyDiscouraged, want: "touch: UP", output: new(false)},
		{name: "extension, required", config: extension, support: required, rk: webauthn.ResidentKeyDiscouraged, want: "touch: UP", output: new(true)},
		{name: "extension, preferred", config: extension, support: preferred, rk: webauthn.ResidentKeyRequired, want: "touch: UP", output: new(true)},
		{name: "neither, required", config: virtual.Config{Profile: virtual.FIDO20}, support: required, rk: webauthn.ResidentKeyRequired, want: "unsuitable"},
		{name: "neither, preferred", config: virtual.Config{Profile: virtual.FIDO20}, support: preferred, rk: webauthn.ResidentKeyRequired, want: "touch: UP", output: new(false)},
		{name: "U2F, required", config: virtual.Config{Profile: virtual.U2FOnly}, support: required, rk: webauthn.ResidentKeyDiscouraged, want: "unsuitable"},
		{name: "not asked for", rk: webauthn.ResidentKeyRequired, want: "touch: UP"},
	} {
		p := new(person)
		_, k := plugIn(t, test.config, "", p)
		r := creation(webauthn.UserVerificationPreferred)
		r.ResidentKey, r.Extensions.LargeBlob = test.rk, test.support
		result, err := k.MakeCredential(t.Context(), r)
		if got := outcome(p, 0, err); got != test.want {
			t.Errorf("%s: %s, want %s (%v)", test.name, got, test.want, err)
		}
		if err != nil {
			continue
		}
		out := result.Extensions.LargeBlob
		if (out == nil) != (test.output == nil) || out != nil && *out.Supported != *test.output {
			t.Errorf("%s: %+v", test.name, out)
		}
	}
}

// Written, and read again, by either way.
func TestLargeBlobs(t *testing.T) {
	incompressible := make([]byte, 8000)
	if _, err := rand.Read(incompressible); err != nil {
		t.Fatal(err)
	}
	extension := virtual.Config{LargeBlobExtension: true}
	for _, test := range []struct {
		name        string
		config      virtual.Config
		pin         string
		arrange     func(*virtual.Key) error // before the blob is written
		blob        []byte
		write, read string
		written     bool
	}{
		{name: "array", blob: []byte("hello"), write: "touch: UP", read: "touch: UP", written: true},
		{name: "array, PIN", pin: pin, blob: []byte("hello"), write: "PIN 8, touch: UV", read: "touch: UP", written: true},
		{name: "array, finger", config: virtual.Config{UV: virtual.ConfiguredUV}, blob: []byte("hello"), write: "finger 3: UV", read: "touch: UP", written: true},
		{name: "array, empty", blob: []byte{}, write: "touch: UP", read: "touch: UP", written: true},
		{name: "array, too much", blob: incompressible, write: "touch: UP", read: "touch: UP"},
		{name: "array, damaged", arrange: func(k *virtual.Key) error { return k.SetLargeBlobArray([]byte("damaged large blob array")) }, blob: []byte("hello"), write: "touch: UP", read: "touch: UP"},
		{name: "extension", config: extension, blob: []byte("hello"), write: "touch: UP", read: "touch: UP", written: true},
		{name: "extension, PIN", config: extension, pin: pin, blob: []byte("hello"), write: "touch: UP", read: "touch: UP", written: true},
		{name: "extension, too much", config: virtual.Config{LargeBlobExtension: true, MaxMsgSize: 7609}, blob: incompressible[:5000], write: "touch: UP", read: "touch: UP"},
		{name: "extension, more than a message", config: extension, blob: incompressible, write: "touch: UP", read: "touch: UP"},
		{name: "neither", config: virtual.Config{Profile: virtual.FIDO20}, pin: pin, blob: []byte("hello"), write: "touch: UP", read: "touch: UP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &person{pins: []string{pin}}
			key, k := plugIn(t, test.config, test.pin, p)
			c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada, Discoverable: true,
				LargeBlob: test.config.Profile == virtual.FIDO23})
			if err != nil {
				t.Fatal(err)
			}
			if test.arrange != nil {
				if err := test.arrange(key); err != nil {
					t.Fatal(err)
				}
			}
			get := func(in *webauthn.LargeBlobInputs, want string) *webauthn.LargeBlobOutputs {
				t.Helper()
				r := request(webauthn.UserVerificationDiscouraged, c.ID)
				r.Extensions.LargeBlob = in
				got, err := k.GetAssertion(t.Context(), r)
				if seen := ended(p, got, err); seen != want {
					t.Fatalf("%s, want %s (%v)", seen, want, err)
				}
				return got.Extensions.LargeBlob
			}
			if out := get(&webauthn.LargeBlobInputs{Read: true}, test.read); out.Blob != nil || out.Written != nil {
				t.Errorf("read %q before it was written", out.Blob)
			}
			out := get(&webauthn.LargeBlobInputs{Write: test.blob}, test.write)
			if out.Written == nil || *out.Written != test.written || out.Blob != nil {
				t.Errorf("written: %+v", out)
			}
			out = get(&webauthn.LargeBlobInputs{Read: true}, test.read)
			if test.written != (out.Blob != nil) || test.written && !bytes.Equal(out.Blob, test.blob) {
				t.Errorf("read %q", out.Blob)
			}
			if out := get(nil, "touch: UP"); out != nil {
				t.Errorf("not asked for: %+v", out)
			}
		})
	}
}

// The blob is that of the account that the user chooses.
func TestLargeBlobOfChosenAccount(t *testing.T) {
	for _, extension := range []bool{false, true} {
		p := &person{account: 1}
		key, k := plugIn(t, virtual.Config{LargeBlobExtension: extension}, "", p)
		for _, user := range []string{"ada", "bob"} {
			c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, LargeBlob: true, Discoverable: true,
				User: ctap2.PublicKeyCredentialUserEntity{ID: []byte(user)}})
			if err != nil {
				t.Fatal(err)
			}
			if err := key.SetLargeBlob(c.ID, []byte("blob of "+user)); err != nil {
				t.Fatal(err)
			}
		}
		r := request(webauthn.UserVerificationDiscouraged)
		r.Extensions.LargeBlob = &webauthn.LargeBlobInputs{Read: true}
		got, err := k.GetAssertion(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if blob := got.Extensions.LargeBlob.Blob; string(blob) != "blob of ada" {
			t.Errorf("%q", blob)
		}
	}
}
