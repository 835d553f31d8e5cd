//go:build guest && cgo && linux && hidapi

package hidapi_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidapi"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/vm/hidnode"
)

// With the tag guest, the tests of this package run in the virtual machine,
// against a device of package uhid.
func TestMain(m *testing.M) { guest.Main(m) }

func guestKey(t *testing.T, o uhid.Options) (*uhid.Device, string) {
	t.Helper()
	o.Serial = t.Name()
	key, err := uhid.Create(&o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { key.Close() })
	path, err := hidnode.Wait(guest.Context(t), o.Serial)
	if err != nil {
		t.Fatal(err)
	}
	return key, path
}

func guestOpen(t *testing.T, path string) *hidapi.Device {
	t.Helper()
	host, err := hidapi.Open(guest.Context(t), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	return host
}

func TestGuestList(t *testing.T) {
	_, path := guestKey(t, uhid.Options{Name: "Software Key", VendorID: 0x1209, ProductID: 0xf1d0})
	keys, err := hidapi.List()
	if err != nil {
		t.Fatal(err)
	}
	// Without a USB device above it, HIDAPI does not tell the bus.
	want := hid.Info{Path: path, Bus: hid.BusUnknown, VendorID: 0x1209, ProductID: 0xf1d0, Product: "Software Key", Serial: t.Name()}
	if len(keys) != 1 || keys[0] != want {
		t.Errorf("got  %#v\nwant %#v", keys, want)
	}
}

func TestGuestReports(t *testing.T) {
	for _, size := range []int{64, 8, 62} {
		key, path := guestKey(t, uhid.Options{ReportIn: size, ReportOut: size})
		go func() {
			p := make([]byte, 64)
			for {
				n, err := key.ReadReport(p)
				if err != nil || key.WriteReport(p[:n]) != nil {
					return
				}
			}
		}()
		host := guestOpen(t, path)
		if in, out := host.ReportSizes(); in != size || out != size {
			t.Fatalf("sizes are %d and %d, want %d", in, out, size)
		}
		const n = 300
		start := time.Now()
		got := make([]byte, 64)
		for i := range n {
			want := bytes.Repeat([]byte{byte(i)}, size)
			if err := host.WriteReport(want); err != nil {
				t.Fatal(err)
			}
			if n, err := host.ReadReport(got); err != nil || !bytes.Equal(got[:n], want) {
				t.Fatalf("got %x, %v; want %x", got[:n], err, want)
			}
		}
		t.Logf("%d bytes: %v for a report out and one back", size, time.Since(start)/n)
		host.Close()
		key.Close()
		if err := hidnode.WaitGone(guest.Context(t), path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGuestDeadlineAndClose(t *testing.T) {
	_, path := guestKey(t, uhid.Options{})
	host := guestOpen(t, path)
	p := make([]byte, 64)
	host.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := host.ReadReport(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	host.SetReadDeadline(time.Time{})
	ended := make(chan error, 1)
	go func() { _, err := host.ReadReport(p); ended <- err }()
	host.SetReadDeadline(time.Unix(1, 0))
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline moved during a read: %v", err)
	}
	host.SetReadDeadline(time.Time{})
	go func() { _, err := host.ReadReport(p); ended <- err }()
	host.Close()
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("close during a read: %v", err)
	}
}

func TestGuestUnplug(t *testing.T) {
	key, path := guestKey(t, uhid.Options{})
	host := guestOpen(t, path)
	ended := make(chan error, 1)
	go func() { _, err := host.ReadReport(make([]byte, 64)); ended <- err }()
	key.Close()
	if err := <-ended; !errors.Is(err, ctaphid.ErrGone) {
		t.Errorf("a pending read ended with %v", err)
	}
	if err := hidnode.WaitGone(guest.Context(t), path); err != nil {
		t.Fatal(err)
	}
	if err := host.WriteReport(make([]byte, 64)); !errors.Is(err, ctaphid.ErrGone) {
		t.Errorf("a write ended with %v", err)
	}
	host.Close()
	if _, err := hidapi.Open(guest.Context(t), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open ended with %v", err)
	}
}

func TestGuestWithoutPermission(t *testing.T) {
	_, path := guestKey(t, uhid.Options{})
	runtime.LockOSThread() // the file system's user is a thread's
	defer runtime.UnlockOSThread()
	if _, err := unix.SetfsuidRetUid(65534); err != nil {
		t.Fatal(err)
	}
	defer unix.SetfsuidRetUid(0)
	keys, err := hidapi.List()
	if err != nil || len(keys) != 1 {
		t.Fatalf("%v, %v", keys, err)
	}
	_, err = hidapi.Open(guest.Context(t), path)
	for what, err := range map[string]error{"List": keys[0].Access, "Open": err} {
		if _, ok := errors.AsType[*hid.AccessError](err); !ok || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
