package nfc

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gofido/fido/internal/ctxerr"
	"github.com/gofido/fido/nfc/iso7816"
)

// ErrGone says that the card is no longer at the reader, or the reader no longer
// at the machine. Errors of every backend are ErrGone in that case.
var ErrGone = errors.New("the key is not at the reader any more: hold it there until the end and try again")

// ErrReset says that the card lost power, or was reset by another program, and
// has forgotten what it was doing. A [Conn] that finds the card there again
// selects the application again, and repeats a request that can't depend on
// what was forgotten. Others fail with ErrReset, and the next call works.
var ErrReset error = powerLost{}

type powerLost struct{}

func (powerLost) Error() string {
	return "the key lost power in between and has forgotten where it was: try again"
}

// PowerLost lets those above, who don't know this package, begin again with what
// the card has forgotten.
func (powerLost) PowerLost() bool { return true }

// ErrBusy says that another program uses the card. A [Conn] that has to reset a
// card waits for such a program as long as its context lets it, unlike for a card
// that has gone away.
var ErrBusy = errors.New("another program uses the card: wait until it is done, or close it")

// ErrNotSent says that the reader did not pass a command on to the card, because
// it is too long for it or in a form that it does not know. A [Conn] then goes
// on without APDUs of the extended form. A reader that says the same when it has
// lost the card makes an error that is ErrGone too: a Conn believes the former
// until an APDU of the extended form has been answered.
var ErrNotSent = errors.New("the reader does not take a command of this length")

// ErrNoApplet says that the card is no security key, or does not offer FIDO over
// this interface.
var ErrNoApplet = errors.New("the card has no FIDO application; a key may offer it over USB or NFC alone")

// ErrUnfinished says that the key still worked on the request after
// [Config.Overall], or still waited for the user. Like all time-outs it is also
// context.DeadlineExceeded and os.ErrDeadlineExceeded to errors.Is.
var ErrUnfinished error = unfinished{}

type unfinished struct{}

func (unfinished) Error() string {
	return "the key did not finish in time; was it waiting for the user?"
}
func (unfinished) Timeout() bool { return true }
func (unfinished) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}

// ContextError returns why ctx has ended: its error, and its cause if it was
// given one. It is for the implementations of [Card], too.
func ContextError(ctx context.Context) error { return ctxerr.Of(ctx) }

// An OpError says which operation failed. Err is one of
//
//   - *[StatusError], when the card answered with a status word that ends it;
//   - *[ProtocolError], when what it sent breaks the protocol;
//   - [ErrGone], [ErrReset], [ErrNoApplet], os.ErrClosed, or what the Card says;
//   - context.Canceled or context.DeadlineExceeded and the context's cause, when
//     the caller's context ended;
//   - [ErrUnfinished], when the limit of [Config] was reached.
type OpError struct {
	Op  string // "SELECT", "CBOR", "MSG"
	Err error
}

func (e *OpError) Error() string { return "nfc: " + e.Op + " failed: " + e.Err.Error() }

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the operation ended because time ran out.
func (e *OpError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// A StatusError is a status word that says that the card did not carry out a
// command.
type StatusError struct {
	SW      iso7816.StatusWord
	Command string // the header and the lengths
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the card answers %s to %s", e.SW.Error(), e.Command)
}

// Unwrap returns the status word.
func (e *StatusError) Unwrap() error { return e.SW }

// A ProtocolError is an answer that no correct card gives.
type ProtocolError struct {
	Problem  string
	Response []byte // the response APDU, its first 16 bytes
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("the card broke the protocol: %s (response %x): hold the key still and try again", e.Problem, e.Response)
}

func protocolError(response []byte, format string, a ...any) error {
	n := min(len(response), 16)
	return &ProtocolError{fmt.Sprintf(format, a...), append([]byte(nil), response[:n]...)}
}
