package u2f

import (
	"errors"
	"fmt"

	"github.com/gofido/fido/nfc/iso7816"
)

var (
	// ErrKeyHandleLength says that a key handle can't be encoded: it has more
	// than [MaxKeyHandleLength] bytes, or, in a [RegisterResponse], none.
	ErrKeyHandleLength = errors.New("a key handle has 1 to 255 bytes")

	// ErrSignature says that a signature does not belong to the key and to
	// what it should have signed.
	ErrSignature = errors.New("u2f: the signature does not verify")

	// ErrUnknownKeyHandle says that the key has not made the key handle, or
	// made it for another application.
	ErrUnknownKeyHandle = errors.New("the key handle is not this key's, or for another application")

	// ErrSwitchedOff says that the key does not speak U2F at present: it
	// always verifies the user (alwaysUv), which U2F can't.
	ErrSwitchedOff = errors.New("U2F is switched off on this key; use FIDO2, or switch off alwaysUv")
)

func keyHandleError(n int) error {
	return fmt.Errorf("u2f: key handle of %d bytes: %w", n, ErrKeyHandleLength)
}

// An OpError says which command failed, and why. errors.Is finds the status
// word, [ErrUnknownKeyHandle] and [ErrSwitchedOff] in it.
type OpError struct {
	INS INS

	// Err is the iso7816.StatusWord that the key answered with, a
	// *[ReplyError] or *iso7816.SyntaxError when its reply makes no sense, or
	// the error of the Transport or the context.
	Err error
}

// Error names the command and what is wrong.
func (e *OpError) Error() string {
	if meaning := e.meaning(); meaning != "" {
		return fmt.Sprintf("u2f: %v: %s (%v)", e.INS, meaning, e.Err)
	}
	return fmt.Sprintf("u2f: %v: %v", e.INS, e.Err)
}

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// Is reports whether target is what Err means as a status word:
// [ErrUnknownKeyHandle] or [ErrSwitchedOff].
func (e *OpError) Is(target error) bool { return target == e.sentinel() && target != nil }

func (e *OpError) sentinel() error {
	sw, ok := e.Err.(iso7816.StatusWord)
	switch {
	case !ok:
		return nil
	case sw == iso7816.SWCommandNotAllowed:
		return ErrSwitchedOff
	case e.INS == INSAuthenticate && (sw == iso7816.SWWrongData || sw == iso7816.SWWrongLength):
		// Some keys find a key handle of another length than theirs to be a
		// wrong length.
		return ErrUnknownKeyHandle
	}
	return nil
}

// meaning returns what a status word means in U2F, or nothing if that is what it
// means everywhere.
func (e *OpError) meaning() string {
	if err := e.sentinel(); err != nil {
		return err.Error()
	}
	switch e.Err {
	case iso7816.SWConditionsOfUseNotSatisfied:
		return "the key wants to be touched"
	case iso7816.SWInstructionNotSupported, iso7816.SWClassNotSupported:
		return "the key does not speak U2F, or not this command"
	}
	return ""
}

// A ReplyError is a successful reply that can't be decoded.
type ReplyError struct {
	Raw     []byte // the reply without its status word
	Problem string
}

// Error says what is wrong with the reply.
func (e *ReplyError) Error() string { return "the key's reply makes no sense: " + e.Problem }
