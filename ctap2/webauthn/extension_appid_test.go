package webauthn_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

const appID = "https://example.com/u2f.json"

// A credential that was made for an AppID, for the RP ID, or on another key, on
// every kind of key.
func TestAppID(t *testing.T) {
	silent := virtual.Faults{SilentStatus: ctap2.StatusUPRequired}
	for _, test := range []struct {
		name    string
		config  virtual.Config
		pin     string
		madeFor string // empty: it is on another key
		protect ctap2.CredProtect
		get     string
		exclude string
	}{
		{name: "AppID", madeFor: appID, get: "touch: UP", exclude: "touch: excluded"},
		{name: "RP ID", madeFor: site, get: "touch: UP", exclude: "touch: excluded"},
		{name: "another key", get: "none here", exclude: "touch: UP"},
		{name: "AppID, PIN", pin: pin, madeFor: appID, get: "PIN 8, touch: UV", exclude: "touch: excluded"},
		{name: "RP ID, PIN", pin: pin, madeFor: site, get: "PIN 8, touch: UV", exclude: "PIN 8, touch: excluded"},
		{name: "RP ID, only for verified users", pin: pin, protect: ctap2.CredProtectUVRequired, madeFor: site, get: "PIN 8, touch: UV", exclude: "PIN 8, touch: excluded"},
		{name: "AppID, CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20}, madeFor: appID, get: "touch: UP", exclude: "touch: excluded"},
		{name: "AppID, CTAP 2.0, PIN", config: virtual.Config{Profile: virtual.FIDO20}, pin: pin, madeFor: appID, get: "PIN 8, touch: UV", exclude: "touch: excluded"},
		{name: "another key, CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20}, get: "touch: none here", exclude: "touch: UP"},
		{name: "AppID, U2F", config: virtual.Config{Profile: virtual.U2FOnly}, madeFor: appID, get: "touch: UP", exclude: "touch: excluded"},
		{name: "RP ID, U2F", config: virtual.Config{Profile: virtual.U2FOnly}, madeFor: site, get: "touch: UP", exclude: "touch: excluded"},
		{name: "another key, U2F", config: virtual.Config{Profile: virtual.U2FOnly}, get: "none here", exclude: "touch: UP"},
		{name: "AppID, not told silently", config: virtual.Config{Faults: silent}, madeFor: appID, get: "touch: UP", exclude: "touch: excluded"},
		{name: "RP ID, not told silently", config: virtual.Config{Faults: silent}, madeFor: site, get: "touch: UP", exclude: "touch: excluded"},
		{name: "another key, not told silently", config: virtual.Config{Faults: silent}, get: "none here", exclude: "touch: UP"},
		{name: "another key, always verifying, not told silently", config: virtual.Config{AlwaysUV: true, Faults: silent}, pin: pin, get: "PIN 8, PIN 8: none here", exclude: "PIN 8, touch: UV"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.config.User = virtual.TouchAfter(time.Second)
				p := &person{pins: []string{pin, pin, pin}}
				key, k := plugIn(t, test.config, test.pin, p)
				id := others(t, 1)[0]
				if test.madeFor != "" {
					c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: test.madeFor}, User: ada, CredProtect: test.protect})
					if err != nil {
						t.Fatal(err)
					}
					id = c.ID
				}
				list := append(others(t, 1), id)

				r := request(webauthn.UserVerificationPreferred, list...)
				r.Extensions.AppID = appID
				got, err := k.GetAssertion(t.Context(), r)
				if seen := ended(p, got, err); seen != test.get {
					t.Errorf("get: %s, want %s (%v)", seen, test.get, err)
				}
				if err == nil {
					hash := sha256.Sum256([]byte(test.madeFor))
					if used := got.Extensions.AppID; used == nil || *used != (test.madeFor == appID) || !bytes.Equal(got.AuthenticatorData[:32], hash[:]) {
						t.Errorf("used the AppID: %v", used)
					}
				}

				create := creation(webauthn.UserVerificationPreferred)
				create.ExcludeCredentials, create.Extensions.AppIDExclude = listOf(list...), appID
				result, err := k.MakeCredential(t.Context(), create)
				var flags ctap2.Flags
				if err == nil {
					flags = credentialOf(t, result).Flags
				}
				if seen := outcome(p, flags, err); seen != test.exclude {
					t.Errorf("exclude: %s, want %s (%v)", seen, test.exclude, err)
				}
			})
		})
	}
}

// Without a list there is nothing that an AppID could be for.
func TestAppIDWithoutList(t *testing.T) {
	p := new(person)
	key, k := plugIn(t, virtual.Config{}, "", p)
	if _, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: appID}, User: ada, Discoverable: true}); err != nil {
		t.Fatal(err)
	}
	r := request(webauthn.UserVerificationPreferred)
	r.Extensions.AppID = appID
	got, err := k.GetAssertion(t.Context(), r)
	if seen := ended(p, got, err); seen != "none here" {
		t.Errorf("get: %s", seen)
	}
	create := creation(webauthn.UserVerificationPreferred)
	create.Extensions.AppIDExclude = appID
	made(t, k, create)
	var sent []ctap2.Command
	for _, c := range key.Commands() {
		sent = append(sent, c.Command())
	}
	if slices.Contains(sent, ctap2.CommandSelection) {
		t.Errorf("sent %v", sent)
	}
}
