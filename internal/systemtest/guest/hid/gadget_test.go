//go:build guest

package hid

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"syscall"
	"testing"
	"time"

	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/vm/gadget"
	"github.com/gofido/fido/internal/vm/hidnode"
)

// plugIn makes a USB device and opens its hidraw node.
func plugIn(t *testing.T) (g *gadget.Gadget, host *os.File) {
	t.Helper()
	serial := path.Base(t.Name())
	g, err := gadget.Create(guest.Descriptor, gadget.Config{Serial: serial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g, openHidraw(t, serial)
}

func openHidraw(t *testing.T, serial string) *os.File {
	t.Helper()
	node, err := hidnode.Wait(guest.Context(t), serial)
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.OpenFile(node, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	return host
}

// exchange sends a report to the device and another back.
func exchange(t *testing.T, g *gadget.Gadget, host *os.File, fill byte) {
	t.Helper()
	report := bytes.Repeat([]byte{fill}, 64)
	if _, err := host.Write(append([]byte{0}, report...)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 64)
	if _, err := io.ReadFull(g.Device(), got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, report) {
		t.Fatalf("the device got %x, want %x", got, report)
	}
	for i := range report {
		report[i] ^= 0xff
	}
	if _, err := g.Device().Write(report); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(host, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, report) {
		t.Fatalf("the host got %x, want %x", got, report)
	}
}

func TestGadgetCarriesReports(t *testing.T) {
	g, host := plugIn(t)
	for i := range 100 {
		exchange(t, g, host, byte(i))
	}
}

// A host that writes faster than the device reads must be held back, not lose
// reports: a message of 7,609 bytes is 129 reports.
func TestGadgetHoldsTheHostBack(t *testing.T) {
	g, host := plugIn(t)
	const reports = 129
	wrote := make(chan error, 1)
	go func() {
		for i := range reports {
			if _, err := host.Write(append([]byte{0}, bytes.Repeat([]byte{byte(i)}, 64)...)); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	got := make([]byte, 64)
	for i := range reports {
		if _, err := io.ReadFull(g.Device(), got); err != nil {
			t.Fatal(err)
		}
		if want := bytes.Repeat([]byte{byte(i)}, 64); !bytes.Equal(got, want) {
			t.Fatalf("report %d is %x, want %x", i, got, want)
		}
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

func TestGadgetUnplugAndReplug(t *testing.T) {
	g, host := plugIn(t)
	exchange(t, g, host, 1)
	ended := make(chan error, 1)
	go func() {
		_, err := host.Read(make([]byte, 64))
		ended <- err
	}()
	if err := g.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, syscall.EIO) {
		t.Errorf("the pending read ended with %v, want EIO", err)
	}
	if _, err := host.Write(make([]byte, 65)); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("a write ended with %v, want ENODEV", err)
	}
	if err := hidnode.WaitGone(guest.Context(t), host.Name()); err != nil {
		t.Error(err)
	}
	if err := g.Replug(); err != nil {
		t.Fatal(err)
	}
	exchange(t, g, openHidraw(t, t.Name()), 2)
}

func TestGadgetDeviceSideWaitsCanEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*gadget.Gadget) error
		want error
	}{
		{"deadline", func(g *gadget.Gadget) error { return g.Device().SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
		{"unplug", (*gadget.Gadget).Unplug, nil}, // the error is the deadline's or the closed file's
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := plugIn(t)
			device := g.Device()
			ended := make(chan error, 1)
			go func() {
				_, err := device.Read(make([]byte, 64))
				ended <- err
			}()
			if err := tt.end(g); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("the read ended with %v, want %v", err, tt.want)
			}
		})
	}
}

func TestTwoGadgets(t *testing.T) {
	var hosts []*os.File
	var gadgets []*gadget.Gadget
	for _, name := range []string{"first", "second"} {
		g, err := gadget.Create(guest.Descriptor, gadget.Config{Serial: name})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		gadgets = append(gadgets, g)
		hosts = append(hosts, openHidraw(t, name))
	}
	for i := range gadgets {
		exchange(t, gadgets[i], hosts[i], byte(i))
	}
}
