package conformance

// Elsewhere returns the cases of the project's list, sections 1 to 7 and 9 to 21, that
// this suite does not hold, each with the reason or the place where it is
// tested.
func Elsewhere() map[string]string {
	return map[string]string{
		"HID-L8": "is about keys with two HID interfaces; a fixture shows one",
		"CBR-8":  "is about hosts: tests of package ctap2",
		"MC-2":   "is CBR-4 and CBR-5",
		"MC-27":  "is MC-25",
		"GA-5":   "is CBR-4 and CBR-5",
		"GNA-6":  "is HID-B7",
		"CP-23":  "needs a power cut inside the key: tests of package virtual",
		"SEL-2":  "is about hosts: TestSelectionOfOldKeys of package ctap2",
		"SEL-3":  "is about hosts: TestSelectOneOfSeveralKeys of package ctap2",
		"NFC-16": "is about hosts: TestScriptedCards and TestFaults of package nfc",
		"NFC-30": "is about hosts: TestScriptedCards and TestFaults of package nfc",
		"RS-8":   "needs a power cut inside the key: tests of package virtual",
		"LB-9":   "needs a power cut inside the key: TestLargeBlobsPowerCut of package virtual",
		"LB-11":  "is about hosts: TestLargeBlobsOfSoftwareKey and TestLargeBlobArray* of package ctap2",
		"CM-14":  "is about hosts: TestLargeBlobOfDeletedPasskey of package ctap2",
		"CM-15":  "is about hosts: TestLongPasskeyListsOfSoftwareKey and TestEnumerationReplies of package ctap2",
	}
}
