package u2f

import "fmt"

// An INS is the instruction byte of a U2F command (U2F Raw Message Formats
// section 3). Those from INSVendorFirst to INSVendorLast belong to vendors.
type INS byte

const (
	INSRegister     INS = 0x01
	INSAuthenticate INS = 0x02
	INSVersion      INS = 0x03
	INSVendorFirst  INS = 0x40
	INSVendorLast   INS = 0xbf
)

// String returns the specification's name, or the code in hexadecimal.
func (i INS) String() string {
	switch i {
	case INSRegister:
		return "U2F_REGISTER"
	case INSAuthenticate:
		return "U2F_AUTHENTICATE"
	case INSVersion:
		return "U2F_VERSION"
	}
	return fmt.Sprintf("U2F command 0x%02x", byte(i))
}

// A Control is the control byte of AUTHENTICATE, its P1 (U2F Raw Message
// Formats section 5.1).
type Control byte

const (
	// EnforceUserPresence signs if the user touches the key.
	EnforceUserPresence Control = 0x03

	// CheckOnly asks whether the key handle is this key's and for this
	// application, and never signs. The answer yes is the status word 6985.
	CheckOnly Control = 0x07

	// DontEnforceUserPresence signs without a touch, and the response says so.
	// Keys older than U2F 1.2 don't know it.
	DontEnforceUserPresence Control = 0x08
)

// String returns the specification's name, or the code in hexadecimal.
func (c Control) String() string {
	switch c {
	case EnforceUserPresence:
		return "enforce-user-presence-and-sign"
	case CheckOnly:
		return "check-only"
	case DontEnforceUserPresence:
		return "dont-enforce-user-presence-and-sign"
	}
	return fmt.Sprintf("control 0x%02x", byte(c))
}

// MaxKeyHandleLength is the most bytes of a key handle: its length is one byte.
const MaxKeyHandleLength = 255

// Version2 is what every key of this protocol answers to VERSION (U2F Raw
// Message Formats section 6.1), and to SELECT over NFC.
const Version2 = "U2F_V2"
