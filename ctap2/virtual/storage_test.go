package virtual_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// condition describes what a host can find out of a key, but for how many tries
// are left and the counter, which count on their own.
func condition(k *virtual.Key) string {
	info := k.Info()
	s := fmt.Sprintf("PIN %v, at least %d, force %v, %+v;", k.HasPIN(), info.MinPINLength, info.ForcePINChange, info.Options)
	if info.LongTouchForReset != nil && *info.LongTouchForReset {
		s += " long touch;"
	}
	if info.PinComplexityPolicy != nil && *info.PinComplexityPolicy {
		s += " complex PINs;"
	}
	for _, c := range k.Credentials() {
		blob, _ := k.LargeBlob(c.ID) // none is nil
		s += fmt.Sprintf(" %x %s %s %q %x %x", c.ID, c.RP.ID, c.User.ID, c.User.Name, c.CredBlob, blob)
	}
	for _, f := range k.Fingerprints() {
		s += fmt.Sprintf("; finger %x %q", f.TemplateID, f.TemplateFriendlyName)
	}
	return s + fmt.Sprintf("; large blobs %x", k.LargeBlobArray())
}

// A power cut at any commit of any command leaves the key as it was before or
// after the command, and it works on.
func TestPowerCut(t *testing.T) {
	const pin = "1234"
	array := arrayOf(2000)
	for _, test := range []struct {
		name    string
		pin     bool
		commits int
		request func(h *host) request
	}{
		{"makeCredential, discoverable", true, 1, func(h *host) request {
			return h.authorized(&ctap2.MakeCredentialRequest{User: grace, Options: ctap2.Options{RK: new(true)}})
		}},
		{"makeCredential, replacing", true, 1, func(h *host) request {
			return h.authorized(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: new(true)}})
		}},
		{"makeCredential, not stored", false, 1, func(h *host) request { return h.complete(&ctap2.MakeCredentialRequest{}) }},
		{"getAssertion", false, 1, func(h *host) request { return h.ask(&ctap2.GetAssertionRequest{}) }},
		{"getAssertion, verified", false, 3, func(h *host) request {
			return h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UV: new(true)}})
		}},
		{"getNextAssertion", false, 1, func(h *host) request {
			h.want(0, h.ask(&ctap2.GetAssertionRequest{}))
			return getNextAssertion
		}},
		{"setPIN", false, 1, func(h *host) request { return h.setPINRequest(pin) }},
		{"changePIN", true, 3, func(h *host) request { return h.changePINRequest(pin, "4321") }},
		{"token", true, 2, func(h *host) request { r, _ := h.tokenRequest(pin, ctap2.PermissionGA, rp.ID); return r }},
		{"wrong PIN", true, 1, func(h *host) request { r, _ := h.tokenRequest("0000", ctap2.PermissionGA, rp.ID); return r }},
		{"token through verification", true, 2, func(h *host) request { r, _ := h.uvRequest(ctap2.PermissionGA, rp.ID); return r }},
		{"last sample of an enrolment", true, 1, func(h *host) request {
			r := &reader{h, h.token(ctap2.PermissionBE, "")}
			id := r.sampled(r.begin(), ctap2.SampleGood, 3)
			r.sampled(r.next(id), ctap2.SampleGood, 2)
			r.sampled(r.next(id), ctap2.SampleGood, 1)
			return r.next(id)
		}},
		{"sample before the last", true, 0, func(h *host) request {
			r := &reader{h, h.token(ctap2.PermissionBE, "")}
			return r.begin()
		}},
		{"setFriendlyName", true, 1, func(h *host) request {
			r := &reader{h, h.token(ctap2.PermissionBE, "")}
			return r.rename(h.key.Fingerprints()[0].TemplateID, "right thumb")
		}},
		{"removeEnrollment", true, 1, func(h *host) request {
			r := &reader{h, h.token(ctap2.PermissionBE, "")}
			return r.remove(h.key.Fingerprints()[0].TemplateID)
		}},
		{"enableEnterpriseAttestation", true, 1, func(h *host) request { return h.setting(ctap2.EnableEnterpriseAttestation, nil) }},
		{"toggleAlwaysUv", true, 1, func(h *host) request { return h.setting(ctap2.ToggleAlwaysUv, nil) }},
		{"setMinPINLength", true, 1, func(h *host) request {
			return h.setting(ctap2.SetMinPINLength, map[int]any{1: 8, 2: []string{rp.ID}, 3: true, 4: true})
		}},
		{"enableLongTouchForReset", true, 1, func(h *host) request { return h.setting(ctap2.EnableLongTouchForReset, nil) }},
		{"persistent token", true, 2, func(h *host) request { r, _ := h.tokenRequest(pin, ctap2.PermissionPCMR, ""); return r }},
		{"deleteCredential", true, 1, func(h *host) request {
			return manage(h.t, h.token(ctap2.PermissionCM, ""), ctap2.DeleteCredential, ofID(h.key.Credentials()[0].ID))
		}},
		{"updateUserInformation", true, 1, func(h *host) request {
			return manage(h.t, h.token(ctap2.PermissionCM, ""), ctap2.UpdateUserInformation,
				ofUser(h.key.Credentials()[0].ID, ctap2.PublicKeyCredentialUserEntity{ID: ada.ID, Name: "another name"}))
		}},
		{"enumerateCredentialsBegin", true, 0, func(h *host) request {
			return manage(h.t, h.token(ctap2.PermissionCM, ""), ctap2.EnumerateCredentialsBegin, ofRP(rp.ID))
		}},
		{"reset", true, 1, func(h *host) request { return reset }},
		{"largeBlobs, first fragment", true, 0, func(h *host) request {
			return h.fragment(arrayOf(3000), 0, 1000, h.token(ctap2.PermissionLBW, ""))
		}},
		{"largeBlobs, middle fragment", true, 0, func(h *host) request {
			array, token := arrayOf(3000), h.token(ctap2.PermissionLBW, "")
			h.want(0, h.fragment(array, 0, 1000, token))
			return h.fragment(array, 1000, 1000, token)
		}},
		{"largeBlobs, last fragment", true, 1, func(h *host) request {
			token := h.token(ctap2.PermissionLBW, "")
			h.want(0, h.fragment(array, 0, 1000, token))
			return h.fragment(array, 1000, 1000, token)
		}},
		{"getInfo", true, 0, func(h *host) request { return getInfo }},
	} {
		t.Run(test.name, func(t *testing.T) {
			prepare := func() *host {
				c := everySetting()
				c.UV = virtual.FingerprintUV
				c.Rand = mathrand.NewChaCha8([32]byte{1}) // each key is the same
				h := newHost(t, c)
				if _, err := h.key.AddFingerprint("left thumb"); err != nil {
					t.Fatal(err)
				}
				for _, user := range []ctap2.PublicKeyCredentialUserEntity{ada, {ID: []byte("second")}} {
					if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: user, Discoverable: true}); err != nil {
						t.Fatal(err)
					}
				}
				if test.pin {
					h.setPIN(pin)
				}
				return h
			}
			h := prepare()
			r := test.request(h)
			condition(h.key) // draws random bytes, as below
			commits := h.store.Commits()
			h.send(r)
			if got := h.store.Commits() - commits; got != test.commits {
				t.Errorf("%d commits, want %d: the test has to know each", got, test.commits)
			}
			done := condition(h.key)
			for cut := range test.commits {
				for _, written := range []bool{false, true} {
					h := prepare()
					r := test.request(h)
					before, retries := condition(h.key), h.key.PINRetries()
					if written {
						h.store.CutPowerAfterWrite(cut)
					} else {
						h.store.CutPowerAfter(cut)
					}
					if s, _ := h.send(r); s != ctap2.StatusOther {
						t.Errorf("cut %d: answered %v", cut, s)
					}
					if got := condition(h.key); got != before {
						t.Errorf("cut %d: the key goes on with\n%s\ninstead of\n%s", cut, got, before)
					}
					h.key.PowerCycle()
					after := condition(h.key)
					want := before
					if written && cut == test.commits-1 {
						want = done
					}
					if after != want {
						t.Errorf("cut %d: after the power cycle\n%s\ninstead of\n%s", cut, after, want)
					}
					if test.name == "wrong PIN" && h.key.PINRetries() != retries-1 && written {
						t.Errorf("the try was not spent before the comparison")
					}
					if h.key.HasPIN() && !h.key.Info().ForcePINChange {
						h.pin = pin
						if test.name == "changePIN" && cut == 2 && written {
							h.pin = "4321"
						}
						h.token(ctap2.PermissionGA, rp.ID)
					}
					if len(h.key.Credentials()) > 0 {
						h.assert(&ctap2.GetAssertionRequest{})
					}
					h.key.SetUser(virtual.Script(virtual.Step{Touch: virtual.LongTouch}))
					h.want(0, reset)
				}
			}
		})
	}
}

// A key that starts from the storage of another is that key.
func TestStorageSurvives(t *testing.T) {
	h := newHost(t, virtual.Config{})
	stored := h.discoverable(rp, ada)
	sealed := h.create(&ctap2.MakeCredentialRequest{}).AuthData.AttestedCredentialData.CredentialID
	h.setPIN("1234")
	h.try("0000", ctap2.StatusPINInvalid)
	before, count := condition(h.key), h.key.SignCount()

	h2 := newHost(t, virtual.Config{Storage: h.store})
	if got := condition(h2.key); got != before || h2.key.SignCount() != count || h2.key.PINRetries() != 7 {
		t.Errorf("%s, count %d, %d tries; want %s, %d, 7", got, h2.key.SignCount(), h2.key.PINRetries(), before, count)
	}
	for _, id := range [][]byte{stored, sealed} {
		h2.assert(&ctap2.GetAssertionRequest{AllowList: allow(id)})
	}
}

func TestSnapshot(t *testing.T) {
	h := newHost(t, virtual.Config{})
	empty := h.store.Snapshot()
	h.discoverable(rp, ada)
	h.store.Restore(empty)
	h.key.PowerCycle()
	if n := len(h.key.Credentials()); n != 0 {
		t.Errorf("%d credentials", n)
	}
}

func TestCorruptRecords(t *testing.T) {
	h := newHost(t, virtual.Config{UV: virtual.FingerprintUV})
	h.discoverable(rp, ada)
	if _, err := h.key.AddFingerprint("left thumb"); err != nil {
		t.Fatal(err)
	}
	if err := h.key.SetLargeBlobArray(arrayOf(100)); err != nil {
		t.Fatal(err)
	}
	h.setPIN("1234")
	good := h.store.Snapshot()
	if len(good) != 9 {
		t.Errorf("records %q", slices.Sorted(maps.Keys(good)))
	}
	for name, record := range good {
		for what, b := range map[string][]byte{
			"empty":          {},
			"later version":  append([]byte{99}, record[1:]...),
			"cut short":      record[:len(record)-1],
			"trailing byte":  append(slices.Clone(record), 0),
			"another type":   {1, 0x80},
			"without values": {1, 0xa0},
		} {
			if (name == "retries" || name == "versions") && what == "without values" {
				continue // no tries left, and nothing counted, are states like others
			}
			t.Run(name+"/"+what, func(t *testing.T) {
				store := virtual.NewMemoryStorage()
				bad := maps.Clone(good)
				bad[name] = b
				store.Restore(bad)
				_, err := virtual.New(virtual.Config{Storage: store})
				storageError, ok := errors.AsType[*virtual.StorageError](err)
				if !ok || storageError.Record != name || !strings.Contains(err.Error(), name) {
					t.Errorf("error %v, want one about the record", err)
				}
				h := newHost(t, virtual.Config{})
				h.store.Restore(bad)
				h.key.PowerCycle()
				h.want(ctap2.StatusOther, getInfo)
				h.store.Restore(good)
				h.key.PowerCycle()
				h.info()
			})
		}
	}
	store := virtual.NewMemoryStorage()
	store.Restore(map[string][]byte{"of a later version": {1}})
	if _, err := virtual.New(virtual.Config{Storage: store}); err == nil {
		t.Error("a storage without a device secret is accepted")
	}
}

func TestConfigErrors(t *testing.T) {
	for name, c := range map[string]virtual.Config{
		"profile":              {Profile: 99},
		"algorithm":            {Algorithms: []cose.Algorithm{cose.ES256K}},
		"protocol":             {Protocols: []pinuv.Protocol{3}},
		"transport":            {Transport: "ble"},
		"no way":               {NoPINForMcGa: true},
		"long touch":           {LongTouchForReset: true, WithoutLongTouch: true},
		"retries":              {PINRetries: 9},
		"PIN length":           {MinPINLength: 3},
		"message":              {MaxMsgSize: 1023},
		"ID length":            {MaxCredentialIDLength: 15},
		"random":               {Rand: strings.NewReader("too short")},
		"list of fingerprints": {Fingerprints: virtual.Fingerprints{Max: 100, MaxNameLength: 54}},
		"no fingerprints":      {Fingerprints: virtual.Fingerprints{Max: -1}},
		"storage":              {Storage: brokenStorage{}},
	} {
		if k, err := virtual.New(c); err == nil || k != nil {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
}

type brokenStorage struct{}

func (brokenStorage) Load() (map[string][]byte, error) { return nil, errTest }
func (brokenStorage) Commit(map[string][]byte) error   { return errTest }

// failingReader gives n bytes and then fails.
type failingReader struct{ n int }

func (r *failingReader) Read(b []byte) (int, error) {
	if len(b) > r.n {
		return 0, errTest
	}
	r.n -= len(b)
	return rand.Read(b)
}

// When random numbers run out in the middle of a command, it fails and changes
// nothing.
func TestRandomFails(t *testing.T) {
	random := &failingReader{n: 1 << 20}
	h := newHost(t, virtual.Config{Rand: random, UV: virtual.ConfiguredUV})
	h.setPIN("1234")
	h.discoverable2(ada)
	token, _ := h.tokenRequest("1234", ctap2.PermissionGA, rp.ID)
	uv, _ := h.uvRequest(ctap2.PermissionGA, rp.ID)
	in, _ := h.salts(32)
	salted := h.ask(&ctap2.GetAssertionRequest{Extensions: ctap2.Extensions{}})
	if err := salted.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]request{
		"makeCredential, sealed": h.complete(&ctap2.MakeCredentialRequest{}),
		"makeCredential, stored": h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: new(true), UV: new(true)}}),
		"token":                  token,
		"token through uv":       uv,
		"hmac-secret":            salted,
		"reset":                  reset,
	} {
		before := condition(h.key)
		failures := 0
		for random.n = 0; ; failures++ {
			n := random.n
			s, _ := h.send(r)
			if s == 0 {
				break
			}
			if s != ctap2.StatusOther || condition(h.key) != before {
				t.Fatalf("%s, %d bytes: answered %v, now %s", name, n, s, condition(h.key))
			}
			random.n = n + 4
		}
		if failures == 0 {
			t.Errorf("%s needs no random numbers", name)
		}
		random.n = 1 << 20
		if name == "reset" {
			h.setPIN("1234")
			h.discoverable2(ada)
			*token, *uv = *first(h.tokenRequest("1234", ctap2.PermissionGA, rp.ID)), *first(h.uvRequest(ctap2.PermissionGA, rp.ID))
			in, _ = h.salts(32)
			if err := salted.Extensions.Set(ctap2.ExtensionHMACSecret, in); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func first[T, U any](t T, _ U) T { return t }
