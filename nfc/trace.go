package nfc

import (
	"fmt"

	"github.com/gofido/fido/nfc/iso7816"
)

// A TraceEvent is one APDU on its way.
type TraceEvent struct {
	// Sent is true for a command, false for a response.
	Sent bool

	// APDU is valid during the call only. It is not redacted: it carries
	// whatever the messages carry.
	APDU []byte
}

// String gives the direction (> sent, < received) and the meaning of the APDU,
// without its data, as in "> NFCCTAP_MSG: 80 10 80 00, 23 bytes, Ne 256, short".
func (e TraceEvent) String() string {
	if !e.Sent {
		r, err := iso7816.ParseResponse(e.APDU)
		if err != nil {
			return "< malformed APDU"
		}
		return fmt.Sprintf("< %d bytes, %v", len(r.Data), r.SW)
	}
	c, _, err := iso7816.ParseLenient(e.APDU)
	if err != nil {
		return "> malformed APDU"
	}
	return fmt.Sprintf("> %s: %v", commandName(c.CLA, c.INS), c)
}
