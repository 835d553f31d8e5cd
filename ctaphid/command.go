package ctaphid

import "fmt"

// A Command is a CTAPHID command as written in the documents: without bit 7,
// which is set on the wire to mark an initialization packet (CTAP 2.3 section
// 11.2.9).
type Command byte

// The commands of CTAP 2.3 section 11.2.9. The codes from CommandVendorFirst
// to CommandVendorLast belong to vendors.
const (
	CommandPing        Command = 0x01 // echoes its data
	CommandMSG         Command = 0x03 // a CTAP1/U2F message
	CommandLock        Command = 0x04 // reserves the device for one channel, 0 to 10 seconds
	CommandInit        Command = 0x06 // allocates or resynchronises a channel
	CommandWink        Command = 0x08 // makes the device show itself
	CommandCBOR        Command = 0x10 // a CTAP2 message
	CommandCancel      Command = 0x11 // ends the CBOR request that is under way
	CommandKeepalive   Command = 0x3b // device to host: the request is still being worked on
	CommandError       Command = 0x3f // device to host: the request failed
	CommandVendorFirst Command = 0x40
	CommandVendorLast  Command = 0x7f
)

var commandNames = map[Command]string{
	CommandPing:      "PING",
	CommandMSG:       "MSG",
	CommandLock:      "LOCK",
	CommandInit:      "INIT",
	CommandWink:      "WINK",
	CommandCBOR:      "CBOR",
	CommandCancel:    "CANCEL",
	CommandKeepalive: "KEEPALIVE",
	CommandError:     "ERROR",
}

// String returns the name that the specification gives the command, "VENDOR
// 0x40" for a vendor's, and the hexadecimal code of an unknown one.
func (c Command) String() string {
	if name, ok := commandNames[c]; ok {
		return name
	}
	if c >= CommandVendorFirst && c <= CommandVendorLast {
		return fmt.Sprintf("VENDOR 0x%02x", byte(c))
	}
	return fmt.Sprintf("command 0x%02x", byte(c))
}

// Capabilities are the flags that a device states in its INIT reply (CTAP 2.3
// section 11.2.9.1.3).
type Capabilities byte

const (
	CapabilityWink Capabilities = 0x01 // the WINK command works
	CapabilityLock Capabilities = 0x02 // the LOCK command works; of U2FHID, no longer used
	CapabilityCBOR Capabilities = 0x04 // the CBOR command works: the device speaks CTAP2
	CapabilityNMSG Capabilities = 0x08 // the MSG command does not work: no CTAP1/U2F
)

// String lists the capabilities, as in "WINK, CBOR"; unknown bits are shown in
// hexadecimal and no bit at all as "none".
func (c Capabilities) String() string {
	if c == 0 {
		return "none"
	}
	s := ""
	add := func(name string) {
		if s != "" {
			s += ", "
		}
		s += name
	}
	for _, f := range []struct {
		bit  Capabilities
		name string
	}{{CapabilityWink, "WINK"}, {CapabilityLock, "LOCK"}, {CapabilityCBOR, "CBOR"}, {CapabilityNMSG, "NMSG"}} {
		if c&f.bit != 0 {
			add(f.name)
			c &^= f.bit
		}
	}
	if c != 0 {
		add(fmt.Sprintf("0x%02x", byte(c)))
	}
	return s
}

// The statuses of a KEEPALIVE (CTAP 2.3 section 11.2.9.1.7). They are plain
// bytes because they cross the message seam; devices may send others.
const (
	StatusProcessing byte = 1 // the device is busy, the user need not act
	StatusUPNeeded   byte = 2 // the device waits for the user: a touch or another gesture
)

// An ErrorCode is what a device gives as the reason in a CTAPHID ERROR message
// (CTAP 2.3 section 11.2.9.1.6). Some share a number with a CTAP2 status, but
// these speak of the transport and those of the authenticator.
type ErrorCode byte

const (
	ErrInvalidCmd     ErrorCode = 0x01 // the command is unknown
	ErrInvalidPar     ErrorCode = 0x02 // a parameter is out of range
	ErrInvalidLen     ErrorCode = 0x03 // the length is wrong for the command or too large
	ErrInvalidSeq     ErrorCode = 0x04 // a packet came out of sequence
	ErrMsgTimeout     ErrorCode = 0x05 // the rest of the message did not come in time
	ErrChannelBusy    ErrorCode = 0x06 // another channel has the device
	ErrLockRequired   ErrorCode = 0x0a // the command needs the channel lock
	ErrInvalidChannel ErrorCode = 0x0b // the channel is not allocated
	ErrOther          ErrorCode = 0x7f // anything else
)

var errorTexts = map[ErrorCode]struct{ name, text string }{
	ErrInvalidCmd:     {"INVALID_CMD", "the key does not know the command"},
	ErrInvalidPar:     {"INVALID_PAR", "a parameter is out of range"},
	ErrInvalidLen:     {"INVALID_LEN", "the message length is wrong for the command or too large for the key"},
	ErrInvalidSeq:     {"INVALID_SEQ", "the key saw packets out of sequence"},
	ErrMsgTimeout:     {"MSG_TIMEOUT", "the key waited too long for the rest of the message"},
	ErrChannelBusy:    {"CHANNEL_BUSY", "another program is using the key; close it or try again"},
	ErrLockRequired:   {"LOCK_REQUIRED", "the command needs the channel lock"},
	ErrInvalidChannel: {"INVALID_CHANNEL", "the key has forgotten the channel"},
	ErrOther:          {"OTHER", "the key gives no reason"},
}

// String returns the name that the specification gives the code, or its
// hexadecimal value.
func (c ErrorCode) String() string {
	if t, ok := errorTexts[c]; ok {
		return t.name
	}
	return fmt.Sprintf("error 0x%02x", byte(c))
}

// Error explains the code; an ErrorCode is an error, so that errors.Is(err,
// ctaphid.ErrChannelBusy) works on whatever wraps it.
func (c ErrorCode) Error() string {
	if t, ok := errorTexts[c]; ok {
		return fmt.Sprintf("CTAPHID %s: %s", t.name, t.text)
	}
	return fmt.Sprintf("CTAPHID error 0x%02x", byte(c))
}
