//go:build system && linux

package fido_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/pcscd"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
	"github.com/gofido/fido/nfc/vpcd"
)

// A key at a reader of a real daemon is found, by those that share it and not by
// those that may not.
func TestFindAtDaemon(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // other packages' tests have their turn with the daemon
	defer cancel()
	d, err := pcscd.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop()
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	held, release := context.WithCancel(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for held.Err() == nil {
			vpcd.Connect(held, d.Addr, nfc.NewApplet(soft, nil))
			time.Sleep(10 * time.Millisecond) // the daemon may not be there yet
		}
	}()
	defer func() { release(); <-gone }()
	var key fido.KeyInfo
	find := func() *fido.Found {
		t.Helper()
		found, err := fido.Find(ctx)
		if err != nil || found.ReadersErr != nil {
			t.Fatalf("%+v, %v", found, err)
		}
		return found
	}
	for key.Reader == nil { // until the daemon has seen the card
		for _, k := range find().Keys {
			if strings.HasPrefix(k.Device, "pcsc:"+pcscd.Reader) {
				key = k
			}
		}
		if ctx.Err() != nil {
			t.Fatal("no key is found")
		}
	}
	if key.Access != nil || !key.Contactless() {
		t.Errorf("%+v", key)
	}
	if n := len(soft.Commands()); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
	problem := func() error {
		t.Helper()
		for _, r := range find().Readers {
			if r.Reader.Name == key.Reader.Name {
				return r.Err
			}
		}
		return nil
	}
	card, err := pcsc.Open(ctx, key.Reader.Name, &pcsc.Options{Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := problem(); !errors.Is(err, pcsc.SharingViolation) {
		t.Errorf("a card that another has for itself: %v", err)
	}
	card.Close()
	if card, err = pcsc.Open(ctx, key.Reader.Name, nil); err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	if err := problem(); err != nil {
		t.Errorf("a card that another shares: %v", err)
	}
	if err := card.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	if err := problem(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a card that another holds: %v", err)
	}
	card.End()
}
