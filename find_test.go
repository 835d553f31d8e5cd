//go:build (linux || freebsd) && !(scard && cgo)

package fido

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/internal/fakepcscd"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
)

// keyReader is a reader with the software key in it, at an address of bus 1.
func keyReader(t *testing.T, name string, atr []byte, device uint32) fakepcscd.Reader {
	t.Helper()
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := fakepcscd.Reader{Name: name, ATR: atr, Applet: nfc.NewApplet(soft, nil)}
	if device != 0 {
		r.Channel = 0x00200100 | device
	}
	return r
}

// summary says what was found in short: a key as its device, with the reader that
// it is besides, and a reader as its name and the error.
func summary(f *Found) (lines []string) {
	for _, k := range f.Keys {
		line := k.Device
		if k.Reader != nil && readerPrefix+k.Reader.Name != k.Device {
			line += " is " + k.Reader.Name
		}
		if k.Contactless() {
			line += ", contactless"
		}
		if k.Access != nil {
			line += ": denied"
		}
		lines = append(lines, line)
	}
	for _, r := range f.Readers {
		what := "failed"
		switch {
		case r.Err == pcsc.NoSmartCard:
			what = "empty"
		case errors.Is(r.Err, nfc.ErrNoApplet):
			what = "another card"
		case r.Err == pcsc.SharingViolation:
			what = "in use"
		}
		lines = append(lines, r.Reader.Name+": "+what)
	}
	return lines
}

func TestFind(t *testing.T) {
	contact, contactless := fakepcscd.ContactATR, fakepcscd.ContactlessATR
	denied := usbKey("/dev/hidraw0", 7)
	denied.Access = hid.NewAccessError(denied.Path, fs.ErrPermission)
	numbered := func(serial string, device int) hid.Info {
		k := usbKey("/dev/hidraw"+fmt.Sprint(device), 0)
		k.Serial = serial
		return k
	}
	exclusive := fakepcscd.Reader{Name: "Example Key (70D7E2EE) 00 00", ATR: contact, Exclusive: true}
	for _, c := range []struct {
		name    string
		keys    []hid.Info
		readers []fakepcscd.Reader
		want    []string
		asked   bool // a card was sent a command
	}{
		{"nothing", nil, nil, nil, false},
		{"one key at one address", []hid.Info{usbKey("/dev/hidraw0", 7)},
			[]fakepcscd.Reader{keyReader(t, "Example Key 00 00", contact, 7)},
			[]string{"/dev/hidraw0 is Example Key 00 00"}, false},
		{"two keys of a model", []hid.Info{usbKey("/dev/hidraw0", 7), usbKey("/dev/hidraw1", 8)},
			[]fakepcscd.Reader{keyReader(t, "Example Key 00 00", contact, 8), keyReader(t, "Example Key 01 00", contact, 7)},
			[]string{"/dev/hidraw0 is Example Key 01 00", "/dev/hidraw1 is Example Key 00 00"}, false},
		{"two keys of a model with one serial number, each of one kind", []hid.Info{usbKey("/dev/hidraw0", 7)},
			[]fakepcscd.Reader{keyReader(t, "Example Key (70D7E2EE) 00 00", contact, 8)},
			[]string{"/dev/hidraw0", "pcsc:Example Key (70D7E2EE) 00 00"}, true},
		{"an address on another bus", []hid.Info{usbKey("/dev/hidraw0", 7)},
			[]fakepcscd.Reader{{Name: "Example Key 00 00", ATR: contact, Channel: 0x00200207}},
			[]string{"/dev/hidraw0", "Example Key 00 00: another card"}, true},
		{"an address that the reader does not tell", []hid.Info{usbKey("/dev/hidraw0", 7)},
			[]fakepcscd.Reader{keyReader(t, "Example Key 00 00", contact, 0)},
			[]string{"/dev/hidraw0", "pcsc:Example Key 00 00"}, true},
		{"an address that the system does not tell", []hid.Info{usbKey("/dev/hidraw0", 0)},
			[]fakepcscd.Reader{keyReader(t, "Example Key 00 00", contact, 7)},
			[]string{"/dev/hidraw0", "pcsc:Example Key 00 00"}, true},
		{"no address and one serial number", []hid.Info{usbKey("/dev/hidraw0", 0)},
			[]fakepcscd.Reader{keyReader(t, "Example Key (70D7E2EE) 00 00", contact, 7)},
			[]string{"/dev/hidraw0 is Example Key (70D7E2EE) 00 00"}, false},
		{"a serial number that two keys have", []hid.Info{usbKey("/dev/hidraw0", 0), usbKey("/dev/hidraw1", 0)},
			[]fakepcscd.Reader{keyReader(t, "Example Key (70D7E2EE) 00 00", contact, 7)},
			[]string{"/dev/hidraw0", "/dev/hidraw1", "pcsc:Example Key (70D7E2EE) 00 00"}, true},
		{"a serial number that two readers have", []hid.Info{usbKey("/dev/hidraw0", 0)},
			[]fakepcscd.Reader{keyReader(t, "Example Key (70D7E2EE) 00 00", contact, 7), keyReader(t, "Example Key (70D7E2EE) 01 00", contact, 8)},
			[]string{"/dev/hidraw0", "pcsc:Example Key (70D7E2EE) 00 00", "pcsc:Example Key (70D7E2EE) 01 00"}, true},
		{"serial numbers that are none", []hid.Info{numbered("000000000000", 0), numbered("1234", 1), numbered("", 2)},
			[]fakepcscd.Reader{{Name: "Example Key (000000000000) 00 00", ATR: contact}, {Name: "Example Key (1234) 01 00", ATR: contact}, {Name: "Example Key () 02 00", ATR: contact}},
			[]string{"/dev/hidraw0", "/dev/hidraw1", "/dev/hidraw2", "Example Key (000000000000) 00 00: another card", "Example Key (1234) 01 00: another card", "Example Key () 02 00: another card"}, true},
		{"a key at a contactless reader", []hid.Info{usbKey("/dev/hidraw0", 7)},
			[]fakepcscd.Reader{keyReader(t, "ACS ACR122U 00 00", contactless, 9)},
			[]string{"/dev/hidraw0", "pcsc:ACS ACR122U 00 00, contactless"}, true},
		{"a key at a contactless reader that is a key too", []hid.Info{usbKey("/dev/hidraw0", 7)},
			[]fakepcscd.Reader{keyReader(t, "Example Key 00 00", contactless, 7)},
			[]string{"/dev/hidraw0", "pcsc:Example Key 00 00, contactless"}, true},
		{"readers without a key", nil,
			[]fakepcscd.Reader{{Name: "A 00 00"}, {Name: "B 00 00", ATR: contact}, {Name: "C 00 00", ATR: contact, Exclusive: true}},
			[]string{"A 00 00: empty", "B 00 00: another card", "C 00 00: in use"}, true},
		{"a key whose card another program has", []hid.Info{usbKey("/dev/hidraw0", 7)}, []fakepcscd.Reader{exclusive},
			[]string{"/dev/hidraw0 is Example Key (70D7E2EE) 00 00"}, false},
		{"a key that may be opened as a card alone", []hid.Info{denied},
			[]fakepcscd.Reader{keyReader(t, "Example Key 00 00", contact, 7)},
			[]string{"pcsc:Example Key 00 00"}, true},
		{"a key that may not be opened and has no FIDO as a card", []hid.Info{denied},
			[]fakepcscd.Reader{{Name: "Example Key 00 00", ATR: contact, Channel: 0x00200107}},
			[]string{"/dev/hidraw0 is Example Key 00 00: denied"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := new(fakepcscd.Daemon)
			d.Start(t)
			d.Set(c.readers...)
			found, err := find(t.Context(), c.keys, nil, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(found); !slices.Equal(got, c.want) {
				t.Errorf("found\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if (d.Commands() > 0) != c.asked {
				t.Errorf("the cards were sent %d commands", d.Commands())
			}
		})
	}
}

// What keeps card readers from being looked at is a finding as long as HID works.
func TestFindWithoutReaders(t *testing.T) {
	t.Setenv("PCSCLITE_CSOCK_NAME", t.TempDir()+"/nobody")
	found, err := find(t.Context(), []hid.Info{usbKey("/dev/hidraw0", 7)}, nil, time.Minute)
	if err != nil || len(found.Keys) != 1 || !errors.Is(found.ReadersErr, pcsc.NoService) {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := find(t.Context(), nil, errors.ErrUnsupported, time.Minute); !errors.Is(err, errors.ErrUnsupported) || !errors.Is(err, pcsc.NoService) {
		t.Errorf("neither: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := find(ctx, nil, nil, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

func TestFindWithoutHID(t *testing.T) {
	d := new(fakepcscd.Daemon)
	d.Start(t)
	d.Set(keyReader(t, "A 00 00", fakepcscd.ContactlessATR, 0))
	found, err := find(t.Context(), nil, errors.ErrUnsupported, time.Minute)
	if err != nil || found.HIDErr == nil || len(found.Keys) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
}

// A card that another program keeps delays nobody for long, and hides no key.
func TestFindBusyCard(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	d := &fakepcscd.Daemon{Begin: func() uint32 { <-hang; return 0 }}
	d.Start(t)
	d.Set(keyReader(t, "A 00 00", fakepcscd.ContactlessATR, 0))
	found, err := find(t.Context(), []hid.Info{usbKey("/dev/hidraw0", 7)}, nil, 20*time.Millisecond)
	if err != nil || len(found.Keys) != 1 || len(found.Readers) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	if r := found.Readers[0]; !errors.Is(r.Err, context.DeadlineExceeded) || !strings.Contains(r.Err.Error(), "another program") {
		t.Errorf("%v", r.Err)
	}
}

func TestOnly(t *testing.T) {
	usable, other, denied := KeyInfo{Device: "a"}, KeyInfo{Device: "b"}, KeyInfo{Device: "c", Access: fs.ErrPermission}
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	several := func(err error) bool {
		e, ok := errors.AsType[*SelectError](err)
		return ok && len(e.Keys) > 1
	}
	for _, c := range []struct {
		name  string
		found Found
		want  string
		err   func(error) bool
	}{
		{"one", Found{Keys: []KeyInfo{usable}}, "a", nil},
		{"one that may not be opened", Found{Keys: []KeyInfo{denied}}, "c", nil},
		{"one of which may be opened", Found{Keys: []KeyInfo{denied, usable}}, "a", nil},
		{"two", Found{Keys: []KeyInfo{usable, denied, other}}, "", several},
		{"two that may not be opened", Found{Keys: []KeyInfo{denied, denied}}, "", several},
		{"none", Found{Readers: []ReaderInfo{{pcsc.Reader{}, pcsc.NoSmartCard}, {pcsc.Reader{}, nfc.ErrNoApplet}}},
			"", func(err error) bool { return err == ErrNoKey }},
		{"none, and a reader in use", Found{Readers: []ReaderInfo{{pcsc.Reader{Name: "A"}, pcsc.SharingViolation}}},
			"", func(err error) bool {
				return errors.Is(err, ErrNoKey) && errors.Is(err, pcsc.SharingViolation) && strings.Contains(err.Error(), `"A"`)
			}},
		{"none without HID", Found{HIDErr: errors.ErrUnsupported}, "", is(errors.ErrUnsupported)},
		{"none without a service", Found{ReadersErr: pcsc.NoService}, "", is(ErrNoKey)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.found.only()
			if got != c.want || (err != nil) != (c.err != nil) || err != nil && !c.err(err) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// The key at the only card reader is the one that Open opens without a name.
func TestOpenOnlyCard(t *testing.T) {
	if keys, err := List(); err != nil || len(keys) > 0 {
		t.Skip("a key is plugged in")
	}
	d := new(fakepcscd.Daemon)
	d.Start(t)
	d.Set(fakepcscd.Reader{Name: "Empty 00 00"}, keyReader(t, "Example Key 01 00", fakepcscd.ContactATR, 0))
	key, err := Open(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	if info, err := key.GetInfo(t.Context()); err != nil || info.AAGUID != virtual.DefaultAAGUID || key.Contactless() {
		t.Errorf("%+v, %v", info, err)
	}
}
