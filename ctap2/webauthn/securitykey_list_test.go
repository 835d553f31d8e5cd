package webauthn_test

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// others returns IDs of credentials that are on another key.
func others(t testing.TB, n int) (ids [][]byte) {
	t.Helper()
	key, _ := plugIn(t, virtual.Config{MaxCredentials: 2 * n, Rand: rand.Reader}, "", nil)
	for range n {
		c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID)
	}
	return ids
}

// Lists of any length, on keys that take them in parts, and on those that do not
// tell silently what they have.
func TestLists(t *testing.T) {
	type list struct{ before, after int } // entries around the key's own
	const none = -1
	for _, test := range []struct {
		name        string
		config      virtual.Config
		pin         string
		list        list
		protect     ctap2.CredProtect // of the key's credential
		create, get string
	}{
		{name: "one", create: "touch: excluded", get: "touch: UP"},
		{name: "eight", list: list{3, 4}, create: "touch: excluded", get: "touch: UP"},
		{name: "nine", list: list{8, 0}, create: "touch: excluded", get: "touch: UP"},
		{name: "a hundred", list: list{60, 39}, create: "touch: excluded", get: "touch: UP"},
		{name: "a hundred, PIN", list: list{60, 39}, pin: pin, create: "PIN 8, touch: excluded", get: "PIN 8, touch: UV"},
		{name: "a hundred, only for verified users", list: list{60, 39}, pin: pin, protect: ctap2.CredProtectUVRequired, create: "PIN 8, touch: excluded", get: "PIN 8, touch: UV"},
		{name: "a hundred, the key's own only for verified users of which it has none", list: list{60, 39}, protect: ctap2.CredProtectUVRequired, create: "touch: UP", get: "none here"},
		{name: "a hundred of others", list: list{none, 100}, create: "touch: UP", get: "none here"},
		{name: "a hundred of others, PIN", list: list{none, 100}, pin: pin, create: "PIN 8, touch: UV", get: "PIN 8: none here"},
		{name: "none at all", list: list{none, 0}, create: "touch: UP", get: "none here"},
		{name: "a hundred, CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20}, list: list{60, 39}, create: "touch: excluded", get: "touch: UP"},
		{name: "a hundred of others, CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20}, list: list{none, 100}, create: "touch: UP", get: "touch: none here"},
		{name: "a hundred, U2F", config: virtual.Config{Profile: virtual.U2FOnly}, list: list{60, 39}, create: "touch: excluded", get: "touch: UP"},
		{name: "a hundred of others, U2F", config: virtual.Config{Profile: virtual.U2FOnly}, list: list{none, 100}, create: "touch: UP", get: "none here"},
		{name: "none at all, U2F", config: virtual.Config{Profile: virtual.U2FOnly}, list: list{none, 0}, create: "touch: UP", get: "none here"},
		{name: "twenty, not told silently", config: virtual.Config{Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, list: list{9, 10}, create: "touch: excluded", get: "touch: UP"},
		{name: "twenty, not told silently, PIN", config: virtual.Config{Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, pin: pin, list: list{9, 10}, create: "PIN 8, touch: excluded", get: "PIN 8, touch: UV"},
		{name: "twenty of others, not told silently", config: virtual.Config{Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, list: list{none, 20}, create: "touch: UP", get: "none here"},
		{name: "twenty, always verifying, not told silently", config: virtual.Config{AlwaysUV: true, Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, pin: pin, list: list{9, 10}, create: "PIN 8, touch: excluded", get: "PIN 8, touch: UV"},
		{name: "three, not told silently", config: virtual.Config{Faults: virtual.Faults{SilentStatus: ctap2.StatusUPRequired}}, list: list{1, 1}, create: "touch: excluded", get: "touch: UP"},
		{name: "a hundred, always verifying, even silently", config: virtual.Config{AlwaysUV: true, Faults: virtual.Faults{AlwaysUVWhenSilent: true}}, pin: pin, list: list{60, 39}, create: "PIN 8, touch: excluded", get: "PIN 8, touch: UV"},
		{name: "answer without the credential", config: virtual.Config{Faults: virtual.Faults{Credential: virtual.CredentialIfNeeded}}, create: "touch: excluded", get: "touch: UP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.config.User = virtual.TouchAfter(time.Second)
				p := &person{pins: []string{pin, pin}}
				key, k := plugIn(t, test.config, test.pin, p)
				own, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada, CredProtect: test.protect})
				if err != nil {
					t.Fatal(err)
				}
				ids := others(t, max(test.list.before, 0)+test.list.after)
				if test.list.before != none {
					ids = slices.Insert(ids, test.list.before, own.ID)
				}
				get, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationPreferred, ids...))
				if got := ended(p, get, err); got != test.get {
					t.Errorf("get: %s, want %s (%v)", got, test.get, err)
				}
				if err == nil && !bytes.Equal(get.CredentialID, own.ID) {
					t.Errorf("get: with %x", get.CredentialID)
				}
				r := creation(webauthn.UserVerificationPreferred)
				r.ExcludeCredentials = listOf(ids...)
				result, err := k.MakeCredential(t.Context(), r)
				var flags ctap2.Flags
				if err == nil {
					flags = credentialOf(t, result).Flags
				}
				if got := outcome(p, flags, err); got != test.create {
					t.Errorf("create: %s, want %s (%v)", got, test.create, err)
				}
			})
		})
	}
}

// A list of what no key can have is not the same as no list.
func TestListOfOtherTypes(t *testing.T) {
	p := new(person)
	key, k := plugIn(t, virtual.Config{}, "", p)
	if _, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada, Discoverable: true}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []ctap2.PublicKeyCredentialDescriptor{
		{ID: []byte{1}, Type: "password"}, {Type: ctap2.TypePublicKey}, {ID: make([]byte, 1024), Type: ctap2.TypePublicKey},
	} {
		r := request(webauthn.UserVerificationPreferred)
		r.AllowCredentials = []ctap2.PublicKeyCredentialDescriptor{d}
		got, err := k.GetAssertion(t.Context(), r)
		if seen := ended(p, got, err); seen != "none here" {
			t.Errorf("%s %d bytes: %s", d.Type, len(d.ID), seen)
		}
	}
}

func TestResidentKey(t *testing.T) {
	full := func(c virtual.Config) virtual.Config { c.MaxCredentials = 1; return c }
	silent := func(c virtual.Config) virtual.Config {
		c.Info = func(r *ctap2.GetInfoResponse) { r.RemainingDiscoverableCredentials = nil }
		return full(c)
	}
	for _, test := range []struct {
		name   string
		config virtual.Config
		pin    string
		rk     webauthn.ResidentKey
		full   bool
		want   string
		stored bool
		props  *bool // credProps.rk
	}{
		{name: "required", rk: webauthn.ResidentKeyRequired, want: "touch: UP", stored: true, props: new(true)},
		{name: "required, PIN", rk: webauthn.ResidentKeyRequired, pin: pin, want: "PIN 8, touch: UV", stored: true, props: new(true)},
		{name: "required, key full", config: full(virtual.Config{}), full: true, rk: webauthn.ResidentKeyRequired, want: "touch: unsuitable"},
		{name: "required, key without", config: virtual.Config{WithoutRK: true}, rk: webauthn.ResidentKeyRequired, want: "unsuitable"},
		{name: "required, U2F", config: virtual.Config{Profile: virtual.U2FOnly}, rk: webauthn.ResidentKeyRequired, want: "unsuitable"},
		{name: "preferred", rk: webauthn.ResidentKeyPreferred, want: "touch: UP", stored: true, props: new(true)},
		{name: "preferred, key full", config: full(virtual.Config{}), full: true, rk: webauthn.ResidentKeyPreferred, want: "touch: UP", props: new(false)},
		{name: "preferred, key full and does not say so", config: silent(virtual.Config{}), full: true, rk: webauthn.ResidentKeyPreferred, want: "touch, touch: UP", props: new(false)},
		{name: "preferred, PIN, key full and does not say so", config: silent(virtual.Config{}), pin: pin, full: true, rk: webauthn.ResidentKeyPreferred, want: "PIN 8, touch, PIN 8, touch: UV", props: new(false)},
		{name: "preferred, key without", config: virtual.Config{WithoutRK: true}, rk: webauthn.ResidentKeyPreferred, want: "touch: UP", props: new(false)},
		{name: "preferred, no finger yet and no PIN for it", config: virtual.Config{UV: virtual.FingerprintUV, NoPINForMcGa: true}, pin: pin, rk: webauthn.ResidentKeyPreferred, want: "touch: UP", props: new(false)},
		{name: "preferred, U2F", config: virtual.Config{Profile: virtual.U2FOnly}, rk: webauthn.ResidentKeyPreferred, want: "touch: UP", props: new(false)},
		{name: "preferred, CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20}, rk: webauthn.ResidentKeyPreferred, want: "touch: UP", stored: true, props: new(true)},
		{name: "discouraged", rk: webauthn.ResidentKeyDiscouraged, want: "touch: UP", props: new(false)},
		{name: "discouraged, CTAP 2.0", config: virtual.Config{Profile: virtual.FIDO20}, rk: webauthn.ResidentKeyDiscouraged, want: "touch: UP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.config.User = virtual.TouchAfter(time.Second)
				p := &person{pins: []string{pin, pin}}
				key, k := plugIn(t, test.config, test.pin, p)
				if test.full {
					if _, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: "other.example"}, User: ada, Discoverable: true}); err != nil {
						t.Fatal(err)
					}
				}
				before := len(key.Credentials())
				r := creation(webauthn.UserVerificationPreferred)
				r.ResidentKey, r.Extensions.CredProps = test.rk, true
				result, err := k.MakeCredential(t.Context(), r)
				var flags ctap2.Flags
				if err == nil {
					flags = credentialOf(t, result).Flags
					if rk := result.Extensions.CredProps.RK; (rk == nil) != (test.props == nil) || rk != nil && *rk != *test.props {
						t.Errorf("credProps says %v", rk)
					}
				}
				if got := outcome(p, flags, err); got != test.want {
					t.Errorf("%s, want %s (%v)", got, test.want, err)
				}
				if stored := len(key.Credentials()) > before; stored != test.stored {
					t.Errorf("stored: %v", stored)
				}
			})
		})
	}
}

func TestAttachmentAndAlgorithm(t *testing.T) {
	p := new(person)
	_, k := plugIn(t, virtual.Config{}, "", p)
	r := creation(webauthn.UserVerificationPreferred)
	r.Attachment = webauthn.AttachmentPlatform
	_, err := k.MakeCredential(t.Context(), r)
	if got := outcome(p, 0, err); got != "unsuitable" {
		t.Errorf("platform: %s", got)
	}
	r.Attachment = webauthn.AttachmentCrossPlatform
	r.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{{Alg: -47, Type: ctap2.TypePublicKey}}
	_, err = k.MakeCredential(t.Context(), r)
	if got := outcome(p, 0, err); got != "unsuitable" {
		t.Errorf("ES256K: %s", got)
	}
	r.PubKeyCredParams = append(r.PubKeyCredParams, ctap2.PublicKeyCredentialParameters{Alg: cose.EdDSA, Type: ctap2.TypePublicKey})
	_, result := made(t, k, r)
	if alg := credentialOf(t, result).AttestedCredentialData.PublicKey.Alg; alg != cose.EdDSA {
		t.Errorf("made with %v", alg)
	}
}

// What hardly fits into a message to a key that takes the shortest ones, and what
// does not.
func TestSmallMessages(t *testing.T) {
	for _, test := range []struct {
		name    string
		profile virtual.Profile
		names   string // 128 bytes, unless it says otherwise
		unknown int    // algorithms, beside those that the key knows
		exclude int
		own     bool
		want    string
	}{
		{name: "many algorithms", unknown: 40, want: "PIN 8, touch: UV"},
		{name: "many algorithms, another's credential", unknown: 40, exclude: 1, want: "PIN 8, touch: UV"},
		{name: "another's credential, which does not fit", exclude: 1, want: "PIN 8, touch: UV"},
		{name: "many credentials", names: "x", unknown: 40, exclude: 30, own: true, want: "PIN 8, touch: excluded"},
		{name: "many algorithms, and the key does not tell its own", profile: virtual.FIDO20, unknown: 40, want: "PIN 8: unsuitable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &person{pins: []string{pin, pin}}
				key, k := plugIn(t, virtual.Config{Profile: test.profile, MaxMsgSize: 1024, User: virtual.TouchAfter(time.Second)}, pin, p)
				r := creation(webauthn.UserVerificationPreferred)
				names := cmp.Or(test.names, strings.Repeat("x", 128))
				r.RP.Name, r.User.Name, r.User.DisplayName, r.User.ID = names, names, names, make([]byte, 64)
				r.ResidentKey = webauthn.ResidentKeyRequired
				r.Extensions.PRF = &webauthn.PRFInputs{Eval: &webauthn.PRFValues{First: []byte("a"), Second: []byte("b")}}
				r.Extensions.CredBlob, r.Extensions.LargeBlob = make([]byte, 32), ctap2.LargeBlobPreferred
				r.PubKeyCredParams = nil
				for _, alg := range []cose.Algorithm{cose.ES256, cose.EdDSA, cose.ES384, cose.RS256} {
					r.PubKeyCredParams = append(r.PubKeyCredParams, ctap2.PublicKeyCredentialParameters{Alg: alg, Type: ctap2.TypePublicKey})
				}
				for i := range test.unknown {
					r.PubKeyCredParams = append(r.PubKeyCredParams, ctap2.PublicKeyCredentialParameters{Alg: cose.Algorithm(-1000 - i), Type: ctap2.TypePublicKey})
				}
				r.ExcludeCredentials = listOf(others(t, test.exclude)...)
				if test.own {
					c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada})
					if err != nil {
						t.Fatal(err)
					}
					r.ExcludeCredentials = append(r.ExcludeCredentials, listOf(c.ID)...)
				}
				result, err := k.MakeCredential(t.Context(), r)
				var flags ctap2.Flags
				if err == nil {
					flags = credentialOf(t, result).Flags
				}
				if got := outcome(p, flags, err); got != test.want {
					t.Errorf("%s, want %s (%v)", got, test.want, err)
				}
			})
		})
	}
}
