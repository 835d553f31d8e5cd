package nfctest

import (
	"context"
	"errors"
	"sync"

	"github.com/gofido/fido/nfc"
)

// Transmit sends a command APDU and returns the response APDU: the method of
// [nfc.Card], but for the destination.
type Transmit func(ctx context.Context, apdu []byte) (response []byte, err error)

// A Fault stands between the host and the card: it returns what the host calls in
// place of next, which goes to the card. A Fault is asked once per card; what it
// returns may keep state, and is called by one goroutine at a time.
//
// After an error that is [nfc.ErrGone] the card is gone until it is reset; after
// one that is [ErrVanished], for good.
type Fault func(next Transmit) Transmit

// ErrVanished is a card that does not come back. It is also [nfc.ErrGone].
var ErrVanished error = vanished{}

type vanished struct{}

func (vanished) Error() string   { return "nfctest: the card has vanished" }
func (vanished) Is(e error) bool { return e == nfc.ErrGone }

// faulty is a Card with faults before it.
type faulty struct {
	nfc.Card
	transmit Transmit

	mu   sync.Mutex
	gone error
}

// Faulty returns card behind these faults, which a command passes in the order
// given, and its response in the other. Closing what it returns closes card.
func Faulty(card nfc.Card, faults ...Fault) nfc.Card {
	f := &faulty{Card: card}
	f.transmit = func(ctx context.Context, apdu []byte) ([]byte, error) { return card.Transmit(ctx, nil, apdu) }
	for i := range faults {
		f.transmit = faults[len(faults)-1-i](f.transmit)
	}
	return f
}

func (f *faulty) state() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gone
}

// Transmit implements nfc.Card.
func (f *faulty) Transmit(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	if err := f.state(); err != nil {
		return nil, err
	}
	response, err := f.transmit(ctx, apdu)
	if err != nil {
		f.mu.Lock()
		if f.gone == nil && errors.Is(err, nfc.ErrGone) {
			f.gone = err
		}
		f.mu.Unlock()
		return nil, err
	}
	return append(dst, response...), nil
}

// Begin implements nfc.Card.
func (f *faulty) Begin(ctx context.Context) error {
	if err := f.state(); err != nil {
		return err
	}
	return f.Card.Begin(ctx)
}

// Reset implements nfc.Card.
func (f *faulty) Reset(ctx context.Context) error {
	if err := f.state(); errors.Is(err, ErrVanished) {
		<-ctx.Done()
		return nfc.ContextError(ctx)
	}
	err := f.Card.Reset(ctx)
	if err == nil {
		f.mu.Lock()
		f.gone = nil
		f.mu.Unlock()
	}
	return err
}
