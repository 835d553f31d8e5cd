//go:build guest

package hid

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/vm/hidnode"
)

// Event types and offsets of struct uhid_event, linux/uhid.h.
const (
	uhidDestroy = 1
	uhidOutput  = 6
	uhidCreate2 = 11
	uhidInput2  = 12

	uhidEventSize  = 4 + 128 + 64 + 64 + 2 + 2 + 4*4 + 4096 // CREATE2 is the largest
	uhidOutputSize = 4 + 4096                               // where OUTPUT's size is
)

// uhidCreate makes a device on a new /dev/uhid with the raw bytes of CREATE2.
func uhidCreate(t *testing.T, uniq string) *os.File {
	t.Helper()
	f, err := os.OpenFile("/dev/uhid", os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	event := make([]byte, uhidEventSize)
	binary.NativeEndian.PutUint32(event, uhidCreate2)
	copy(event[4:], "gofido test")
	copy(event[4+128+64:], uniq)
	rest := event[4+128+64+64:]
	binary.NativeEndian.PutUint16(rest, uint16(len(guest.Descriptor)))
	binary.NativeEndian.PutUint16(rest[2:], 3) // BUS_USB
	binary.NativeEndian.PutUint32(rest[4:], 0x1209)
	binary.NativeEndian.PutUint32(rest[8:], 0xf1d0)
	copy(rest[20:], guest.Descriptor)
	if _, err := f.Write(event); err != nil {
		t.Fatal(err)
	}
	return f
}

// uhidReadOutput returns the next output report and passes over other events.
func uhidReadOutput(t *testing.T, f *os.File) []byte {
	t.Helper()
	event := make([]byte, uhidEventSize)
	for {
		if _, err := f.Read(event); err != nil {
			t.Fatal(err)
		}
		if binary.NativeEndian.Uint32(event) == uhidOutput {
			size := binary.NativeEndian.Uint16(event[uhidOutputSize:])
			return event[4 : 4+size]
		}
	}
}

func TestUHIDNodeCarriesReports(t *testing.T) {
	device := uhidCreate(t, t.Name())
	path, err := hidnode.Wait(guest.Context(t), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()

	out := append([]byte{0}, bytes.Repeat([]byte{0xa5}, 64)...) // report number and report
	if _, err := host.Write(out); err != nil {
		t.Fatal(err)
	}
	if got := uhidReadOutput(t, device); !bytes.Equal(got, out) {
		t.Errorf("the device got %x, want %x", got, out)
	}

	in := bytes.Repeat([]byte{0x5a}, 64)
	event := binary.NativeEndian.AppendUint32(nil, uhidInput2)
	event = binary.NativeEndian.AppendUint16(event, uint16(len(in)))
	if _, err := device.Write(append(event, in...)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 128)
	n, err := host.Read(got)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[:n], in) {
		t.Errorf("the host got %x, want %x", got[:n], in)
	}
}

func TestUHIDDestroyEndsPendingRead(t *testing.T) {
	device := uhidCreate(t, t.Name())
	path, err := hidnode.Wait(guest.Context(t), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	ended := make(chan error, 1)
	go func() {
		_, err := host.Read(make([]byte, 64))
		ended <- err
	}()
	event := make([]byte, uhidEventSize)
	binary.NativeEndian.PutUint32(event, uhidDestroy)
	if _, err := device.Write(event); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, syscall.EIO) {
		t.Errorf("the pending read ended with %v, want EIO", err)
	}
	if _, err := host.Write(make([]byte, 65)); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("a write ended with %v, want ENODEV", err)
	}
	if err := hidnode.WaitGone(guest.Context(t), path); err != nil {
		t.Error(err)
	}
}
