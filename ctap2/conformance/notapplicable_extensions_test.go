package conformance_test

import "slices"

// Cases about extensions: those that no plain key has the settings or extensions
// for, those of each extension, and those that need a PIN.
var (
	ordinaryExtensions = []string{"EX-19", "EX-21"}

	withCredProtect  = []string{"EX-1", "EX-2", "EX-3", "EX-4"}
	withHMACSecret   = []string{"EX-10", "EX-5", "EX-6", "EX-7", "EX-8", "EX-9"}
	withHMACSecretMC = []string{"EX-11", "EX-12", "EX-13"}
	withCredBlob     = []string{"EX-14", "EX-15"}
	withLargeBlobKey = []string{"EX-16", "EX-17"}
	withMinPINLength = []string{"EX-18"}

	extensionsSince22 = slices.Concat(withHMACSecretMC, []string{"EX-20"})
	extensionsSince21 = slices.Concat(extensionsSince22, withCredProtect, withCredBlob, withLargeBlobKey, withMinPINLength)
)

// onPreviewKeys are the cases that keys of CTAP 2.0 with the previews show, and
// others of CTAP 2.0 do not: those about credProtect and about limits of lists.
var onPreviewKeys = slices.Concat(withCredProtect, []string{"GA-20", "GI-7", "MC-12", "MC-13", "U-9"})
