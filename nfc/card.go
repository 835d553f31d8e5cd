package nfc

import "context"

// A Card is the card seam: a smart card, or a key that is held to a reader, to
// which one APDU at a time is sent. A [Conn] uses it from one goroutine at a
// time; Close may come from another and ends what is pending.
//
// Errors are [ErrGone] when the card is not there any more; [ErrReset] when it
// has been reset, or was taken away and is there again, since the last call, and
// nothing was sent; and [ErrNotSent] when the reader refuses the command.
// errors.Is finds them in what a backend says. After the first two only Reset and
// Close make sense.
type Card interface {
	// Transmit sends a command APDU and appends the response APDU, of at least
	// two bytes, to dst. When ctx ends before the response has come, it fails with
	// the context's error, and then the card answers nothing sensible until
	// Reset.
	Transmit(ctx context.Context, dst, apdu []byte) ([]byte, error)

	// Begin keeps other programs from the card until End. It waits for them until
	// ctx ends. Calls are not nested.
	Begin(ctx context.Context) error
	End() error

	// Reset connects to the card again, which is as if it came out of the field
	// and in again: no application is selected, and the transaction has ended. It
	// waits for a card until ctx ends, and for other programs that use it, which
	// makes its error [ErrBusy] besides the context's.
	Reset(ctx context.Context) error

	// Info returns what is known of the card and its reader: the ATR, nil if
	// there is none; the longest command APDU in bytes that the reader takes, 0
	// if it does not tell; and whether the card is held to the reader, not put
	// into it, so that users can be told what to do.
	Info() (atr []byte, maxCommand int, contactless bool)

	// Close lets go of the card and leaves it as it is, powered. Calls after the
	// first return nil.
	Close() error
}
