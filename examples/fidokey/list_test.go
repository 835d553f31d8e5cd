//go:build (linux || freebsd) && !(scard && cgo)

package main

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/internal/fakepcscd"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
)

// readers starts a smart-card service with an empty reader, another card, a card in
// use, and software keys at a contactless reader and in another.
func readers(t *testing.T) {
	applet := func(c virtual.Config) *nfc.Applet { return nfc.NewApplet(newKey(t, c), nil) }
	d := new(fakepcscd.Daemon)
	d.Start(t)
	d.Set(
		fakepcscd.Reader{Name: "Empty 00 00"},
		fakepcscd.Reader{Name: "Passport 01 00", ATR: fakepcscd.ContactATR},
		fakepcscd.Reader{Name: "Taken 02 00", ATR: fakepcscd.ContactATR, Exclusive: true},
		fakepcscd.Reader{Name: "Pad 03 00", ATR: fakepcscd.ContactlessATR, Applet: applet(virtual.Config{User: virtual.TouchAfter(200 * time.Millisecond)})},
		fakepcscd.Reader{Name: "Slot 04 00", ATR: fakepcscd.ContactATR, Applet: applet(virtual.Config{User: virtual.TouchAfter(200 * time.Millisecond)})},
	)
}

func TestListReaders(t *testing.T) {
	readers(t)
	text := fidokey(t, t.Context(), "", "list")
	for _, want := range []string{
		"\"pcsc:Pad 03 00\"   key held to the reader\n",
		"\"pcsc:Slot 04 00\"  key in the reader\n",
		`No key in the card reader "Empty 00 00": there is no card in the reader`,
		`No key in the card reader "Passport 01 00": the card has no FIDO application`,
		`No key in the card reader "Taken 02 00": another program uses the card`,
	} {
		if text.code != exitOK || !strings.Contains(text.out, want) {
			t.Errorf("exit code %d, no %q in\n%s", text.code, want, text.out)
		}
	}
	r := fidokey(t, t.Context(), "", "list", "--json")
	var l listing
	if err := json.Unmarshal([]byte(r.out), &l); err != nil {
		t.Fatal(err)
	}
	pad := listedKey{Device: "pcsc:Pad 03 00", Bus: "card reader", Reader: "Pad 03 00", Contactless: true, Usable: true}
	if !slices.Contains(l.Keys, pad) {
		t.Errorf("no %+v in\n%s", pad, r.out)
	}
	var states []string
	for _, r := range l.Readers {
		states = append(states, r.Reader+": "+r.State)
	}
	if want := []string{"Empty 00 00: empty", "Passport 01 00: other card", "Taken 02 00: in use"}; !slices.Equal(states, want) {
		t.Errorf("the readers are %q", states)
	}
	if r := fidokey(t, t.Context(), "", "info"); r.code != exitNoKey || !strings.Contains(r.err, `"pcsc:Pad 03 00"`) {
		t.Errorf("which of them is not said: %+v", r)
	}
}

// What the user is told to do.
func TestGestures(t *testing.T) {
	readers(t)
	for device, want := range map[string]struct{ prompt, vouches string }{
		"pcsc:Pad":  {"Hold the key to the reader.", "a tap at the reader"},
		"pcsc:Slot": {"Touch the key.", "a touch"},
	} {
		r := fidokey(t, t.Context(), "", "demo", "-d", device)
		if r.code != exitOK || strings.TrimSpace(strings.ReplaceAll(r.err, want.prompt+"\n", "")) != "" || !strings.Contains(r.err, want.prompt) ||
			!strings.Contains(r.out, "It vouches for: "+want.vouches+".") {
			t.Errorf("%s: %+v", device, r)
		}
	}
}

func TestWithoutService(t *testing.T) {
	t.Setenv("PCSCLITE_CSOCK_NAME", t.TempDir()+"/nobody")
	r := fidokey(t, t.Context(), "", "list")
	if r.code != exitOK || !strings.Contains(r.out, "No card readers can be seen: the smart-card service does not run") {
		t.Errorf("%+v", r)
	}
	if r := fidokey(t, t.Context(), "", "list", "--json"); !strings.Contains(r.out, `"readersProblem": "the smart-card service does not run`) {
		t.Errorf("%+v", r)
	}
	if r := fidokey(t, t.Context(), "", "info", "-d", "pcsc:"); r.code != exitNoKey {
		t.Errorf("info: %+v", r)
	}
}

func TestCompleteDevices(t *testing.T) {
	readers(t)
	r := fidokey(t, t.Context(), "", "__complete", "info", "--device", "")
	for _, want := range []string{"virtual\t", "pcsc:Pad 03 00\tthe card in a reader\n", "pcsc:Empty 00 00\tan empty card reader\n"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
}

// The JSON names, which scripts rely on.
func TestListNames(t *testing.T) {
	key := hid.Info{Path: "/dev/hidraw0", Bus: hid.BusUSB, VendorID: 1, ProductID: 2, Manufacturer: "m", Product: "p", Serial: "s"}
	l := listing{
		Keys:    []listedKey{listKey(&fido.KeyInfo{Device: "/dev/hidraw0", Product: "p", HID: &key, Reader: &pcsc.Reader{Name: "r"}, Access: fs.ErrPermission})},
		Readers: []listedReader{listReader(&fido.ReaderInfo{Reader: pcsc.Reader{Name: "e"}, Err: pcsc.NoReaders})},
	}
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"keys":[{"device":"/dev/hidraw0","product":"p","manufacturer":"m","serial":"s","vendorId":1,"productId":2,` +
		`"bus":"USB","reader":"r","contactless":false,"usable":false,"problem":"permission denied"}],` +
		`"readers":[{"reader":"e","state":"failed","problem":"there is no card reader: plug one in (PC/SC 0x8010002E)"}]}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}
