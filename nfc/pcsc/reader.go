package pcsc

import (
	"bytes"
	"context"
	"errors"
)

// A Reader is a card reader that is plugged in, or a key that shows itself as
// one.
type Reader struct {
	Name string // as Open takes it

	Card      bool   // a card is there
	ATR       []byte // what the card answered to a reset; nil if there is none, or it is mute
	Exclusive bool   // another program has the card for itself

	events uint32 // counts what happened at the reader
}

// Contactless reports whether the card is held to the reader, not put into it:
// its ATR is the one that readers make up for such cards (PC/SC part 3 section
// 3.1.3.2.3).
func (r *Reader) Contactless() bool { return contactless(r.ATR) }

func contactless(atr []byte) bool {
	return len(atr) > 4 && atr[0] == 0x3b && atr[1]&0xf0 == 0x80 && bytes.Equal(atr[2:4], []byte{0x80, 0x01})
}

// List returns the readers in the order in which the service has them; none is
// no error. [NoService] says that nothing can be known.
func List(ctx context.Context) ([]Reader, error) {
	s, err := connect(ctx)
	if err != nil {
		return nil, &OpError{"list readers", "", err}
	}
	defer s.close()
	readers, err := s.readers(ctx)
	if errors.Is(err, NoReaders) {
		return nil, nil
	}
	if err != nil {
		return nil, &OpError{"list readers", "", err}
	}
	return readers, nil
}

// service is a connection to the smart-card service: the pcscd socket or the
// system's library. One goroutine uses it at a time.
type service interface {
	// readers returns all readers.
	readers(ctx context.Context) ([]Reader, error)

	// wait returns when something may have happened since known was returned.
	wait(ctx context.Context, known []Reader) error

	// open connects to the card in a reader. The handle owns the service.
	open(ctx context.Context, reader string, exclusive bool) (handle, error)

	close() error
}

// handle is a connection to a card. One goroutine uses it at a time; close may
// come from another.
type handle interface {
	transmit(ctx context.Context, dst, apdu []byte) ([]byte, error)
	begin(ctx context.Context) error
	end(ctx context.Context) error
	// reconnect ends what another program's reset of the card has begun; with
	// reset it resets the card itself.
	reconnect(ctx context.Context, reset bool) error
	control(ctx context.Context, code uint32, in []byte) ([]byte, error)
	attribute(ctx context.Context, id uint32) ([]byte, error)
	atr(ctx context.Context) ([]byte, error)
	// t0 reports whether the card speaks T=0, which has no command with both data
	// and Le.
	t0() bool
	close() error
}
