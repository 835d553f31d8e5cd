package conformance_test

import (
	"slices"
	"strings"

	"github.com/gofido/fido/ctap2/conformance"
)

// withCard are the cases about cards.
func withCard() []string { return section("NFC-") }

// withReports are the cases about the HID interface.
func withReports() []string { return section("HID-") }

// section are the cases whose IDs begin so.
func section(prefix string) (all []string) {
	for _, c := range conformance.Cases() {
		if strings.HasPrefix(c.ID, prefix) {
			all = append(all, c.ID)
		}
	}
	return all
}

var (
	// touched are the cases about cards whose power-up is a touch.
	touched = []string{"NFC-32"}

	// contact are the cases about cards in a contact reader.
	contact = []string{"NFC-37"}

	// withExtended are the cases about APDUs of the extended form.
	withExtended = []string{"NFC-7", "NFC-8", "NFC-9"}

	// tapped are the cases for which the touch that power-up is is not the right
	// one, and those that need several with the same token or key agreement.
	tapped = []string{"GA-14", "GA-17", "GA-8", "GI-22", "MC-18", "MC-19", "NFC-28", "RS-3", "RS-6", "SEL-1", "U-3", "U-7",
		"CM-1", "CM-10", "CM-11", "CM-12", "CM-2", "CM-4", "CM-5", "CM-8", "CM-9", "EX-1", "EX-11", "EX-12", "EX-13", "EX-23",
		"EX-4", "EX-5", "EX-6", "EX-8", "GI-12", "GI-14", "MC-12", "MC-6", "TK-1", "TK-5", "TK-9"}

	// withoutPINOnCard are the cases about keys that can be used without a PIN.
	withoutPINOnCard = slices.Concat(withoutAlwaysUV, []string{"EX-8", "MC-12", "NFC-25", "NFC-26", "NFC-27", "NFC-28", "NFC-36"})

	// onSelect are the cases about SELECT and U2F that apply to keys that speak U2F alone.
	onSelect = []string{"NFC-1", "NFC-2", "NFC-25", "NFC-3", "NFC-4", "NFC-5", "NFC-6", "NFC-7"}
)
