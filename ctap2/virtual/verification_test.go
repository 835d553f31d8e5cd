package virtual_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// uvCount demands the value of uvCountSinceLastPinEntry.
func (h *host) uvCount(want uint) {
	h.t.Helper()
	switch n := h.info().UvCountSinceLastPinEntry; {
	case n == nil:
		h.t.Error("uvCountSinceLastPinEntry is missing")
	case *n != want:
		h.t.Errorf("uvCountSinceLastPinEntry is %d, want %d", *n, want)
	}
}

// Every try of built-in user verification counts, until the PIN is entered.
func TestUVCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV, UVRetries: 25, UVAttempts: 3, ResetWindow: -1})
		r, _ := h.uvRequest(ctap2.PermissionGA, rp.ID)
		mc := h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{UV: new(true)}})
		h.uvCount(0)
		h.want(0, r)
		h.uvCount(1)
		h.setPIN("1234")
		h.uvCount(1) // a PIN that is set has not been entered yet
		h.want(0, mc)
		h.uvCount(2)
		h.key.SetUser(fingers(virtual.NotVerified))
		h.want(ctap2.StatusUVInvalid, r)
		h.uvCount(3)
		h.key.SetUser(fingers(virtual.NotVerified, virtual.NotVerified, virtual.Verified))
		h.want(0, mc)
		h.uvCount(6)
		h.key.SetUser(virtual.NeverTouch())
		h.want(ctap2.StatusUserActionTimeout, mc)
		h.uvCount(7)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		h.ctx = ctx
		h.want(ctap2.StatusKeepaliveCancel, mc)
		h.ctx = t.Context()
		cancel()
		h.uvCount(8)
		h.key.PowerCycle()
		h.uvCount(8)
		h.try("0000", ctap2.StatusPINInvalid)
		h.uvCount(8)
		h.key.SetUser(virtual.AlwaysTouch())
		h.try("1234", 0)
		h.uvCount(0)
		for name, enter := range map[string]func(){
			"legacy token": func() { h.want(0, first(h.legacyRequest("1234"))) },
			"changePIN":    func() { h.want(0, h.changePINRequest("1234", "1234")) },
			"reset":        func() { h.want(0, reset); h.setPIN("1234") },
		} {
			h.want(0, first(h.uvRequest(ctap2.PermissionGA, rp.ID)))
			h.uvCount(1)
			enter()
			if h.uvCount(0); t.Failed() {
				t.Fatal(name)
			}
		}
	})
	for name, c := range map[string]virtual.Config{"no verification": {}, "CTAP 2.1": {Profile: virtual.FIDO21, UV: virtual.ConfiguredUV}} {
		if h := newHost(t, c); h.info().UvCountSinceLastPinEntry != nil {
			t.Errorf("%s: there is a count", name)
		}
	}
}

// A power cut during a verification gives nobody another try.
func TestVerificationIsSpentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		user := virtual.NewManual()
		h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV, User: user})
		r, _ := h.uvRequest(ctap2.PermissionGA, rp.ID)
		for left := 2; left >= 0; left-- {
			done := make(chan ctap2.Status)
			go func() { s, _ := h.send(r); done <- s }()
			synctest.Wait()
			h.key.PowerCycle()
			if s := <-done; s != ctap2.StatusOther || h.key.UVRetries() != left {
				t.Errorf("%v, %d tries left", s, h.key.UVRetries())
			}
			r, _ = h.uvRequest(ctap2.PermissionGA, rp.ID)
		}
		h.want(ctap2.StatusUVBlocked, r)
	})
}

// A finger lets its owner manage fingerprints only on a key with uvBioEnroll.
func TestUVBioEnroll(t *testing.T) {
	const refused, notYet = ctap2.StatusUnauthorizedPermission, ctap2.StatusNotAllowed
	for _, test := range []struct {
		name   string
		config virtual.Config
		finger bool
		want   ctap2.Status
	}{
		{"not offered", virtual.Config{UV: virtual.FingerprintUV}, true, refused},
		{"offered", virtual.Config{UV: virtual.FingerprintUV, UVBioEnroll: true}, true, 0},
		{"no finger yet", virtual.Config{UV: virtual.FingerprintUV, UVBioEnroll: true}, false, notYet},
		{"no sensor", virtual.Config{UV: virtual.ConfiguredUV, UVBioEnroll: true}, false, refused},
		{"no command", virtual.Config{UV: virtual.FingerprintUV, UVBioEnroll: true, WithoutCommands: []ctap2.Command{ctap2.CommandBioEnrollment}}, true, refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, test.config)
			if test.finger {
				if _, err := h.key.AddFingerprint(""); err != nil {
					t.Fatal(err)
				}
			}
			if h.info().Options[ctap2.OptionUVBioEnroll] != (test.want != refused) {
				t.Errorf("options %v", h.info().Options)
			}
			q, s := h.uvRequest(ctap2.PermissionBE, "")
			if test.want != 0 {
				h.want(test.want, q)
				return
			}
			r := &reader{h, h.receive(q, s)}
			id := r.sampled(r.begin(), ctap2.SampleGood, 3)
			r.sampled(r.next(id), ctap2.SampleGood, 2)
		})
	}
}

// Verification by fingerprint is there as long as a finger is enrolled: for a
// request that wants it, for alwaysUv, and for tokens.
func TestVerificationFollowsFingerprints(t *testing.T) {
	h := newHost(t, virtual.Config{UV: virtual.FingerprintUV, AlwaysUV: true})
	wants := h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{UV: new(true)}})
	plain := h.complete(&ctap2.MakeCredentialRequest{})
	without := func() {
		t.Helper()
		h.want(ctap2.StatusInvalidOption, wants)
		h.want(ctap2.StatusPUATRequired, plain)
		h.want(ctap2.StatusNotAllowed, first(h.uvRequest(ctap2.PermissionMC, rp.ID)))
	}
	without()
	if _, err := h.key.AddFingerprint(""); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*ctap2.MakeCredentialRequest{wants, plain} {
		if got := h.create(r).AuthData.Flags; got&ctap2.FlagUV == 0 {
			t.Errorf("flags %v", got)
		}
	}
	h.receive(h.uvRequest(ctap2.PermissionMC, rp.ID))
	if err := h.key.SetFingerprints(); err != nil {
		t.Fatal(err)
	}
	without()
}
