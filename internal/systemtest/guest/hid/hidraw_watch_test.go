//go:build guest

package hid

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/internal/systemtest/guest"
)

func TestHidrawWatch(t *testing.T) {
	_, there := uhidKey(t, uhid.Options{})
	events, err := hidraw.Watch(guest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	next, stop := iter.Pull2(events)
	defer stop()
	want := func(action hidraw.Action, serial string) string {
		t.Helper()
		start := time.Now()
		e, err, ok := next()
		if !ok || err != nil || e.Action != action || e.Info.Serial != serial || e.Info.Path == there.Path || e.Info.Access != nil {
			t.Fatalf("got %+v, %v, %v; want %v %s", e, err, ok, action, serial)
		}
		t.Logf("%v %s after %v", action, e.Info.Path, time.Since(start))
		return e.Info.Path
	}
	for i := range 3 {
		serial := fmt.Sprintf("key %d", i)
		key, err := uhid.Create(&uhid.Options{Serial: serial})
		if err != nil {
			t.Fatal(err)
		}
		path := want(hidraw.Added, serial)
		openKey(t, path, hidraw.LockOpen).Close() // it is ready when it is told
		key.Close()
		want(hidraw.Removed, serial)
	}
	t.Run("USB", func(t *testing.T) {
		g, raw := plugIn(t)
		if path := want(hidraw.Added, "USB"); path != raw.Name() {
			t.Errorf("the USB key is at %s, not %s", path, raw.Name())
		}
		if err := g.Unplug(); err != nil {
			t.Fatal(err)
		}
		want(hidraw.Removed, "USB")
	})
}
