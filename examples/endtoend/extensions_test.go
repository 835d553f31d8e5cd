package endtoend

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	relyingparty "github.com/go-webauthn/webauthn/webauthn"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/examples/internal/site"
)

// record is what a site knows of a credential that is on the key.
func record(c virtual.Credential) relyingparty.Credential {
	return relyingparty.Credential{ID: c.ID, PublicKey: c.PublicKey.Append(nil)}
}

// extensions is JSON with base64url in place of each %s.
func extensions(format string, values ...[]byte) json.RawMessage {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = base64.RawURLEncoding.EncodeToString(v)
	}
	return json.RawMessage(fmt.Sprintf(format, args...))
}

// results reads a report's client extension results.
func results(t *testing.T, r *site.Report) (out struct {
	AppID     *bool               `json:"appid"`
	CredProps *struct{ RK *bool } `json:"credProps"`
	PRF       *struct {
		Enabled *bool
		Results *struct{ First, Second site.Bytes }
	} `json:"prf"`
	LargeBlob *struct {
		Supported, Written *bool
		Blob               site.Bytes
	} `json:"largeBlob"`
}) {
	t.Helper()
	if err := json.Unmarshal(r.ClientExtensionResults, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func is(b *bool, want bool) bool { return b != nil && *b == want }

// prf gives the same for the same input, for the same credential and verification,
// and something else for all others.
func TestPRF(t *testing.T) {
	for _, way := range transports {
		for _, k := range keyKinds {
			t.Run(string(way)+"/"+k.name, func(t *testing.T) {
				s := newService(t)
				key := k.new(t, way)
				u := &user{pin: pin}
				b := s.browser(t)
				report, _, err := b.register(way.client(t, key, u), site.Registration{User: "ada", Extensions: []byte(`{"prf":{}}`)})
				if err != nil {
					t.Fatal(err)
				}
				enabled := k.format == "packed" // all but U2F
				if r := results(t, report); r.PRF == nil || !is(r.PRF.Enabled, enabled) || r.PRF.Results != nil {
					t.Errorf("the registration's results are %s", report.ClientExtensionResults)
				}
				evaluate := func(uv string, e json.RawMessage) (first, second []byte) {
					t.Helper()
					report, _, err := b.login(way.client(t, key, u), site.Login{User: "ada", UserVerification: uv, Extensions: e})
					if err != nil {
						t.Fatal(err)
					}
					r := results(t, report)
					if r.PRF == nil || r.PRF.Results == nil {
						if enabled {
							t.Errorf("the login's results are %s", report.ClientExtensionResults)
						}
						return nil, nil
					}
					if r.PRF.Enabled != nil {
						t.Error("a login says enabled")
					}
					return r.PRF.Results.First, r.PRF.Results.Second
				}
				justA := extensions(`{"prf":{"eval":{"first":"%s"}}}`, []byte("a"))
				if !k.verifies {
					// The function is that of a verified user (WebAuthn L3 section 10.1.4);
					// without one there is a login all the same.
					report, _, err := b.login(way.client(t, key, u), site.Login{User: "ada", UserVerification: "preferred", Extensions: justA})
					if err != nil {
						t.Fatal(err)
					}
					if r := results(t, report); r.PRF == nil || r.PRF.Results != nil {
						t.Errorf("the login's results are %s", report.ClientExtensionResults)
					}
					return
				}
				discouraged, _ := evaluate("discouraged", justA)
				a, none := evaluate("preferred", justA)
				again, other := evaluate("preferred", extensions(`{"prf":{"eval":{"first":"%s","second":"%s"}}}`, []byte("a"), []byte("b")))
				byCredential, _ := evaluate("preferred", extensions(`{"prf":{"eval":{"first":"%s"},"evalByCredential":{"%s":{"first":"%s"}}}}`,
					[]byte("c"), report.CredentialID, []byte("b")))
				switch {
				case len(a) != 32 || len(other) != 32 || none != nil:
					t.Errorf("outputs of %d, %d and %d bytes", len(a), len(other), len(none))
				case !bytes.Equal(a, discouraged):
					t.Error("the output depends on the verification that the site wants")
				case !bytes.Equal(a, again) || bytes.Equal(a, other):
					t.Error("the output does not depend on the input alone")
				case !bytes.Equal(byCredential, other):
					t.Error("evalByCredential does not go before eval")
				}
			})
		}
	}
}

// A key that can evaluates prf in the registration already, and one that can't yet
// is registered all the same.
func TestPRFAtRegistration(t *testing.T) {
	for _, k := range keyKinds {
		t.Run(k.name, func(t *testing.T) {
			s := newService(t)
			key := k.new(t, overHID)
			u := &user{pin: pin}
			b := s.browser(t)
			e := extensions(`{"prf":{"eval":{"first":"%s"}}}`, []byte("a"))
			report, _, err := b.register(overHID.client(t, key, u), site.Registration{User: "ada", Extensions: e})
			if err != nil {
				t.Fatal(err)
			}
			registered := results(t, report)
			if registered.PRF == nil || !is(registered.PRF.Enabled, k.format == "packed") {
				t.Errorf("the registration's results are %s", report.ClientExtensionResults)
			}
			if gives := k.verifies && k.config.Profile == virtual.FIDO23; (registered.PRF.Results != nil) != gives {
				t.Errorf("the registration gives %+v, want %t", registered.PRF.Results, gives)
			} else if !gives {
				return
			}
			if report, _, err = b.login(overHID.client(t, key, u), site.Login{User: "ada", Extensions: e}); err != nil {
				t.Fatal(err)
			}
			if got := results(t, report); got.PRF == nil || got.PRF.Results == nil || !bytes.Equal(registered.PRF.Results.First, got.PRF.Results.First) {
				t.Errorf("the registration gives %+v, the login %+v", registered.PRF.Results, got.PRF)
			}
		})
	}
}

func TestLargeBlob(t *testing.T) {
	blob := bytes.Repeat([]byte("a large blob. "), 100)
	for name, c := range map[string]struct {
		config  virtual.Config
		support string
		want    string // of the registration
		has     bool
	}{
		"command/written and read":              {virtual.Config{}, "required", "", true},
		"command, preferred/written and read":   {virtual.Config{}, "preferred", "", true},
		"extension/written and read":            {virtual.Config{LargeBlobExtension: true}, "required", "", true},
		"CTAP 2.0, preferred/registers without": {virtual.Config{Profile: virtual.FIDO20}, "preferred", "", false},
		"CTAP 2.0, required/unsuitable":         {virtual.Config{Profile: virtual.FIDO20}, "required", "unsuitable", false},
		"U2F, required/unsuitable":              {virtual.Config{Profile: virtual.U2FOnly}, "required", "unsuitable", false},
	} {
		for _, way := range transports {
			t.Run(string(way)+"/"+name, func(t *testing.T) {
				s := newService(t)
				key := newKey(t, way.config(c.config))
				if c.config.Profile != virtual.U2FOnly {
					if err := key.SetPIN([]byte(pin)); err != nil {
						t.Fatal(err)
					}
				}
				u := &user{pin: pin}
				b := s.browser(t)
				report, _, err := b.register(way.client(t, key, u), site.Registration{
					User: "ada", ResidentKey: "preferred", Extensions: []byte(`{"largeBlob":{"support":"` + c.support + `"}}`),
				})
				if kind(err) != c.want {
					t.Fatalf("%v, want %q", err, c.want)
				}
				if err != nil {
					return
				}
				if r := results(t, report); r.LargeBlob == nil || !is(r.LargeBlob.Supported, c.has) {
					t.Errorf("the registration's results are %s", report.ClientExtensionResults)
				}
				if !c.has {
					return
				}
				use := func(e json.RawMessage) (written *bool, blob []byte) {
					t.Helper()
					u.took()
					report, _, err := b.login(way.client(t, key, u), site.Login{User: "ada", Extensions: e})
					if err != nil {
						t.Fatal(err)
					}
					r := results(t, report)
					if r.LargeBlob == nil {
						t.Fatalf("the results are %s", report.ClientExtensionResults)
					}
					pins := 0
					for _, a := range u.asked {
						if a == "PIN" {
							pins++
						}
					}
					if pins != 1 {
						t.Errorf("asked %v: one PIN is enough", u.asked)
					}
					return r.LargeBlob.Written, r.LargeBlob.Blob
				}
				if _, got := use([]byte(`{"largeBlob":{"read":true}}`)); got != nil {
					t.Errorf("before there is a blob, %q was read", got)
				}
				if written, _ := use(extensions(`{"largeBlob":{"write":"%s"}}`, blob)); !is(written, true) {
					t.Errorf("written: %v", written)
				}
				if _, got := use([]byte(`{"largeBlob":{"read":true}}`)); !bytes.Equal(got, blob) {
					t.Errorf("read %q", got)
				}
			})
		}
	}
}

func TestCredProtect(t *testing.T) {
	const required = `{"credentialProtectionPolicy":"userVerificationRequired","enforceCredentialProtectionPolicy":true}`
	for _, way := range transports {
		for _, k := range keyKinds {
			t.Run(string(way)+"/"+k.name, func(t *testing.T) {
				s := newService(t)
				key := k.new(t, way)
				u := &user{pin: pin}
				b := s.browser(t)
				report, _, err := b.register(way.client(t, key, u), site.Registration{User: "ada", ResidentKey: "preferred", Extensions: []byte(required)})
				if k.name == "FIDO 2.0" || k.name == "U2F" { // which have no credProtect
					if kind(err) != "unsuitable" {
						t.Errorf("%v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if report.AuthenticatorOutputs["credProtect"] != "userVerificationRequired" {
					t.Errorf("the key says %v", report.AuthenticatorOutputs)
				}
				// It is found by those who are verified, and by nobody else.
				for _, uv := range []string{"preferred", "discouraged"} {
					want := "no passkey"
					if k.verifies && uv == "preferred" {
						want = ""
					}
					if _, _, err := b.login(way.client(t, key, u), site.Login{User: "ada", UserVerification: uv}); kind(err) != want {
						t.Errorf("login, user verification %s: %v, want %q", uv, err, want)
					}
				}
			})
		}
	}
}

// A credential that was made with U2F, before there was WebAuthn, is used and
// excluded by its AppID.
func TestAppID(t *testing.T) {
	const appID = "https://example.com/app-id.json"
	for _, way := range transports {
		for _, k := range keyKinds {
			t.Run(string(way)+"/"+k.name, func(t *testing.T) {
				s := newService(t)
				key := k.new(t, way)
				u := &user{pin: pin}
				old, err := way.u2f(t, key).Register(t.Context(), &u2f.RegisterRequest{Application: sha256.Sum256([]byte(appID))})
				if err != nil {
					t.Fatal(err)
				}
				credential := relyingparty.Credential{ID: old.KeyHandle, PublicKey: old.UserPublicKey[:], AttestationFormat: "fido-u2f"}
				if err := s.Add("ada", credential); err != nil {
					t.Fatal(err)
				}
				b := s.browser(t)
				login := site.Login{User: "ada", UserVerification: "discouraged", Extensions: []byte(`{"appid":"` + appID + `"}`)}
				report, _, err := b.login(way.client(t, key, u), login)
				if err != nil {
					t.Fatal(err)
				}
				if r := results(t, report); !is(r.AppID, true) {
					t.Errorf("the results are %s", report.ClientExtensionResults)
				}
				// The key is not registered twice.
				_, _, err = b.register(way.client(t, key, u), site.Registration{User: "ada", Extensions: []byte(`{"appidExclude":"` + appID + `"}`)})
				if kind(err) != "already registered" {
					t.Errorf("again, with appidExclude: %v", err)
				}
				// Without the AppID nothing is found.
				if _, _, err := b.login(way.client(t, key, u), site.Login{User: "ada", UserVerification: "discouraged"}); kind(err) != "no passkey" {
					t.Errorf("without appid: %v", err)
				}
				// An AppID of somebody else is refused before the key is asked.
				login.Extensions = []byte(`{"appid":"https://example.org/"}`)
				if _, _, err := b.login(way.client(t, key, u), login); err == nil || err.(*webauthn.Error).Name != webauthn.SecurityError {
					t.Errorf("another's AppID: %v", err)
				}
				// A credential that WebAuthn has made is used without it, even if it is
				// asked for.
				if _, _, err := s.browser(t).register(way.client(t, key, u), site.Registration{User: "bob", UserVerification: "preferred"}); err != nil {
					t.Fatal(err)
				}
				report, _, err = s.browser(t).login(way.client(t, key, u), site.Login{User: "bob", Extensions: []byte(`{"appid":"` + appID + `"}`)})
				if err != nil {
					t.Fatal(err)
				}
				if r := results(t, report); is(r.AppID, true) {
					t.Errorf("the results are %s", report.ClientExtensionResults)
				}
			})
		}
	}
}
