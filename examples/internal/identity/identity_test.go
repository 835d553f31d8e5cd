package identity

import (
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid/hid"
)

func TestCompare(t *testing.T) {
	key := func(change func(*Known)) *Known {
		info := hid.Info{VendorID: 0x1209, ProductID: 1, Product: "Example Key", Serial: "70D7E2EE", PhysicalPath: "usb-0000:00:14.0-0/input0"}
		aaguid := ctap2.AAGUID{1}
		i := &Known{HID: &info, AAGUID: &aaguid}
		if change != nil {
			change(i)
		}
		return i
	}
	noSerial := func(i *Known) { i.HID.Serial = "" }
	moved := func(i *Known) { i.HID.PhysicalPath = "elsewhere" }
	both := func(f, g func(*Known)) func(*Known) { return func(i *Known) { f(i); g(i) } }
	proven := func(value string) func(*Known) {
		return func(i *Known) { i.HID.Serial, i.Proof = "", Proof{Credential, value} }
	}
	card := func(reader string) func(*Known) {
		return func(i *Known) { i.HID, i.Reader = nil, reader }
	}
	for _, test := range []struct {
		name        string
		before, now func(*Known)
		other       string // part of it
		same        []string
		certain     bool
	}{
		{"all the same/certain", nil, nil, "", []string{"model", "serial", "aaguid", "port"}, true},
		{"in another port/certain by the serial number", nil, moved, "", []string{"model", "serial", "aaguid"}, true},
		{"no serial number/uncertain", noSerial, noSerial, "", []string{"model", "aaguid", "port"}, false},
		{"no serial number in another port/another", noSerial, both(noSerial, moved), "in another place", nil, false},
		{"a serial number that all have/uncertain", func(i *Known) { i.HID.Serial = "00000000" }, func(i *Known) { i.HID.Serial = "00000000" }, "", []string{"model", "serial", "aaguid", "port"}, false},
		{"a short serial number/uncertain", func(i *Known) { i.HID.Serial = "7" }, func(i *Known) { i.HID.Serial = "7" }, "", []string{"model", "serial", "aaguid", "port"}, false},
		{"another short one/another", func(i *Known) { i.HID.Serial = "7" }, func(i *Known) { i.HID.Serial = "8" }, "serial number", nil, false},
		{"another serial number/another", nil, func(i *Known) { i.HID.Serial = "70D7E2EF" }, "serial number", nil, false},
		{"another product/another", nil, func(i *Known) { i.HID.ProductID = 7 }, "model", nil, false},
		{"another AAGUID/another", nil, func(i *Known) { i.AAGUID = &ctap2.AAGUID{2} }, "AAGUID", nil, false},
		{"not asked for its AAGUID yet", nil, func(i *Known) { i.AAGUID = nil }, "", []string{"model", "serial", "port"}, true},
		{"the label's credential is there/certain", proven("x"), both(proven("x"), moved), "", []string{"model", "aaguid", "credential"}, true},
		{"the label's credential is not there/another", proven("x"), proven(""), "credential", nil, false},
		{"at a reader now/another", nil, card("Pad"), "same place", nil, false},
		{"at the same reader/uncertain", card("Pad"), card("Pad"), "", []string{"aaguid", "port"}, false},
		{"at another reader/another", card("Pad"), card("Other"), "same place", nil, false},
	} {
		c := key(test.before).Compare(key(test.now))
		if test.other != "" {
			if !strings.Contains(c.Other, test.other) {
				t.Errorf("%s: %+v", test.name, c)
			}
			continue
		}
		if c.Other != "" || c.Certain != test.certain || !slices.Equal(c.Same, test.same) {
			t.Errorf("%s: %+v", test.name, c)
		}
	}
}
