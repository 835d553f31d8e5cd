package hidraw

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid/hid"
)

func TestWatcher(t *testing.T) {
	f := newFakeSystem(t)
	w := &watcher{system: f.system, known: map[string]hid.Info{}, held: map[string]time.Time{}}
	now := time.Unix(1000, 0)
	step := func(what string, after time.Duration, changes []change, want ...string) {
		t.Helper()
		now = now.Add(after)
		var got []string
		for _, e := range w.take(changes, now) {
			s := e.Action.String() + " " + e.Info.Path
			if e.Info.Access != nil {
				s += " denied"
			}
			got = append(got, s)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}

	f.plug(usbKey("hidraw0"))
	step("a key", 0, []change{{appeared, "hidraw0"}}, "added /dev/hidraw0")
	step("the same told again", 0, []change{{settled, "hidraw0"}, {appeared, "hidraw0"}})
	if !w.wakeUp().IsZero() {
		t.Error("something is waited for")
	}
	step("replugged quickly", 0, []change{{disappeared, "hidraw0"}, {appeared, "hidraw0"}}, "removed /dev/hidraw0", "added /dev/hidraw0")
	f.unplug("hidraw0")
	step("unplugged", 0, []change{{disappeared, "hidraw0"}}, "removed /dev/hidraw0")
	step("unplugged, told again", 0, []change{{disappeared, "hidraw0"}})
	step("gone before it was looked at", 0, []change{{appeared, "hidraw0"}, {disappeared, "hidraw0"}})

	keyboard := usbKey("hidraw1")
	keyboard.descriptor = []byte{0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0}
	f.plug(keyboard)
	step("a keyboard", 0, []change{{appeared, "hidraw1"}})
	f.unplug("hidraw1")
	step("a keyboard is unplugged", 0, []change{{disappeared, "hidraw1"}})

	f.denied["/dev/hidraw2"] = unix.EACCES
	f.plug(usbKey("hidraw2"))
	step("permissions not set yet", 0, []change{{appeared, "hidraw2"}})
	if w.wakeUp() != now.Add(settleTime) {
		t.Errorf("waits until %v", w.wakeUp())
	}
	step("still not set", time.Second, []change{{settled, "hidraw2"}})
	delete(f.denied, "/dev/hidraw2")
	step("permissions are set", time.Millisecond, []change{{settled, "hidraw2"}}, "added /dev/hidraw2")

	f.denied["/dev/hidraw3"] = unix.EACCES
	f.plug(usbKey("hidraw3"))
	step("permissions not set", 0, []change{{appeared, "hidraw3"}})
	step("just before the end of patience", settleTime-1, nil)
	step("they never are", 1, nil, "added /dev/hidraw3 denied")
	if !w.wakeUp().IsZero() {
		t.Error("still waiting")
	}
	step("something else about it", 0, []change{{settled, "hidraw3"}})
	delete(f.denied, "/dev/hidraw3")
	step("they are after all", time.Minute, []change{{settled, "hidraw3"}}, "removed /dev/hidraw3 denied", "added /dev/hidraw3")
	step("nothing more", 0, []change{{settled, "hidraw3"}})

	f.denied["/dev/hidraw4"] = unix.EACCES
	f.plug(usbKey("hidraw4"))
	step("permissions not set", 0, []change{{appeared, "hidraw4"}})
	f.unplug("hidraw4")
	step("unplugged before they are", 0, []change{{disappeared, "hidraw4"}})
	step("and forgotten", time.Hour, nil)

	f.plug(usbKey("hidraw5"))
	f.unplug("hidraw2")
	step("news were lost", 0, []change{{kind: lost}}, "removed /dev/hidraw2", "added /dev/hidraw5")
	step("news were lost, nothing changed", 0, []change{{kind: lost}})
	if len(w.known) != 2 || len(w.held) != 0 {
		t.Errorf("known %d, held %d", len(w.known), len(w.held))
	}
}

// The inotify source, on a folder that stands for /dev.
func TestWatchInotify(t *testing.T) {
	f := newFakeSystem(t)
	f.system.dev = t.TempDir()
	f.plug(usbKey("hidraw0"))
	s, err := inotify(f.dev)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events, err := watch(ctx, f.system, s)
	if err != nil {
		t.Fatal(err)
	}
	f.plug(usbKey("hidraw1"))
	f.write(filepath.Join(f.dev, "hidraw1"), "")
	var got []string
	for e, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(e.Action, " ", filepath.Base(e.Info.Path)))
		if e.Action == Removed {
			cancel()
			continue
		}
		f.unplug("hidraw1")
		os.Remove(filepath.Join(f.dev, "hidraw1"))
	}
	if want := []string{"added hidraw1", "removed hidraw1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWatchEnds(t *testing.T) {
	f := newFakeSystem(t)
	start := func(ctx context.Context) func(func(Event, error) bool) {
		t.Helper()
		s, err := inotify(f.sysfs)
		if err != nil {
			t.Fatal(err)
		}
		events, err := watch(ctx, f.system, s)
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	t.Run("context ends during the loop", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		events := start(ctx)
		go cancel()
		for e, err := range events {
			t.Errorf("%v, %v", e, err)
		}
	})
	t.Run("context ended before the loop", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		events := start(ctx)
		cancel()
		for e, err := range events {
			t.Errorf("%v, %v", e, err)
		}
	})
	t.Run("loop left, then run again", func(t *testing.T) {
		events := start(t.Context())
		f.write(filepath.Join(f.sysfs, "hidraw0"), "")
		f.plug(usbKey("hidraw0"))
		f.write(filepath.Join(f.sysfs, "hidraw0"), "again")
		os.Chmod(filepath.Join(f.sysfs, "hidraw0"), 0o600)
		for e, err := range events {
			if err != nil || e.Info.Path != "/dev/hidraw0" {
				t.Fatalf("%v, %v", e, err)
			}
			break
		}
		n := 0
		for _, err := range events {
			if n++; err == nil {
				t.Error("an event after the end")
			}
		}
		if n != 1 {
			t.Errorf("%d errors", n)
		}
	})
	t.Run("system's list fails", func(t *testing.T) {
		s, err := inotify(f.sysfs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch(t.Context(), system{sysfs: "/no/such/folder"}, s); err == nil {
			t.Error("no error")
		}
		if err := s.f.Close(); !errors.Is(err, os.ErrClosed) {
			t.Error("the source was left open")
		}
	})
}

// The real socket: a machine that refuses it has inotify.
func TestWatchOnThisMachine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, err := Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for _, err := range events {
		if err != nil {
			t.Error(err)
		}
	}
}
