package fido_test

import (
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
)

// known is a device that says what it is, and counts the messages of CTAP2.
type known struct {
	ctaphid.Device
	vendor, product uint16
	asked           int
}

func (k *known) IDs() (vendor, product uint16) { return k.vendor, k.product }

func (k *known) WriteReport(p []byte) error {
	if first, err := ctaphid.ParsePacket(p); err == nil && first.Command == ctaphid.CommandCBOR {
		k.asked++
	}
	return k.Device.WriteReport(p)
}

func TestQuirks(t *testing.T) {
	for _, test := range []struct {
		name            string
		vendor, product uint16
		options         *fido.Options
		u2f             bool
	}{
		{"U2F Zero", 0x10c4, 0x8acf, nil, true},
		{"Nitrokey FIDO U2F", 0x20a0, 0x4287, nil, true},
		{"another product of the vendor", 0x20a0, 0x42b1, nil, false},
		{"the product of another vendor", 0x10c4, 0x4287, nil, false},
		{"unknown", 0, 0, nil, false},
		{"the quirks are off", 0x10c4, 0x8acf, &fido.Options{NoQuirks: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			soft, err := virtual.New(virtual.Config{})
			if err != nil {
				t.Fatal(err)
			}
			dev := &known{Device: ctaphid.Loopback(soft), vendor: test.vendor, product: test.product}
			key, err := fido.OpenHID(t.Context(), dev, test.options)
			if err != nil {
				t.Fatal(err)
			}
			defer key.Close()
			if _, err := key.GetInfo(t.Context()); err != nil {
				t.Fatal(err)
			}
			if key.U2F() != test.u2f || (dev.asked == 0) != test.u2f {
				t.Errorf("U2F %v; sent %d messages of CTAP2", key.U2F(), dev.asked)
			}
		})
	}
}
