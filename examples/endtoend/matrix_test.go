package endtoend

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/examples/internal/site"
)

// A keyKind is a kind of key that people have.
type keyKind struct {
	name   string
	config virtual.Config
	pin    bool // is set
	finger bool // is enrolled

	// What the kind means for a site, by CTAP 2.3.
	verifies bool // its user can be verified
	passkeys bool // it stores passkeys
	creates  bool // it makes no credential without verification, even if it is no passkey
	always   bool // it does nothing without verification
	format   string
}

// keyKinds are multiplied with all that a site may ask for.
var keyKinds = []keyKind{
	{name: "PIN", pin: true, verifies: true, passkeys: true, format: "packed"},
	{name: "no PIN", passkeys: true, format: "packed"},
	{name: "fingerprint", config: virtual.Config{UV: virtual.FingerprintUV}, pin: true, finger: true, verifies: true, passkeys: true, format: "packed"},
	// A key of CTAP 2.0 with a PIN has no makeCredUvNotRqd.
	{name: "FIDO 2.0", config: virtual.Config{Profile: virtual.FIDO20}, pin: true, verifies: true, passkeys: true, creates: true, format: "packed"},
	{name: "U2F", config: virtual.Config{Profile: virtual.U2FOnly}, format: "fido-u2f"},
}

// rareKinds are tried with less.
var rareKinds = []keyKind{
	{name: "alwaysUv", config: virtual.Config{AlwaysUV: true}, pin: true, verifies: true, passkeys: true, always: true, format: "packed"},
	{name: "UV for everything", config: virtual.Config{UVForEverything: true}, pin: true, verifies: true, passkeys: true, creates: true, format: "packed"},
	{name: "no passkeys", config: virtual.Config{WithoutRK: true}, pin: true, verifies: true, format: "packed"},
	{name: "fingerprint alone", config: virtual.Config{UV: virtual.FingerprintUV, NoPINForMcGa: true}, pin: true, finger: true, verifies: true, passkeys: true, format: "packed"},
	// It takes a fingerprint for passkeys, and none is enrolled.
	{name: "PIN for managing alone", config: virtual.Config{UV: virtual.FingerprintUV, NoPINForMcGa: true}, pin: true, format: "packed"},
	{name: "FIDO 2.1", config: virtual.Config{Profile: virtual.FIDO21}, pin: true, verifies: true, passkeys: true, format: "packed"},
	{name: "FIDO 2.0, no PIN", config: virtual.Config{Profile: virtual.FIDO20}, passkeys: true, format: "packed"},
	{name: "no U2F", config: virtual.Config{WithoutU2F: true}, pin: true, verifies: true, passkeys: true, format: "packed"},
}

func (k keyKind) new(t *testing.T, w transport) *virtual.Key {
	t.Helper()
	c := w.config(k.config)
	if k.config.Profile == virtual.FIDO23 {
		c.Enterprise = &virtual.Enterprise{Enabled: true}
	}
	key := newKey(t, c)
	if k.pin {
		if err := key.SetPIN([]byte(pin)); err != nil {
			t.Fatal(err)
		}
	}
	if k.finger {
		if _, err := key.AddFingerprint("right index"); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

// A wish is what the site asks for.
type wish struct{ uv, rk string }

// An outcome is what becomes of a wish, on any transport and with any attestation.
type outcome struct {
	register string // the kind of error; "": registered
	passkey  bool   // it is one
	byU2F    bool   // it was made by U2F, which spares a PIN
	verified bool   // at the registration
	login    string // with the user name, the same userVerification
	byName   bool   // the login verified the user
	without  string // the same without the user name
}

// expect says what WebAuthn L3 section 5.1.3 and CTAP 2.3 section 6.1 make of a wish.
func (k keyKind) expect(w wish, attestation string) outcome {
	if w.uv == "required" && !k.verifies || w.rk == "required" && !k.passkeys {
		return outcome{register: "unsuitable"}
	}
	var o outcome
	// What is preferred is made if the key can, and a passkey takes a PIN from those
	// who have set one, whatever the site says of verification.
	o.passkey = k.passkeys && (w.rk == "required" || w.rk == "preferred")
	o.byU2F = k.creates && k.config.Profile == virtual.FIDO20 && w.uv == "discouraged" && !o.passkey && attestation == "none"
	o.verified = k.verifies && (w.uv != "discouraged" || o.passkey || k.creates || k.always) && !o.byU2F
	o.byName = k.verifies && (w.uv != "discouraged" || k.always)
	if !o.passkey {
		o.without = "no passkey"
	}
	return o
}

func TestEveryCombination(t *testing.T) {
	all := []string{"none", "indirect", "direct", "enterprise"}
	for _, way := range transports {
		for _, kind := range keyKinds {
			combine(t, way, kind, all)
		}
		for _, kind := range rareKinds {
			combine(t, way, kind, all[:1])
		}
	}
}

func combine(t *testing.T, way transport, kind keyKind, attestations []string) {
	requirements := []string{"required", "preferred", "discouraged"}
	t.Run(fmt.Sprintf("%s/%s", way, kind.name), func(t *testing.T) {
		s := newService(t)
		for _, attestation := range attestations {
			for _, uv := range requirements {
				for _, rk := range requirements {
					name := fmt.Sprintf("attestation %s, user verification %s, resident key %s", attestation, uv, rk)
					t.Run(name, func(t *testing.T) { try(t, s, way, kind, attestation, wish{uv, rk}) })
				}
			}
		}
	})
}

// try registers a new key and logs in with it, once with the user name and once
// without.
func try(t *testing.T, s *service, way transport, k keyKind, attestation string, w wish) {
	want := k.expect(w, attestation)
	key := k.new(t, way)
	u := &user{pin: pin}
	b := s.browser(t)
	name := fmt.Sprintf("%s %s %s", attestation, w.uv, w.rk)
	report, response, err := b.register(way.client(t, key, u), site.Registration{
		User: name, UserVerification: w.uv, ResidentKey: w.rk, Attestation: attestation, Extensions: []byte(`{"credProps":true}`),
	})
	if kind(err) != want.register {
		t.Fatalf("the registration ends with %v, want %q", err, want.register)
	}
	if err != nil {
		if n := len(key.Credentials()); n > 0 {
			t.Errorf("the registration has failed and left %d credentials", n)
		}
		return
	}
	checkReport(t, report, k, want, attestation, way)
	checkResponse(t, response, report)
	checkPrompts(t, "registration", u.took(), way, k, want.verified, want.byU2F)

	b = s.browser(t)
	login, _, err := b.login(way.client(t, key, u), site.Login{User: name, UserVerification: w.uv})
	if kind(err) != want.login {
		t.Errorf("the login with a name ends with %v, want %q", err, want.login)
	} else if err == nil && (login.User != name || !login.Flags.UP || login.Flags.UV != want.byName || login.CloneWarning) {
		t.Errorf("the login with a name shows the site %+v, want %+v", login, want)
	}
	if err == nil {
		checkPrompts(t, "login with a name", u.took(), way, k, want.byName, false)
	}

	b = s.browser(t)
	login, _, err = b.login(way.client(t, key, u), site.Login{UserVerification: w.uv})
	if kind(err) != want.without {
		t.Errorf("the login without a name ends with %v, want %q", err, want.without)
	} else if err == nil && (login.User != name || !login.Flags.UP || login.Flags.UV != want.byName || len(login.UserHandle) == 0) {
		t.Errorf("the login without a name shows the site %+v, want %+v", login, want)
	}
	if answer, err := b.http.Get(origin + "/me"); err != nil || (answer.StatusCode == 200) != (want.without == "") {
		t.Errorf("who has logged in: %v, %v", answer, err)
	}
}

func checkReport(t *testing.T, r *site.Report, k keyKind, want outcome, attestation string, way transport) {
	t.Helper()
	g := r.Registration
	if !r.Flags.UP || r.Flags.UV != want.verified || r.Flags.BE || r.Flags.BS {
		t.Errorf("the flags are %+v, want UV %t", r.Flags, want.verified)
	}
	if unknown := k.config.Profile == virtual.FIDO20 && !want.passkey && !want.byU2F; unknown {
		// Keys of CTAP 2.0 may store what nobody asked them to.
		if g.Discoverable != nil {
			t.Errorf("credProps.rk is %t, which nobody knows", *g.Discoverable)
		}
	} else if g.Discoverable == nil || *g.Discoverable != want.passkey {
		t.Errorf("credProps.rk is %v, want %t", g.Discoverable, want.passkey)
	}
	format := k.format
	if attestation == "none" {
		format = "none"
	}
	if g.AttestationFormat != format {
		t.Errorf("the attestation's format is %s, want %s", g.AttestationFormat, format)
	}
	if r.AuthenticatorAttachment != "cross-platform" {
		t.Errorf("the attachment is %q", r.AuthenticatorAttachment)
	}
	transport := ctap2.TransportUSB
	if way == overNFC {
		transport = ctap2.TransportNFC
	}
	if !slices.Contains(g.Transports, transport) {
		t.Errorf("the transports are %v", g.Transports)
	}
}

// checkResponse checks that what the response says twice is the same.
func checkResponse(t *testing.T, r *webauthn.RegistrationResponse, report *site.Report) {
	t.Helper()
	var object struct {
		AuthData []byte `cbor:"authData"`
	}
	if err := cbor.Unmarshal(r.AttestationObject, &object); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(object.AuthData, r.AuthenticatorData) {
		t.Error("authenticatorData is not that of the attestation object")
	}
	if int64(r.PublicKeyAlgorithm) != report.PublicKeyAlgorithm {
		t.Errorf("publicKeyAlgorithm is %v, and the key's %v", r.PublicKeyAlgorithm, report.PublicKeyAlgorithm)
	}
	data, err := ctap2.ParseAuthenticatorData(object.AuthData)
	if err != nil {
		t.Fatal(err)
	}
	want, err := data.AttestedCredentialData.PublicKey.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	got, err := x509.ParsePKIXPublicKey(r.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if !want.(interface{ Equal(crypto.PublicKey) bool }).Equal(got) {
		t.Errorf("publicKey is %v, and the key's %v", got, want)
	}
}

// checkPrompts checks that the user was asked for what it takes, and for no more.
func checkPrompts(t *testing.T, what string, asked []string, way transport, k keyKind, verified, byU2F bool) {
	t.Helper()
	want := map[string]int{}
	switch {
	case way == overNFC:
		want["hold"] = 1
	case byU2F, k.format == "fido-u2f":
		// The key is asked again and again, and this user has touched it by then.
	case !verified || !k.finger: // a finger is as good as a touch
		want["touch"] = 1
	}
	switch {
	case verified && k.finger:
		want["fingerprint"] = 1
	case verified:
		want["PIN"] = 1
	}
	count := map[string]int{}
	for _, a := range asked {
		count[a]++
	}
	if !maps.Equal(count, want) {
		t.Errorf("%s: the user was asked for %v, want %v", what, asked, want)
	}
}
