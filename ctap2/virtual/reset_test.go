package virtual_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

func TestResetWindow(t *testing.T) {
	for _, test := range []struct {
		name   string
		window time.Duration
		wait   time.Duration
		want   ctap2.Status
	}{
		{"at once", 0, 0, 0},
		{"at the end", 0, 10 * time.Second, 0},
		{"too late", 0, 10*time.Second + 1, ctap2.StatusNotAllowed},
		{"longer window", time.Minute, time.Minute, 0},
		{"any time", -1, 1000 * time.Hour, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, virtual.Config{ResetWindow: test.window})
				time.Sleep(time.Hour)
				h.key.PowerCycle()
				time.Sleep(test.wait)
				h.want(test.want, reset)
			})
		})
	}
}

func TestResetErases(t *testing.T) {
	var events []virtual.EventKind
	h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV, Observer: func(e virtual.Event) { events = append(events, e.Kind) }})
	factory := h.info()
	before := h.create(&ctap2.MakeCredentialRequest{})
	stored, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: ada, Discoverable: true})
	if err != nil {
		t.Fatal(err)
	}
	h.setPIN("1234")
	token := h.token(ctap2.PermissionGA, rp.ID)
	if err := h.key.ForcePINChange(); err != nil {
		t.Fatal(err)
	}
	if err := h.key.SetRetries(2, 1); err != nil {
		t.Fatal(err)
	}
	h.want(0, raw{byte(ctap2.CommandReset), 0xa0}) // parameters are ignored
	h.pin = ""

	after := h.info()
	if string(lasting(t, after)) != string(lasting(t, factory)) {
		t.Errorf("getInfo %x, new %x", after.Raw, factory.Raw)
	}
	h.retries(8, false)
	if h.key.UVRetries() != 3 || h.key.SignCount() != 0 || len(h.key.Credentials()) != 0 {
		t.Errorf("%d verification tries, count %d, credentials %v", h.key.UVRetries(), h.key.SignCount(), h.key.Credentials())
	}
	for _, id := range [][]byte{stored.ID, before.AuthData.AttestedCredentialData.CredentialID} {
		h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{AllowList: allow(id)}))
	}
	h.setPIN("1234")
	r := h.ask(&ctap2.GetAssertionRequest{})
	r.Authorize(token)
	h.want(ctap2.StatusPINAuthInvalid, r)
	again := h.create(&ctap2.MakeCredentialRequest{})
	if again.AuthData.AttestedCredentialData.AAGUID != before.AuthData.AttestedCredentialData.AAGUID {
		t.Error("another AAGUID")
	}
	if len(h.store.Snapshot()) != 5 {
		t.Errorf("records %v", h.store.Snapshot())
	}
	if len(events) != 3 || events[0] != virtual.CredentialCreated || events[1] != virtual.KeyReset || events[2] != virtual.CredentialCreated {
		t.Errorf("events %v", events)
	}
}

// A reset takes back every setting, to what the key was made with.
func TestResetTakesSettingsBack(t *testing.T) {
	for name, c := range map[string]virtual.Config{
		"plain": everySetting(),
		"as the vendor has set it": {
			AlwaysUV: true, MinPINLength: 6, MinPINLengthRPIDs: []string{"vendor"}, LongTouchForReset: true, UV: virtual.ConfiguredUV,
			Enterprise: &virtual.Enterprise{Enabled: true}, PINComplexity: &virtual.PINComplexity{Enforced: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.User = virtual.Script(slices.Repeat([]virtual.Step{{Touch: virtual.LongTouch, Verify: virtual.Verified}}, 30)...)
			h := newHost(t, c)
			told := func() string { return h.policy() }
			factory, policy := h.info(), told()
			h.setPIN("135792")
			for _, r := range []struct {
				sub    ctap2.ConfigSubCommand
				params any
			}{
				{ctap2.EnableEnterpriseAttestation, nil},
				{ctap2.ToggleAlwaysUv, nil},
				{ctap2.EnableLongTouchForReset, nil},
				{ctap2.SetMinPINLength, map[int]any{1: 8, 2: []string{"a", "b"}, 4: true}},
			} {
				h.set(r.sub, r.params)
				h.want(0, h.changePINRequest(h.pin, h.pin+"00")) // SetMinPINLength demands it
				h.pin += "00"
			}
			h.set(ctap2.SetMinPINLength, map[int]any{3: true})
			if info := h.info(); !info.Options["ep"] || info.MinPINLength != 8 || !info.ForcePINChange || !*info.LongTouchForReset || !*info.PinComplexityPolicy ||
				info.Options["alwaysUv"] == factory.Options["alwaysUv"] {
				t.Errorf("the settings are not made: %+v", info)
			}
			h.want(0, reset)
			h.pin = ""
			if got := h.info(); !bytes.Equal(lasting(t, got), lasting(t, factory)) {
				t.Errorf("getInfo %+v\nwas %+v", got, factory)
			}
			if got := told(); got != policy {
				t.Errorf("%s, was %s", got, policy)
			}
		})
	}
}

func TestTransportsForReset(t *testing.T) {
	for _, test := range []struct {
		transport string
		allowed   []string
		want      ctap2.Status
	}{
		{"", nil, 0},
		{"", []string{}, 0},
		{"", []string{"usb"}, 0},
		{"nfc", nil, 0},
		{"nfc", []string{"usb", "nfc"}, 0},
		{"smart-card", []string{"smart-card"}, 0},
		{"", []string{"nfc"}, ctap2.StatusOperationDenied},
		{"nfc", []string{"usb"}, ctap2.StatusOperationDenied},
		{"smart-card", []string{"usb", "nfc"}, ctap2.StatusOperationDenied},
	} {
		user := virtual.NewManual()
		if test.want == 0 {
			user = nil
		}
		c := virtual.Config{Transport: test.transport, TransportsForReset: test.allowed}
		if user != nil {
			c.User = user
		}
		h := newHost(t, c)
		if got := h.info().TransportsForReset; len(got) != len(test.allowed) {
			t.Errorf("getInfo lists %q", got)
		}
		h.setPIN("1234")
		h.want(test.want, reset)
		if h.key.HasPIN() != (test.want != 0) {
			t.Errorf("%q, %q: PIN %v", test.transport, test.allowed, h.key.HasPIN())
		}
		if user != nil && len(user.Prompts) > 0 {
			t.Errorf("%q, %q: the user is asked", test.transport, test.allowed)
		}
	}
}

// How a reset that wants a long touch ends.
func TestLongTouchForReset(t *testing.T) {
	five := virtual.Step{After: 5 * time.Second, Touch: virtual.LongTouch}
	for _, test := range []struct {
		name string
		user virtual.User
		want ctap2.Status
	}{
		{"always touches", virtual.AlwaysTouch(), ctap2.StatusOperationDenied},
		{"short", virtual.TouchAfter(time.Second), ctap2.StatusOperationDenied},
		{"long", virtual.Script(five), 0},
		{"declines", virtual.Deny(), ctap2.StatusOperationDenied},
		{"never touches", virtual.NeverTouch(), ctap2.StatusUserActionTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, virtual.Config{User: test.user, LongTouchForReset: true})
				if l := h.info().LongTouchForReset; l == nil || !*l {
					t.Error("longTouchForReset is not true")
				}
				h.setPIN("1234")
				h.want(test.want, reset)
				if h.key.HasPIN() != (test.want != 0) {
					t.Errorf("PIN %v", h.key.HasPIN())
				}
			})
		})
	}
	// A long touch is a touch, and on a card reader a tap is all there is.
	long := virtual.Script(virtual.Step{Touch: virtual.LongTouch}, virtual.Step{Touch: virtual.LongTouch})
	h := newHost(t, virtual.Config{User: long})
	h.create(&ctap2.MakeCredentialRequest{})
	h.want(0, reset)
	h = newHost(t, virtual.Config{Transport: ctap2.TransportNFC, LongTouchForReset: true})
	h.want(0, reset)
	h.want(ctap2.StatusUPRequired, reset)
	h = newHost(t, virtual.Config{WithoutLongTouch: true})
	if h.info().LongTouchForReset != nil {
		t.Error("longTouchForReset is there")
	}
}

// How reset and selection end without a touch: nothing is erased.
func TestResetAndSelectionWithoutTouch(t *testing.T) {
	for _, command := range []raw{reset, selection} {
		for _, test := range []struct {
			name string
			user virtual.User
			end  time.Duration // of the host's patience
			want ctap2.Status
		}{
			{"declined", virtual.Deny(), time.Hour, ctap2.StatusOperationDenied},
			{"not touched", virtual.NeverTouch(), time.Hour, ctap2.StatusUserActionTimeout},
			{"cancelled", virtual.NeverTouch(), time.Second, ctap2.StatusKeepaliveCancel},
			{"touched", virtual.TouchAfter(29 * time.Second), time.Hour, 0},
		} {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, virtual.Config{User: test.user})
				h.setPIN("1234")
				ctx, cancel := context.WithTimeout(h.ctx, test.end)
				defer cancel()
				h.ctx = ctx
				start := time.Now()
				if b := h.want(test.want, command); len(b) != 0 {
					t.Errorf("answered %x", b)
				}
				if test.name == "not touched" && time.Since(start) != 30*time.Second {
					t.Errorf("waited %v", time.Since(start))
				}
				if erased := !h.key.HasPIN(); erased != (command[0] == reset[0] && test.want == 0) {
					t.Errorf("%s: erased %v", test.name, erased)
				}
			})
		}
	}
}
