//go:build guest

package hidraw

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid/uhid"
)

// A real udevd: its message comes when the node may be opened, and a program
// that is not root sees the key as soon as that is so. The test runs in the
// virtual machine of internal/systemtest.
func TestGuestUdev(t *testing.T) {
	if os.Getenv("GOFIDO_VM") == "" {
		t.Fatal("start this test with: go test -tags system ./internal/systemtest -run TestUdev")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "/usr/lib/systemd/systemd-udevd", "--daemon").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	news, err := uevents()
	if err != nil {
		t.Fatal(err)
	}
	defer news.f.Close()
	news.f.SetReadDeadline(time.Now().Add(30 * time.Second))
	events, err := Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key, err := uhid.Create(&uhid.Options{Serial: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()

	runtime.LockOSThread() // the file system's user is a thread's
	defer runtime.UnlockOSThread()
	if _, err := unix.SetfsuidRetUid(65534); err != nil {
		t.Fatal(err)
	}
	defer unix.SetfsuidRetUid(0)

	var seen []change
	for !slices.Contains(seen, change{settled, "hidraw0"}) {
		if seen, err = news.next(seen); err != nil {
			t.Fatalf("%v after %v", err, seen)
		}
	}
	if seen[0] != (change{appeared, "hidraw0"}) {
		t.Errorf("the news are %v", seen)
	}
	if err := mayOpen("/dev/hidraw0"); err != nil {
		t.Errorf("when udevd was done: %v", err)
	}
	for e, err := range events {
		if err != nil || e.Action != Added || e.Info.Serial != t.Name() || e.Info.Access != nil {
			t.Errorf("%#v, %v", e, err)
		}
		break
	}
}
