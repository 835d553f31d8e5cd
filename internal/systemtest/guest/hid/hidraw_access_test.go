//go:build guest

package hid

import (
	"errors"
	"io/fs"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/internal/systemtest/guest"
)

// A program that may not open the node still sees the key and is told why.
func TestHidrawWithoutPermission(t *testing.T) {
	_, info := uhidKey(t, uhid.Options{})
	runtime.LockOSThread() // the file system's user is a thread's
	defer runtime.UnlockOSThread()
	if _, err := unix.SetfsuidRetUid(65534); err != nil {
		t.Fatal(err)
	}
	defer unix.SetfsuidRetUid(0)

	key := listed(t, info.Path)
	_, err := hidraw.Open(guest.Context(t), info.Path, nil)
	for what, err := range map[string]error{"List": key.Access, "Open": err} {
		e, ok := errors.AsType[*hid.AccessError](err)
		if !ok || !errors.Is(err, fs.ErrPermission) || e.Path != info.Path || !strings.Contains(e.Advice, "udev rule") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := uhid.Create(nil); err == nil {
		t.Error("uhid.Create: no error")
	} else if _, ok := errors.AsType[*hid.AccessError](err); !ok {
		t.Errorf("uhid.Create: %v", err)
	}
}
