//go:build system && linux

package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/pcscd"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/vpcd"
)

// giveTurn ends a daemon that runs between scenarios.
var giveTurn = func() {}

// The commands through a real smart-card daemon, with its reader named in full, in
// part, and not at all.
func TestDaemon(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // other packages' tests have their turn with the daemon
	defer cancel()
	giveTurn()
	d, err := pcscd.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop()
	if r := fidokey(t, ctx, "", "list"); r.code != exitOK || !strings.Contains(r.out, pcscd.Reader) {
		t.Errorf("list without a card: %+v", r)
	}
	if r := fidokey(t, ctx, "", "info", "-d", "pcsc:"); r.code != exitNoKey || !strings.Contains(r.err, "hold the key to a reader") {
		t.Errorf("info without a card: %+v", r)
	}
	key := newKey(t, virtual.Config{})
	served := make(chan struct{})
	go func() {
		defer close(served)
		for ctx.Err() == nil {
			vpcd.Connect(ctx, d.Addr, nfc.NewApplet(key, nil))
			time.Sleep(10 * time.Millisecond) // the daemon may not be there yet
		}
	}()
	defer func() { cancel(); <-served }()
	var r result
	for r.code = exitNoKey; r.code == exitNoKey && ctx.Err() == nil; {
		r = fidokey(t, ctx, "", "info", "--json", "-d", "pcsc:") // until the daemon has seen the card
	}
	if r.code != exitOK || !strings.Contains(r.out, `"contactless": true`) {
		t.Fatalf("info: %+v", r)
	}
	for _, device := range []string{"pcsc:", "pcsc:" + pcscd.Reader, "pcsc:Virt"} {
		r := fidokey(t, ctx, "", "demo", "-d", device)
		if r.code != exitOK || !strings.Contains(r.out, "Everything verified") {
			t.Errorf("demo with %q: %+v", device, r)
		}
	}
	if r := fidokey(t, ctx, "", "list"); r.code != exitOK || !strings.Contains(r.out, "pcsc:"+pcscd.Reader) {
		t.Errorf("list: %+v", r)
	}
}
