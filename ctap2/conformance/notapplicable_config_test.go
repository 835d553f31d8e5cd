package conformance_test

import "slices"

// Cases about settings.
var (
	// Those that a plain key has not: enterprise attestation, and transports without
	// reset.
	ordinarySettings = []string{"CF-5", "RS-7"}

	// Those of keys that can have a PIN, and those of every key.
	withPINSettings = []string{"CF-1", "CF-2", "CF-3", "CF-4", "CF-8", "GA-19", "GI-15", "TK-10"}
	withSettings    = slices.Concat(withPINSettings, []string{"CF-6", "CF-7", "CF-9", "RS-6"})

	// Those that need a reset.
	withReset = []string{"CF-5", "CP-15", "GI-13", "LB-12", "RS-1", "RS-2", "RS-3", "RS-4", "RS-5", "RS-6", "RS-9", "TK-9"}

	// What keys of CTAP 2.1 and of CTAP 2.0 can't show.
	since22 = slices.Concat(withPersistentToken, []string{"CF-6", "CF-9", "CP-25", "MC-25", "RS-6"})
	since21 = slices.Concat(withSettings, withCredentialManagement, withPersistentToken, withLargeBlobs, withAnyLargeBlob, []string{
		"CP-19", "CP-20", "CP-25", "GA-20", "GI-11", "GI-19", "GI-5", "GI-7", "MC-12", "MC-13", "MC-25", "SEL-1",
		"TK-12", "TK-2", "TK-3", "TK-4", "TK-5", "TK-6",
	})
)

// without returns a list of cases without some.
func without(cases []string, some ...string) []string {
	return slices.DeleteFunc(slices.Clone(cases), func(id string) bool { return slices.Contains(some, id) })
}
