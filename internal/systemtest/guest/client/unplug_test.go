//go:build guest

package client

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// A key that is pulled out while it waits for a touch ends the call, and works
// as before when it is plugged in again.
func TestUnplugInACall(t *testing.T) {
	each(t, func(t *testing.T, r guest.Route) {
		user := newAbsent()
		key := guest.NewKey(t, r, virtual.Config{})
		events, stop := watch(t)
		defer stop()
		client := ours.Open(t, key, patient())
		credential := register(t, client, cose.ES256, true, "")

		key.SetUser(user)
		ended := make(chan error, 1)
		go func() { ended <- client.Selection(t.Context()) }()
		happens(t, "the key asks for a touch", user.asked)
		serial := key.Serial
		start := time.Now()
		key.Unplug(t)
		if err := <-ended; !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("the call ended with %v, want that the key is gone", err)
		}
		t.Logf("the call ended after %v", time.Since(start))
		if _, err := client.GetInfo(guest.Context(t)); !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("a later call ended with %v", err)
		}
		if err := client.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		events(hidraw.Removed, serial)
		noGoroutines(t)

		key.SetUser(virtual.AlwaysTouch())
		key.Plug(t)
		events(hidraw.Added, key.Serial)
		logIn(t, ours.Open(t, key, patient()), credential, true, "")
	})
}

// A key that is pulled out in the middle of a message ends the call too. (What
// it has sent by then is still read: a whole reply that fits uhid is in the
// kernel's queue before its first report is out of it.)
func TestUnplugInAMessage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		route guest.Route
		sent  bool
	}{
		{"uhid, request", guest.UHID, true},
		{"USB, request", guest.USB, true},
		{"USB, reply", guest.USB, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := guest.NewKey(t, tt.route, virtual.Config{})
			pinging, reports := false, 0
			o := patient()
			o.HID.Trace = func(e ctaphid.TraceEvent) {
				if pinging && e.Sent == tt.sent {
					if reports++; reports == 5 {
						key.Unplug(t)
					}
				}
			}
			client := ours.Open(t, key, o)
			pinging = true
			if _, err := client.HID().Ping(guest.Context(t), nil, counted(tt.route.Longest)); !errors.Is(err, ctaphid.ErrGone) {
				t.Errorf("the call ended with %v, want that the key is gone", err)
			}
			if err := client.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			noGoroutines(t)
		})
	}
}

// watch begins to watch for keys. The function that it returns waits for the
// next event and compares it.
func watch(t *testing.T) (want func(hidraw.Action, string), stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(guest.Context(t))
	events, err := hidraw.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	next, stopPull := iter.Pull2(events)
	return func(action hidraw.Action, serial string) {
		t.Helper()
		e, err, ok := next()
		if !ok || err != nil || e.Action != action || e.Info.Serial != serial {
			t.Fatalf("the next event is %+v, %v, %v; want %v %s", e, err, ok, action, serial)
		}
	}, func() { cancel(); stopPull() }
}

// noGoroutines waits until no goroutine runs code of the packages that talk to
// keys. The watch that a test may have is parked in hidraw.
func noGoroutines(t *testing.T) {
	t.Helper()
	ctx := guest.Context(t)
	for {
		buf := make([]byte, 1<<20)
		left := ""
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "gofido/fido/ctap") && !strings.Contains(stack, "noGoroutines") && !strings.Contains(stack, "hidraw.watch") {
				left = stack
			}
		}
		if left == "" {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("a goroutine is left:\n%s", left)
		}
		runtime.Gosched()
	}
}
