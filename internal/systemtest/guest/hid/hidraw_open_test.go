//go:build guest

package hid

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/vm/hidnode"
)

func TestHidrawListTellsWhatTheKeyIs(t *testing.T) {
	t.Run("uhid", func(t *testing.T) {
		_, got := uhidKey(t, uhid.Options{Name: "Software\x1b Key", PhysicalPath: "here", VendorID: 0x1209, ProductID: 0xf1d0, ReportIn: 62, ReportOut: 32})
		want := hid.Info{Path: got.Path, Bus: hid.BusUSB, VendorID: 0x1209, ProductID: 0xf1d0, Product: "Software\ufffd Key", Serial: t.Name(),
			PhysicalPath: "here", ReportIn: 62, ReportOut: 32}
		if got != want {
			t.Errorf("got  %#v\nwant %#v", got, want)
		}
	})
	t.Run("uhid on Bluetooth", func(t *testing.T) {
		_, got := uhidKey(t, uhid.Options{Bus: hid.BusBluetooth})
		want := hid.Info{Path: got.Path, Bus: hid.BusBluetooth, VendorID: 0x1209, ProductID: 1, Product: "gofido software key", Serial: t.Name(), ReportIn: 64, ReportOut: 64}
		if got != want {
			t.Errorf("got  %#v\nwant %#v", got, want)
		}
	})
	t.Run("USB", func(t *testing.T) {
		_, host := plugIn(t)
		got := listed(t, host.Name())
		if got.Bus != hid.BusUSB || got.Manufacturer == "" || got.Product == "" || got.Serial != "USB" || got.PhysicalPath == "" ||
			got.ReportIn != 64 || got.ReportOut != 64 || got.Access != nil {
			t.Errorf("%#v", got)
		}
	})
}

func TestHidrawCarriesReports(t *testing.T) {
	t.Run("uhid", func(t *testing.T) {
		for _, size := range [][2]int{{64, 64}, {8, 8}, {62, 62}} {
			key, info := uhidKey(t, uhid.Options{ReportIn: size[0], ReportOut: size[1]})
			echo(key)
			host := openKey(t, info.Path, hidraw.LockOpen)
			if in, out := host.ReportSizes(); in != size[0] || out != size[1] {
				t.Errorf("sizes are %d and %d, want %v", in, out, size)
			}
			const n = 1000
			start := time.Now()
			for i := range n {
				roundTrip(t, host, report(size[1], i))
			}
			t.Logf("%d bytes: %v for a report out and one back", size[0], time.Since(start)/n)
			key.Close()
			host.Close()
			if err := hidnode.WaitGone(guest.Context(t), info.Path); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("USB", func(t *testing.T) {
		g, raw := plugIn(t)
		host := openKey(t, raw.Name(), hidraw.LockOpen)
		go func() {
			p := make([]byte, 64)
			for {
				n, err := g.Device().Read(p)
				if err == nil {
					_, err = g.Device().Write(p[:n])
				}
				if err != nil {
					return
				}
			}
		}()
		const n = 300
		start := time.Now()
		for i := range n {
			roundTrip(t, host, report(64, i))
		}
		t.Logf("%v for a report out and one back", time.Since(start)/n)
	})
}

func TestHidrawReadDeadline(t *testing.T) {
	key, info := uhidKey(t, uhid.Options{})
	host := openKey(t, info.Path, hidraw.LockOpen)
	p := make([]byte, 64)
	host.SetReadDeadline(time.Unix(1, 0))
	if _, err := host.ReadReport(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past: %v", err)
	}
	host.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := host.ReadReport(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("future: %v", err)
	}
	host.SetReadDeadline(time.Time{})
	ended := make(chan error, 1)
	go func() { _, err := host.ReadReport(p); ended <- err }()
	host.SetReadDeadline(time.Unix(1, 0))
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("moved during a read: %v", err)
	}
	host.SetReadDeadline(time.Time{})
	if err := key.WriteReport(report(64, 7)); err != nil {
		t.Fatal(err)
	}
	wantReport(t, host, report(64, 7))
	go func() { _, err := host.ReadReport(p); ended <- err }()
	host.Close()
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed during a read: %v", err)
	}
}

func TestHidrawUnplug(t *testing.T) {
	unplugs := func(t *testing.T, path string, unplug func() error) {
		t.Helper()
		host := openKey(t, path, hidraw.LockCall)
		ended := make(chan error, 1)
		go func() { _, err := host.ReadReport(make([]byte, 64)); ended <- err }()
		if err := unplug(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != ctaphid.ErrGone {
			t.Errorf("a pending read ended with %v", err)
		}
		if _, err := host.ReadReport(make([]byte, 64)); err != ctaphid.ErrGone {
			t.Errorf("a later read ended with %v", err)
		}
		if err := host.WriteReport(make([]byte, 64)); err != ctaphid.ErrGone {
			t.Errorf("a write ended with %v", err)
		}
		if err := host.Close(); err != nil {
			t.Errorf("close ended with %v", err)
		}
		if err := hidnode.WaitGone(guest.Context(t), path); err != nil {
			t.Fatal(err)
		}
		if _, err := hidraw.Open(guest.Context(t), path, nil); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("open ended with %v", err)
		}
	}
	t.Run("uhid", func(t *testing.T) {
		key, info := uhidKey(t, uhid.Options{})
		unplugs(t, info.Path, key.Close)
	})
	t.Run("USB", func(t *testing.T) {
		g, raw := plugIn(t)
		unplugs(t, raw.Name(), g.Unplug)
	})
}

func TestHidrawLocks(t *testing.T) {
	key, info := uhidKey(t, uhid.Options{})
	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	first := openKey(t, info.Path, hidraw.LockOpen)
	if _, err := hidraw.Open(soon(), info.Path, nil); !errors.Is(err, hidraw.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second open: %v", err)
	}
	openKey(t, info.Path, hidraw.LockNone).Close()

	// The one that waits does not see what came for the other.
	type opened struct {
		d   *hidraw.Device
		err error
	}
	second := make(chan opened)
	go func() {
		d, err := hidraw.Open(guest.Context(t), info.Path, nil)
		second <- opened{d, err}
	}()
	for i := range 10 {
		if err := key.WriteReport(report(64, i)); err != nil {
			t.Fatal(err)
		}
		wantReport(t, first, report(64, i))
		time.Sleep(time.Millisecond) // lets the other open the node; right either way
	}
	first.Close()
	s := <-second
	if s.err != nil {
		t.Fatal(s.err)
	}
	if err := key.WriteReport(report(64, 77)); err != nil {
		t.Fatal(err)
	}
	wantReport(t, s.d, report(64, 77))
	s.d.Close()

	a, b := openKey(t, info.Path, hidraw.LockCall), openKey(t, info.Path, hidraw.LockCall)
	if err := a.BeginCall(guest.Context(t)); err != nil {
		t.Fatal(err)
	}
	if err := b.BeginCall(soon()); !errors.Is(err, hidraw.ErrLocked) {
		t.Errorf("second call: %v", err)
	}
	if err := key.WriteReport(report(64, 1)); err != nil {
		t.Fatal(err)
	}
	wantReport(t, a, report(64, 1))
	a.EndCall()
	if err := b.BeginCall(guest.Context(t)); err != nil {
		t.Fatal(err)
	}
	if err := key.WriteReport(report(64, 2)); err != nil {
		t.Fatal(err)
	}
	wantReport(t, b, report(64, 2)) // and not 1, which was for a
}

func TestHidrawRefusesWhatIsNoKey(t *testing.T) {
	mouse := []byte{0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x05, 0x09, 0x19, 0x01, 0x29, 0x08, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0xc0}
	old := guest.Descriptor
	guest.Descriptor = mouse
	defer func() { guest.Descriptor = old }()
	uhidCreate(t, t.Name())
	node, err := hidnode.Wait(guest.Context(t), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hidraw.Open(guest.Context(t), node, nil); !errors.Is(err, hid.ErrNotFIDO) {
		t.Errorf("a mouse: %v", err)
	}
	keys, err := hidraw.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.Path == node {
			t.Errorf("a mouse is listed: %+v", k)
		}
	}
	if _, err := hidraw.Open(guest.Context(t), "/dev/null", nil); err == nil {
		t.Error("/dev/null was opened")
	}
}
