package cbor

import (
	"errors"
	"fmt"
	"io"
)

// ErrLimit is what a *SyntaxError wraps when an item is well-formed as far as it was read, but goes beyond a hard
// bound of this package: 16 nested arrays and maps, or MaxElements in one of them.
var ErrLimit = errors.New("beyond a bound of this package")

// SyntaxError reports bytes that are not one well-formed item (RFC 8949 section 5.3.1), or that go beyond a hard
// bound. It wraps io.ErrUnexpectedEOF if the item is cut short, and ErrLimit if a bound is broken.
type SyntaxError struct {
	Offset int // in bytes, of the item at fault; if the item is cut short, the length of the data
	Err    error
}

// Error says what is wrong and where.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("cbor: malformed at byte %d: %v", e.Offset, e.Err)
}

// Unwrap returns what is wrong.
func (e *SyntaxError) Unwrap() error { return e.Err }

// DeviationError is the refusal of a well-formed item that is not in canonical form. An authenticator answers
// CTAP2_ERR_INVALID_CBOR (0x12) to it.
type DeviationError struct {
	Deviation // the first one
}

// Error says what is not canonical and where.
func (e *DeviationError) Error() string { return "cbor: not canonical: " + e.Deviation.String() }

// TypeError reports an item that does not fit the Go value it was to be decoded into: another type, an integer that
// overflows, a byte string of another length than the Go array. An authenticator answers
// CTAP2_ERR_CBOR_UNEXPECTED_TYPE (0x11) to it.
type TypeError struct {
	Offset int    // of the item, in bytes
	Field  string // path to the Go value, such as "User.ID" or "Options[rk]"; "" is the value passed by the caller
	Item   string // what came, such as "text string" or "null"
	Go     string // the Go type it does not fit, such as "uint8"
}

// Error says which item does not fit what.
func (e *TypeError) Error() string {
	where := ""
	if e.Field != "" {
		where = e.Field + ": "
	}
	return fmt.Sprintf("cbor: %s%s at byte %d does not fit %s", where, e.Item, e.Offset, e.Go)
}

// fault is why a scanner stopped. It becomes an error only at the end, so that the walk itself allocates nothing.
type fault uint8

const (
	faultNone fault = iota
	faultDeviation
	faultTruncated
	faultReserved
	faultBreak
	faultSimple
	faultChunk
	faultDepth
	faultCount
)

// faultErrors holds what a *SyntaxError wraps for each fault.
var faultErrors = [...]error{
	faultTruncated: io.ErrUnexpectedEOF,
	faultReserved:  errors.New("reserved additional information"),
	faultBreak:     errors.New("break code outside an item of indefinite length"),
	faultSimple:    errors.New("simple value below 32 in two bytes"),
	faultChunk:     errors.New("piece of an indefinite-length string is not a definite-length string of the same type"),
	faultDepth:     fmt.Errorf("more than %d nested arrays and maps: %w", maxLenientDepth, ErrLimit),
	faultCount:     fmt.Errorf("more than %d elements: %w", MaxElements, ErrLimit),
}
