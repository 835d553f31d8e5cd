package iso7816

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A Form is how the lengths of a command are written (ISO/IEC 7816-4 section
// 5.1). It matters to the answer too: a card cuts what does not fit the Le of a
// short command into parts, and GET RESPONSE fetches the rest.
type Form uint8

const (
	Short    Form = iota // one byte each: up to 255 bytes of data and 256 of response
	Extended             // two bytes each, after a zero: up to 65,535 and 65,536
)

// String returns "short" or "extended".
func (f Form) String() string {
	switch f {
	case Short:
		return "short"
	case Extended:
		return "extended"
	}
	return fmt.Sprintf("form %d", uint8(f))
}

// MaxData returns the most bytes of data in a command of this form.
func (f Form) MaxData() int {
	if f == Extended {
		return 65535
	}
	return 255
}

// MaxNe returns the most bytes of response that a command of this form can ask
// for.
func (f Form) MaxNe() int { return f.MaxData() + 1 }

// HeaderSize is the size of CLA, INS, P1 and P2 in bytes: a command is never
// shorter.
const HeaderSize = 4

// The parts of a header that ISO/IEC 7816-4 gives a meaning and this module
// uses. CLAChain is a bit in CLA that announces further segments of the same
// command (section 5.3.3).
const (
	CLAChain       byte = 0x10
	INSSelect      byte = 0xa4 // SELECT: choose an application
	INSGetResponse byte = 0xc0 // GET RESPONSE: fetch what a 61xx announces
)

// A Command is a command APDU.
type Command struct {
	CLA, INS, P1, P2 byte // class, instruction and its parameters

	// Data is up to Form.MaxData bytes. In a parsed command it refers to the
	// memory of what was parsed, and is nil if there is none.
	Data []byte

	// Ne is the most bytes of response data that are expected, the value of Le:
	// 0 for none, up to Form.MaxNe.
	Ne int

	// Form is Short for a parsed command of case 1, which has no lengths.
	Form Form
}

// Size returns the size of the encoded command in bytes.
func (c Command) Size() int {
	n := HeaderSize
	wide := 1
	if c.Form == Extended {
		wide = 2
		if len(c.Data) > 0 || c.Ne > 0 {
			n++ // the zero, once
		}
	}
	if len(c.Data) > 0 {
		n += wide + len(c.Data)
	}
	if c.Ne > 0 {
		n += wide
	}
	return n
}

// Append appends the encoded command to dst. The error is a *[RangeError] if
// Data or Ne does not fit the form.
func (c Command) Append(dst []byte) ([]byte, error) {
	if c.Form > Extended {
		return nil, &RangeError{"Form", int(c.Form), int(Extended), c.Form}
	}
	if len(c.Data) > c.Form.MaxData() {
		return nil, &RangeError{"Data", len(c.Data), c.Form.MaxData(), c.Form}
	}
	if c.Ne < 0 || c.Ne > c.Form.MaxNe() {
		return nil, &RangeError{"Ne", c.Ne, c.Form.MaxNe(), c.Form}
	}
	dst = slices.Grow(dst, c.Size())
	dst = append(dst, c.CLA, c.INS, c.P1, c.P2)
	extended := c.Form == Extended
	if extended && (len(c.Data) > 0 || c.Ne > 0) {
		dst = append(dst, 0)
	}
	if len(c.Data) > 0 {
		dst = appendLength(dst, len(c.Data), extended)
		dst = append(dst, c.Data...)
	}
	if c.Ne > 0 {
		dst = appendLength(dst, c.Ne, extended) // the most is written as zero
	}
	return dst, nil
}

func appendLength(dst []byte, n int, extended bool) []byte {
	if extended {
		dst = append(dst, byte(n>>8))
	}
	return append(dst, byte(n))
}

// String shows the header and the lengths, and nothing of the data, which may
// be a secret: "00 a4 04 00, 8 bytes, Ne 256, short".
func (c Command) String() string {
	return fmt.Sprintf("%02x %02x %02x %02x, %d bytes, Ne %d, %v", c.CLA, c.INS, c.P1, c.P2, len(c.Data), c.Ne, c.Form)
}

// Parse decodes a command APDU, which must be all of b. What it accepts comes
// back from Append byte for byte. The error is a *[SyntaxError].
func Parse(b []byte) (Command, error) {
	c, zeroLc, err := ParseLenient(b)
	if err == nil && zeroLc {
		return Command{}, &SyntaxError{Problem: ZeroLc, Len: len(b)}
	}
	return c, err
}

// ParseLenient is [Parse] for what hosts really send: it forgives an Lc of zero
// where there is no data, which must be left out, before an Le. U2F hosts on USB
// write VERSION that way, as 000300000000000000. zeroLc says that it was there.
func ParseLenient(b []byte) (c Command, zeroLc bool, err error) {
	bad := func(p Problem) (Command, bool, error) {
		return Command{}, false, &SyntaxError{Problem: p, Len: len(b)}
	}
	if len(b) < HeaderSize {
		return bad(NoHeader)
	}
	c = Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3]}
	rest := b[HeaderSize:]
	switch len(rest) {
	case 0:
		return c, false, nil // case 1
	case 1:
		c.Ne = lengthOrMax(int(rest[0]), Short)
		return c, false, nil // case 2, short
	}

	wide := 1 // the size of Lc, and of Le after it
	lc := int(rest[0])
	if lc == 0 && len(rest) > 2 {
		c.Form, wide = Extended, 2
		lc = int(binary.BigEndian.Uint16(rest[1:]))
		rest = rest[1:]
		if len(rest) == 2 {
			c.Ne = lengthOrMax(lc, Extended) // it was Le
			return c, false, nil             // case 2, extended
		}
	}
	rest = rest[wide:]
	if lc > 0 {
		if len(rest) < lc {
			return bad(DataTooShort)
		}
		c.Data, rest = rest[:lc:lc], rest[lc:]
	}
	switch {
	case len(rest) == wide:
		le := int(rest[0])
		if wide == 2 {
			le = int(binary.BigEndian.Uint16(rest))
		}
		c.Ne = lengthOrMax(le, c.Form) // case 4, or 2 with an Lc of zero
	case lc == 0:
		return bad(ZeroLc)
	case len(rest) > 0:
		return bad(DataTooLong)
	}
	return c, lc == 0, nil
}

// lengthOrMax returns what a value of Le means.
func lengthOrMax(le int, f Form) int {
	if le == 0 {
		return f.MaxNe()
	}
	return le
}
