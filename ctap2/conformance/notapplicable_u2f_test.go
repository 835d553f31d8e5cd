package conformance_test

import (
	"slices"
	"strings"

	"github.com/gofido/fido/ctap2/conformance"
)

var (
	// Cases about keys that speak U2F, and those of them that are about U2F in use.
	withU2F         = slices.Concat(withoutAlwaysUV, []string{"GI-15", "U-1", "U-10", "U-5"})
	withoutAlwaysUV = []string{"U-11", "U-2", "U-3", "U-4", "U-6", "U-7", "U-8", "U-9"}

	// What a key of CTAP 2.0 has not.
	u2fSince21 = []string{"U-10", "U-9"}
)

// withCTAP2 are the cases about keys that speak CTAP2.
func withCTAP2() []string {
	all := []string{
		"HID-B3", "HID-B4", "HID-B5", "HID-B7", "HID-C10", "HID-C11", "HID-C2", "HID-C3", "HID-C4", "HID-C5", "HID-C6", "HID-C7",
		"HID-C8", "HID-D1", "HID-I7", "HID-K1", "HID-K2", "HID-K3", "HID-L7", "HID-S5", "HID-T5", "HID-W2", "U-10", "U-8", "U-9",
	}
	for _, c := range conformance.Cases() {
		if !strings.HasPrefix(c.ID, "HID-") && !strings.HasPrefix(c.ID, "U-") {
			all = append(all, c.ID)
		}
	}
	return all
}
