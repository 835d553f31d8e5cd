package virtual_test

import (
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
