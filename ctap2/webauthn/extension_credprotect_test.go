package webauthn_test

import (
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

func TestCredProtect(t *testing.T) {
	const optional, listed, required = ctap2.CredProtectUVOptional, ctap2.CredProtectUVOptionalWithCredentialIDList, ctap2.CredProtectUVRequired
	for _, test := range []struct {
		name    string
		config  virtual.Config
		level   ctap2.CredProtect
		enforce bool
		want    string
		got     ctap2.CredProtect // what the credential has
		login   string            // with it, unverified
	}{
		{name: "nothing said", want: "touch: UP", login: "touch: UP"},
		{name: "required", level: required, want: "touch: UP", got: required, login: "none here"},
		{name: "required, enforced", level: required, enforce: true, want: "touch: UP", got: required, login: "none here"},
		{name: "with a list, enforced", level: listed, enforce: true, want: "touch: UP", got: listed, login: "touch: UP"},
		{name: "required, key without", config: virtual.Config{Profile: virtual.FIDO20}, level: required, want: "touch: UP", login: "touch: UP"},
		{name: "required, enforced, key without", config: virtual.Config{Profile: virtual.FIDO20}, level: required, enforce: true, want: "unsuitable"},
		{name: "optional, enforced, key without", config: virtual.Config{Profile: virtual.FIDO20}, level: optional, enforce: true, want: "touch: UP", login: "touch: UP"},
		{name: "required, enforced, U2F", config: virtual.Config{Profile: virtual.U2FOnly}, level: required, enforce: true, want: "unsuitable"},
		{name: "required, enforced, key that does less", config: virtual.Config{Faults: virtual.Faults{CredProtect: optional}}, level: required, enforce: true, want: "touch: unsuitable"},
		{name: "listed, enforced, key that does more", config: virtual.Config{Faults: virtual.Faults{CredProtect: required}}, level: listed, enforce: true, want: "touch: UP", got: required, login: "none here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := new(person)
			_, k := plugIn(t, test.config, "", p)
			r := creation(webauthn.UserVerificationPreferred)
			r.Extensions.CredProtect, r.Extensions.EnforceCredProtect = test.level, test.enforce
			result, err := k.MakeCredential(t.Context(), r)
			if got := outcome(p, 0, err); got != test.want {
				t.Fatalf("%s, want %s (%v)", got, test.want, err)
			}
			if err != nil {
				return
			}
			data := credentialOf(t, result)
			if level, err := data.Extensions.CredProtect(); level != test.got || err != nil {
				t.Errorf("made with %v, %v", level, err)
			}
			got, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationDiscouraged, data.AttestedCredentialData.CredentialID))
			if seen := ended(p, got, err); seen != test.login {
				t.Errorf("login: %s, want %s", seen, test.login)
			}
		})
	}
}
