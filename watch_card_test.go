//go:build (linux || freebsd) && !(scard && cgo)

package fido

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/internal/fakepcscd"
)

// Cards come and go at the readers of a smart-card service.
func TestWatchCards(t *testing.T) {
	denied := usbKey("/dev/hidraw1", 8)
	denied.Access = hid.NewAccessError(denied.Path, fs.ErrPermission)
	keys := []hid.Info{usbKey("/dev/hidraw0", 7), denied}
	contactless := fakepcscd.ContactlessATR
	pad, empty := keyReader(t, "Pad 00 00", contactless, 0), fakepcscd.Reader{Name: "Pad 00 00"}
	part := keyReader(t, "Example Key 01 00", fakepcscd.ContactATR, 7)
	way := keyReader(t, "Example Key 02 00", fakepcscd.ContactATR, 8)
	passport := fakepcscd.Reader{Name: "Passport 03 00", ATR: contactless}

	d := new(fakepcscd.Daemon)
	d.Start(t)
	d.Set(part, passport, pad)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	steps := []struct {
		want string
		then func()
	}{
		{"added pcsc:Pad 00 00", func() { d.Set(part, passport, empty) }},
		{"removed pcsc:Pad 00 00", func() { d.Set(part, passport, way, empty) }},
		{"added pcsc:Example Key 02 00", func() { d.Set(part, passport, empty) }},
		{"removed pcsc:Example Key 02 00", func() { d.Set(part, pad) }},
		{"added pcsc:Pad 00 00", nil},
	}
	for e, err := range watch(ctx, noCards, cardFeed{func() ([]hid.Info, error) { return keys, nil }}.run) {
		if got := e.Action.String() + " " + e.Key.Device; err != nil || got != steps[0].want {
			t.Fatalf("heard %q, %v; want %q", got, err, steps[0].want)
		}
		if steps[0].then == nil {
			return
		}
		steps[0].then()
		steps = steps[1:]
	}
	t.Errorf("never heard %q", steps[0].want)
}
