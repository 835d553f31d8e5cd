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

// A key with a label is known at a reader, too.
func TestLabelAtReader(t *testing.T) {
	keepLabels(t)
	d := new(fakepcscd.Daemon)
	d.Start(t)
	applet := func() *nfc.Applet {
		return nfc.NewApplet(newKey(t, virtual.Config{Transport: ctap2.TransportNFC}), nil)
	}
	d.Set(
		fakepcscd.Reader{Name: "Pad 00 00", ATR: fakepcscd.ContactlessATR, Applet: applet()},
		fakepcscd.Reader{Name: "Slot 01 00", ATR: fakepcscd.ContactATR, Applet: applet()},
	)
	if r := fidokey(t, t.Context(), "", "label", "blue", "-d", "pcsc:Pad"); r.code != exitOK || !strings.Contains(r.out, `This key is "blue" from now on.`) {
		t.Fatalf("%+v", r)
	}
	r := fidokey(t, t.Context(), "", "list")
	if r.code != exitOK || !strings.Contains(r.out, "key held to the reader  blue\n") || strings.Count(r.out, "blue") != 1 {
		t.Errorf("%+v", r)
	}
	if r := fidokey(t, t.Context(), "", "info", "-d", "label:blue"); r.code != exitOK || !strings.Contains(r.out, "blue\n") {
		t.Errorf("%+v", r)
	}
}
