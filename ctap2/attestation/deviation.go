package attestation

import "strconv"

// Deviation is a way in which an attestation departs from a specification although it can be verified. Real keys show
// some; a relying party that wants none refuses a [Result] that lists any.
type Deviation uint8

const (
	// NotCanonical: the statement is not in the canonical form of CTAP 2.3 section 8.
	NotCanonical Deviation = iota + 1
	// UnknownMember: the statement has members that its format does not define.
	UnknownMember
	// AAGUIDNotZero: the AAGUID beside a fido-u2f statement is not zero. U2F keys have none, and CTAP's mapping
	// of their registrations writes zeros, but the verification procedure of WebAuthn does not look at it, and neither
	// does the test vector in its appendix keep to it.
	AAGUIDNotZero
)

// String describes the deviation.
func (d Deviation) String() string {
	switch d {
	case NotCanonical:
		return "the statement is not canonical CBOR"
	case UnknownMember:
		return "the statement has members that its format does not define"
	case AAGUIDNotZero:
		return "the AAGUID beside a fido-u2f statement is not zero"
	}
	return "deviation " + strconv.Itoa(int(d))
}
