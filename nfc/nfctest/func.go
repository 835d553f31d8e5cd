package nfctest

import (
	"context"
	"os"
	"sync"

	"github.com/gofido/fido/nfc"
)

// A Func is a Card whose answers come from functions. Its fields must not change
// once it is in use.
type Func struct {
	// Answer returns the response APDU to a command APDU, or an error that
	// [nfc.Card] names. apdu is valid during the call only. ctx ends with that of
	// Transmit, and when the card is closed.
	Answer func(ctx context.Context, apdu []byte) (response []byte, err error)

	// OnReset is called by Reset. nil: it succeeds.
	OnReset func(ctx context.Context) error

	// What Info returns. A Func is held to the reader unless Contact is true.
	ATR        []byte
	MaxCommand int
	Contact    bool

	once    sync.Once
	closing context.Context
	closed  context.CancelFunc
}

var _ nfc.Card = (*Func)(nil)

func (f *Func) init() {
	f.once.Do(func() { f.closing, f.closed = context.WithCancel(context.Background()) })
}

// until returns a context that ends with ctx and with the card.
func (f *Func) until(ctx context.Context) (context.Context, func()) {
	f.init()
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(f.closing, func() { cancel(os.ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// check says why ctx has ended, if so.
func check(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case context.Cause(ctx) == os.ErrClosed:
		return os.ErrClosed
	}
	return nfc.ContextError(ctx)
}

// Transmit implements nfc.Card.
func (f *Func) Transmit(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	ctx, done := f.until(ctx)
	defer done()
	if err := f.state(ctx); err != nil {
		return nil, err
	}
	response, err := f.Answer(ctx, apdu)
	if err != nil {
		if late := check(ctx); late != nil {
			err = late
		}
		return nil, err
	}
	return append(dst, response...), nil
}

// state is check, and knows of a card that was closed just now.
func (f *Func) state(ctx context.Context) error {
	if f.closing.Err() != nil {
		return os.ErrClosed
	}
	return check(ctx)
}

// Begin implements nfc.Card. Nobody else has the card.
func (f *Func) Begin(ctx context.Context) error {
	ctx, done := f.until(ctx)
	defer done()
	return f.state(ctx)
}

// End implements nfc.Card.
func (f *Func) End() error { return nil }

// Reset implements nfc.Card.
func (f *Func) Reset(ctx context.Context) error {
	ctx, done := f.until(ctx)
	defer done()
	if err := f.state(ctx); err != nil || f.OnReset == nil {
		return err
	}
	return f.OnReset(ctx)
}

// Info implements nfc.Card.
func (f *Func) Info() (atr []byte, maxCommand int, contactless bool) {
	return f.ATR, f.MaxCommand, !f.Contact
}

// Close implements nfc.Card.
func (f *Func) Close() error {
	f.init()
	f.closed()
	return nil
}
