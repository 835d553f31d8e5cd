//go:build system && linux

package systemtest

import (
	"slices"

	"github.com/gofido/fido/ctap2/conformance"
	"github.com/gofido/fido/internal/vm"
)

const guests = "github.com/gofido/fido/internal/systemtest/guest/"

// machines lists the packages whose tests run in a virtual machine, and the
// machine that each gets.
var machines = []struct {
	name    string
	pkg     string
	tags    []string
	run     string // the tests, as a regexp; "" is all
	root    func() (*vm.Root, error)
	modules []string
	memory  int      // MiB; 0 is 512
	skips   []string // tests that must be skipped: cases of a suite that do not apply
}{
	{
		name:    "hid",
		pkg:     guests + "hid",
		tags:    []string{"guest"},
		root:    ShellRoot,
		modules: twoGadgetsAndUHID,
	},
	{
		name:    "client",
		pkg:     guests + "client",
		tags:    []string{"guest"},
		root:    ShellRoot,
		modules: twoGadgetsAndUHID,
	},
	{
		name:    "libfido2",
		pkg:     guests + "libfido2",
		tags:    []string{"guest"},
		root:    FIDO2Root,
		modules: twoGadgetsAndUHID,
	},
	{
		name:    "conformance",
		pkg:     guests + "conformance",
		tags:    []string{"guest"},
		root:    ShellRoot,
		modules: twoGadgetsAndUHID,
		skips: append(cardCases(),
			// They take longer than the fixture's patience.
			"TestUHID/CM-12", "TestUHID/GA-14", "TestUHID/GNA-5", "TestUHID/MC-18", "TestUHID/RS-3", "TestUHID/SEL-1", "TestUHID/TK-6", "TestUHID/U-7",
			// uhid carries no message of 7,609 bytes; TestPing sends one over USB.
			"TestUHID/HID-S3",
			// The key has LOCK, and neither noMcGaPermissionsWithClientPin nor uvm; it
			// can be reset over every transport.
			"TestUHID/HID-L7", "TestUHID/TK-8", "TestUHID/EX-21", "TestUHID/RS-7",
		),
	},
	{
		name:    "fidokey",
		pkg:     guests + "fidokey",
		tags:    []string{"guest"},
		root:    FidokeyRoot,
		modules: vm.ModulesUHID,
	},
	{
		name:    "screens",
		pkg:     "github.com/gofido/fido/examples/fidokey",
		tags:    []string{"guest"},
		run:     "^TestScreen",
		root:    ShellRoot,
		modules: vm.ModulesUHID,
	},
	{
		name:    "python",
		pkg:     guests + "python",
		tags:    []string{"guest"},
		root:    PythonRoot,
		modules: twoGadgetsAndUHID,
	},
}

// cardCases are the cases about keys at card readers, as which a HID device can't
// be used.
func cardCases() (all []string) {
	for _, c := range conformance.Cases() {
		if c.Needs&conformance.NeedsCard != 0 {
			all = append(all, "TestUHID/"+c.ID)
		}
	}
	return all
}

// twoGadgetsAndUHID allows two USB keys at once. The controllers come first,
// so that no other module brings dummy_hcd along without its parameter.
var twoGadgetsAndUHID = slices.Concat([]string{"dummy_hcd num=2"}, vm.ModulesGadget, vm.ModulesUHID)
