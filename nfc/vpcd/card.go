package vpcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofido/fido/nfc"
)

// A Card is a simulator at the other end of the wire: an nfc.Card. Its errors
// are those that nfc.Card names.
type Card struct {
	link   *link
	once   sync.Once
	closed atomic.Bool // by Close, not because the wire was cut

	owed int // answers that have not come yet

	mu  sync.Mutex // guards atr, and is not held while something is waited for
	atr []byte
}

var _ nfc.Card = (*Card)(nil)

// Dial connects to a simulator that waits for a reader at addr, as [Connect]
// takes it, and gives it power.
func Dial(ctx context.Context, addr string) (*Card, error) {
	addr, err := complete(addr)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("vpcd: no card waits for a reader at %s: %w", addr, err)
	}
	return NewCard(ctx, conn)
}

// Listen waits at addr, as [Connect] takes it, for a simulator that looks for a
// reader, and gives the first one power. An empty addr is where simulators look.
func Listen(ctx context.Context, addr string) (*Card, error) {
	addr, err := complete(addr)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("vpcd: %w", err)
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	conn, err := l.Accept()
	if err != nil {
		if ctx.Err() != nil {
			err = nfc.ContextError(ctx)
		}
		return nil, fmt.Errorf("vpcd: no card came to %s: %w", addr, err)
	}
	return NewCard(ctx, conn)
}

// NewCard returns the card at the other end of conn, with power. It owns conn
// even if it fails.
func NewCard(ctx context.Context, conn net.Conn) (*Card, error) {
	c := &Card{link: &link{conn: conn}}
	if err := c.Reset(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Transmit implements nfc.Card.
func (c *Card) Transmit(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	if len(apdu) > MaxMessage {
		return nil, nfc.ErrNotSent
	}
	if c.owed > 0 {
		return nil, nfc.ErrReset // the answer would be that to an earlier command
	}
	return c.ask(ctx, dst, apdu)
}

// ask sends a message and waits for the answer.
func (c *Card) ask(ctx context.Context, dst, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, nfc.ContextError(ctx)
	}
	defer c.until(ctx)()
	if err := c.link.send(message); err != nil {
		return nil, c.failed(ctx, err)
	}
	c.owed++
	b, err := c.link.receive(dst)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	c.owed--
	return b, nil
}

// until has what is read or written fail when ctx ends. The function that it
// returns ends that.
func (c *Card) until(ctx context.Context) func() {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.link.conn.SetDeadline(time.Unix(1, 0))
		close(done)
	})
	return func() {
		if !stop() {
			<-done // so that the deadline does not come late
			c.link.conn.SetDeadline(time.Time{})
		}
	}
}

// failed turns an error of the connection into one of nfc.Card.
func (c *Card) failed(ctx context.Context, err error) error {
	switch {
	case c.closed.Load():
		return os.ErrClosed
	case ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded):
		return nfc.ContextError(ctx)
	}
	return fmt.Errorf("%w: %w", nfc.ErrGone, err)
}

// Begin implements nfc.Card. Nobody else is at this reader.
func (c *Card) Begin(context.Context) error { return nil }

// End implements nfc.Card.
func (c *Card) End() error { return nil }

// Reset implements nfc.Card: it takes the power and gives it back. A simulator
// that still owes an answer has until ctx ends to give it; one that has hung up
// does not come back.
func (c *Card) Reset(ctx context.Context) error {
	defer c.until(ctx)()
	for _, m := range []byte{powerOff, powerOn} {
		if err := c.link.send([]byte{m}); err != nil {
			return c.failed(ctx, err)
		}
	}
	for ; c.owed > 0; c.owed-- {
		if _, err := c.link.receive(nil); err != nil {
			return c.failed(ctx, err)
		}
	}
	atr, err := c.ask(ctx, nil, []byte{getATR})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.atr = atr
	return nil
}

// Info implements nfc.Card.
func (c *Card) Info() (atr []byte, maxCommand int, contactless bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte(nil), c.atr...), MaxMessage, true
}

// Close implements nfc.Card: it takes the power, since nobody else has the card,
// and hangs up.
func (c *Card) Close() (err error) {
	c.once.Do(func() {
		c.closed.Store(true)
		c.link.conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		(&link{conn: c.link.conn}).send([]byte{powerOff})
		err = c.link.conn.Close()
	})
	return err
}
