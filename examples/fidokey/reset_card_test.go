//go:build (linux || freebsd) && !(scard && cgo)

package main

import (
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/fakepcscd"
	"github.com/gofido/fido/nfc"
)

// At a card reader the key is taken away and held to it again, which is its touch
// too. A key that is held there in between is left alone.
func TestResetAtReader(t *testing.T) {
	d := new(fakepcscd.Daemon)
	d.Start(t)
	key := passkeyKey(t, virtual.Config{Transport: ctap2.TransportNFC})
	other := passkeyKey(t, virtual.Config{Transport: ctap2.TransportNFC, AAGUID: ctap2.AAGUID{1}})
	empty := fakepcscd.Reader{Name: "Pad 00 00", Events: 1}
	held := fakepcscd.Reader{Name: "Pad 00 00", ATR: fakepcscd.ContactlessATR, Applet: nfc.NewApplet(key, nil)}
	wrong := fakepcscd.Reader{Name: "Pad 00 00", Events: 2, ATR: fakepcscd.ContactlessATR, Applet: nfc.NewApplet(other, nil)}
	d.Set(held)

	person := &prompted{steps: []step{
		{"Take the key away from the reader now.", func() { d.Set(empty) }},
		{"Hold it to the reader again now", func() { d.Set(wrong) }},
		{"Put the first one back.", func() { held.Events = 4; d.Set(held) }},
	}}
	var out strings.Builder
	code := run(t.Context(), []string{"reset", "-d", "pcsc:Pad"}, strings.NewReader("erase\n"), &out, person)
	if code != exitOK || len(person.steps) > 0 || !strings.Contains(person.String(), "its AAGUID is another") || !strings.Contains(person.String(), "which other keys of its model may have too") {
		t.Errorf("exit code %d: %s%s", code, out.String(), person.String())
	}
	if key.HasPIN() {
		t.Error("the key is not erased")
	}
	expectNotErased(t, other)
}
