package webauthn_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// A key of CTAP 2.0 with a PIN spares the user the PIN where the site wants none,
// but never leaves out for that what the site does want.
func TestU2FInsteadOfPIN(t *testing.T) {
	const spared, asked = "touch: UP", "PIN 8, touch: UV"
	for _, test := range []struct {
		name    string
		config  virtual.Config
		change  func(*webauthn.MakeCredentialRequest)
		exclude int // 1: the key's own discoverable credential, 2: one that is not, 3: another key's
		want    string
		fmt     string
	}{
		{name: "nothing else", want: spared, fmt: "fido-u2f"},
		{name: "credProps", change: func(r *webauthn.MakeCredentialRequest) { r.Extensions.CredProps = true }, want: spared, fmt: "fido-u2f"},
		{name: "verification preferred", change: func(r *webauthn.MakeCredentialRequest) { r.UserVerification = webauthn.UserVerificationPreferred }, want: asked, fmt: "packed"},
		{name: "passkey preferred", change: func(r *webauthn.MakeCredentialRequest) { r.ResidentKey = webauthn.ResidentKeyPreferred }, want: asked, fmt: "packed"},
		{name: "another algorithm", change: func(r *webauthn.MakeCredentialRequest) { r.PubKeyCredParams[0].Alg = cose.EdDSA }, want: asked, fmt: "packed"},
		{name: "prf", change: func(r *webauthn.MakeCredentialRequest) { r.Extensions.PRF = new(webauthn.PRFInputs) }, want: asked, fmt: "packed"},
		{name: "attestation", change: func(r *webauthn.MakeCredentialRequest) { r.Attestation = webauthn.AttestationIndirect }, want: asked, fmt: "packed"},
		{name: "excluded, discoverable", exclude: 1, want: "touch: excluded"},
		{name: "excluded", exclude: 2, want: "touch: excluded"},
		{name: "another key's is excluded", exclude: 3, want: spared, fmt: "fido-u2f"},
		{name: "the key does not tell silently", config: virtual.Config{Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, exclude: 1, want: "PIN 8, touch: excluded"},
		{name: "U2F is switched off", config: virtual.Config{Faults: virtual.Faults{MutateU2F: func(apdu, response []byte) []byte {
			if apdu[1] == 1 { // U2F_REGISTER
				return []byte{0x69, 0x86}
			}
			return response
		}}}, want: asked, fmt: "packed"},
		{name: "U2F is not there", config: virtual.Config{Faults: virtual.Faults{MutateU2F: func([]byte, []byte) []byte { return []byte{0x6d, 0x00} }}}, want: asked, fmt: "packed"},
		{name: "nobody touches it", config: virtual.Config{User: virtual.Deny()}, want: "touch: time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.config.Profile = virtual.FIDO20
				if test.config.User == nil {
					test.config.User = virtual.TouchAfter(time.Second)
				}
				p := &person{pins: []string{pin}}
				key, k := plugIn(t, test.config, pin, p)
				r := creation(webauthn.UserVerificationDiscouraged)
				if test.change != nil {
					test.change(r)
				}
				switch test.exclude {
				case 1, 2:
					c, err := key.AddCredential(virtual.NewCredential{RP: r.RP, User: ada, Discoverable: test.exclude == 1})
					if err != nil {
						t.Fatal(err)
					}
					r.ExcludeCredentials = listOf(c.ID)
				case 3:
					r.ExcludeCredentials = listOf(others(t, 1)...)
				}
				ctx, cancel := t.Context(), func() {}
				if test.want == "touch: time" {
					ctx, cancel = context.WithTimeout(ctx, time.Minute)
				}
				defer cancel()
				result, err := k.MakeCredential(ctx, r)
				var flags ctap2.Flags
				if err == nil {
					flags = credentialOf(t, result).Flags
				}
				if got := outcome(p, flags, err); got != test.want {
					t.Errorf("%s, want %s (%v)", got, test.want, err)
				}
				if err == nil {
					object, err := webauthn.ParseAttestationObject(result.AttestationObject)
					if err != nil || object.Fmt != test.fmt {
						t.Errorf("%s, %v", object.Fmt, err)
					}
					if props := result.Extensions.CredProps; props != nil && *props.RK {
						t.Error("credProps says that it is discoverable")
					}
					// It serves by CTAP2, too.
					if _, err := k.GetAssertion(ctx, request(webauthn.UserVerificationDiscouraged, object.AuthData.AttestedCredentialData.CredentialID)); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}
