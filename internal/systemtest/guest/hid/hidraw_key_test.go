//go:build guest

package hid

import (
	"bytes"
	"testing"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/vm/hidnode"
)

// uhidKey makes a device with package uhid and returns it with what
// hidraw.List says of it.
func uhidKey(t *testing.T, o uhid.Options) (*uhid.Device, hid.Info) {
	t.Helper()
	o.Serial = t.Name()
	key, err := uhid.Create(&o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { key.Close() })
	node, err := hidnode.Wait(guest.Context(t), o.Serial)
	if err != nil {
		t.Fatal(err)
	}
	return key, listed(t, node)
}

// listed returns what hidraw.List says of a node.
func listed(t *testing.T, node string) hid.Info {
	t.Helper()
	keys, err := hidraw.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.Path == node {
			return k
		}
	}
	t.Fatalf("%s is not among %v", node, keys)
	panic("unreachable")
}

func openKey(t *testing.T, path string, lock hidraw.Lock) *hidraw.Device {
	t.Helper()
	d, err := hidraw.Open(guest.Context(t), path, &hidraw.Options{Lock: lock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// echo makes the key answer each report with itself, until it is closed.
func echo(key ctaphid.Device) (ended <-chan error) {
	done := make(chan error, 1)
	go func() {
		p := make([]byte, ctaphid.MaxReportSize)
		for {
			n, err := key.ReadReport(p)
			if err == nil {
				err = key.WriteReport(p[:n])
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	return done
}

// report returns a report that has a number in it.
func report(size, number int) []byte {
	p := bytes.Repeat([]byte{byte(number)}, size)
	p[0] = byte(number >> 8)
	return p
}

// roundTrip sends a report and wants it back.
func roundTrip(t *testing.T, host ctaphid.Device, p []byte) {
	t.Helper()
	if err := host.WriteReport(p); err != nil {
		t.Fatal(err)
	}
	wantReport(t, host, p)
}

func wantReport(t *testing.T, d ctaphid.Device, want []byte) {
	t.Helper()
	got := make([]byte, ctaphid.MaxReportSize)
	n, err := d.ReadReport(got)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[:n], want) {
		t.Fatalf("got %x, want %x", got[:n], want)
	}
}
