// Package conformance is a test suite for security keys: any key, on any
// transport. It checks what the CTAP documents say of CTAPHID, of cards, of the
// CTAP2 commands and of U2F, case by case. The software key of this module runs
// through it in memory and behind a kernel; a firmware project points it at its
// simulator or at its hardware.
//
// # Running it
//
// A [Fixture] makes the key under test and says what the suite may do to it.
// The smallest one is a few lines; the example of Fixture is one for a simulator:
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, conformance.Fixture{
//			New: func(t *testing.T) *conformance.Key { … },
//		})
//	}
//
// Every case has an ID, such as HID-I1, and runs as a subtest of that name:
// go test -run 'TestConformance/HID-I1$' runs one. The suite erases the key:
// each case begins with a key in factory state.
//
// # What comes of a case
//
// A case passes, fails, or does not apply, and may leave observations: where
// correct keys differ from each other, the case accepts each outcome that was
// seen in the field and records which one it met. [Run] returns all of it as a
// [Report]. A case does not apply when the fixture can't do what it needs (cut
// the power, script the user, wait long enough) or the key lacks the feature; it
// is then skipped with that reason, and a caller who knows what to expect
// compares Report.NotApplicable.
package conformance
