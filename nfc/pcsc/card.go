package pcsc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
)

// Options say how [Open] goes about it. The zero value, and nil, are good for
// most programs.
type Options struct {
	// Exclusive keeps other programs from the card until Close. Otherwise they
	// share it, and are kept out for the time of each call or sequence.
	Exclusive bool

	// Wait waits for a card until the context ends if there is none yet.
	Wait bool
}

// A Card is a card in a reader: an nfc.Card. Its errors are *[OpError].
type Card struct {
	reader string
	opts   Options

	mu     sync.Mutex // guards what follows
	h      handle     // nil after it was given up
	begun  bool       // h has a transaction, as far as the service is known to know
	met    bool       // there was a connection to a card
	closed bool

	atr        []byte
	maxCommand int
}

var _ nfc.Card = (*Card)(nil)

// Open connects to the card in a reader.
func Open(ctx context.Context, reader string, o *Options) (*Card, error) {
	c := &Card{reader: reader}
	if o != nil {
		c.opts = *o
	}
	var err error
	if c.opts.Wait {
		err = c.Reset(ctx)
	} else {
		err = c.connect(ctx)
	}
	if err != nil {
		return nil, c.fails("connect", err)
	}
	return c, nil
}

// Reader returns the reader's name.
func (c *Card) Reader() string { return c.reader }

func (c *Card) fails(op string, err error) error {
	if _, ok := errors.AsType[*OpError](err); ok || err == nil {
		return err
	}
	return &OpError{op, c.reader, err}
}

// connect makes a new connection to the card.
func (c *Card) connect(ctx context.Context) error {
	s, err := connect(ctx)
	if err != nil {
		return err
	}
	h, err := s.open(ctx, c.reader, c.opts.Exclusive)
	if err != nil {
		s.close()
		return err
	}
	atr, err := h.atr(ctx)
	if err != nil {
		h.close()
		return err
	}
	longest := longestCommand(ctx, h)
	if ctx.Err() != nil { // it may still owe an answer to that
		h.close()
		return nfc.ContextError(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		h.close()
		return os.ErrClosed
	}
	c.h, c.begun, c.met, c.atr, c.maxCommand = h, false, true, atr, longest
	return nil
}

// use returns the connection, or why there is none.
func (c *Card) use() (handle, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, os.ErrClosed
	case c.h == nil:
		return nil, nfc.ErrReset
	}
	return c.h, nil
}

// giveUp closes a connection that waits for an answer that nobody wants any more.
func (c *Card) giveUp(h handle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.h == h {
		c.h = nil
	}
	h.close()
}

// Transmit implements nfc.Card.
func (c *Card) Transmit(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	h, err := c.use()
	if err != nil {
		return nil, c.fails("transmit", err)
	}
	if h.t0() {
		apdu = withoutLe(apdu)
	}
	out, err := h.transmit(ctx, dst, apdu)
	if err == nil && len(out)-len(dst) < 2 {
		err = CommError // less than a status word: what was left when the card went
	}
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		c.giveUp(h)
	}
	if cmd, _, bad := iso7816.ParseLenient(apdu); errors.Is(err, NotTransacted) && bad == nil && cmd.Form == iso7816.Extended {
		// Readers that take short commands alone have no better way to say so.
		err = fmt.Errorf("%w: %w", nfc.ErrNotSent, err)
	}
	return nil, c.fails("transmit", err)
}

// withoutLe leaves out the Le of a command of the short form that has data: T=0
// can't say both (ISO/IEC 7816-3 section 12.2.5). The card answers 61xx.
func withoutLe(apdu []byte) []byte {
	cmd, _, err := iso7816.ParseLenient(apdu)
	if err == nil && cmd.Form == iso7816.Short && len(cmd.Data) > 0 && cmd.Ne > 0 {
		return apdu[:len(apdu)-1]
	}
	return apdu
}

// Begin implements nfc.Card.
func (c *Card) Begin(ctx context.Context) error {
	h, err := c.use()
	if err == nil {
		if err = h.begin(ctx); err == nil {
			c.setBegun(true)
		} else if ctx.Err() != nil {
			c.giveUp(h)
		}
	}
	return c.fails("begin a transaction", err)
}

func (c *Card) inTransaction() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begun
}

func (c *Card) setBegun(begun bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = begun
}

// endTime is how long the end of a transaction may take.
const endTime = time.Second

// End implements nfc.Card.
func (c *Card) End() error {
	h, err := c.use()
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), endTime)
		defer cancel()
		if err = h.end(ctx); err == nil {
			c.setBegun(false)
		} else if ctx.Err() != nil {
			c.giveUp(h)
		}
	}
	return c.fails("end a transaction", err)
}

// Reset implements nfc.Card.
func (c *Card) Reset(ctx context.Context) error {
	h, err := c.use()
	switch {
	case err == nil:
		if err = h.reconnect(ctx, true); err == nil {
			// The service counts transactions, and neither the reset ends one nor
			// an End that it refused because the card had been reset.
			if c.inTransaction() {
				c.End()
			}
			return nil
		}
		if errors.Is(err, SharingViolation) {
			return c.fails("reset", err) // the card is there, and so is the connection
		}
		c.giveUp(h)
	case !errors.Is(err, nfc.ErrReset):
		return c.fails("reset", err)
	}
	return c.fails("reset", c.awaitService(ctx))
}

// serviceAgain is how soon a service that has stopped is looked for again.
const serviceAgain = 50 * time.Millisecond

// awaitService is await, and waits for a service that has stopped, too: it may be
// restarted. One that has never been there is not waited for.
func (c *Card) awaitService(ctx context.Context) error {
	for {
		err := c.await(ctx)
		if !c.hasMet() || !errors.Is(err, NoService) && !errors.Is(err, ServiceStopped) {
			return err
		}
		select {
		case <-time.After(serviceAgain):
		case <-ctx.Done():
			return err
		}
	}
}

func (c *Card) hasMet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.met && !c.closed
}

// await connects to the card as soon as there is one.
func (c *Card) await(ctx context.Context) error {
	w, err := Watch(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	for {
		e, err := w.Next(ctx)
		if err != nil {
			return err
		}
		if e.Kind != CardArrived || e.Reader.Name != c.reader {
			continue
		}
		if err := c.connect(ctx); !errors.Is(err, nfc.ErrGone) {
			return err
		}
	}
}

// Info implements nfc.Card.
func (c *Card) Info() (atr []byte, maxCommand int, held bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.atr, c.maxCommand, contactless(c.atr)
}

// Close implements nfc.Card.
func (c *Card) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	if c.h != nil {
		return c.h.close()
	}
	return nil
}

// What a reader tells of itself (PC/SC part 10): a list of features, each with
// the control code that it is used by, and a list of properties.
const (
	featureRequest       = 3400 // CM_IOCTL_GET_FEATURE_REQUEST
	featureTLVProperties = 0x12
	propertyMaxAPDU      = 0x0a
)

// longestCommand asks the reader for the longest command APDU that it takes; 0 if
// it does not tell. Zero, in what it tells, stands for the short form.
func longestCommand(ctx context.Context, h handle) int {
	features, err := h.control(ctx, controlCode(featureRequest), nil)
	if err != nil {
		return 0
	}
	for len(features) >= 6 && features[1] == 4 {
		if features[0] == featureTLVProperties {
			properties, err := h.control(ctx, binary.BigEndian.Uint32(features[2:]), nil)
			if err != nil {
				return 0
			}
			return maxAPDU(properties)
		}
		features = features[6:]
	}
	return 0
}

func maxAPDU(properties []byte) int {
	for len(properties) >= 2 {
		tag, size := properties[0], int(properties[1])
		value := properties[2:]
		if size > len(value) {
			return 0
		}
		if tag == propertyMaxAPDU && size == 4 {
			const short = iso7816.HeaderSize + 1 + 255 + 1
			return max(short, int(min(binary.LittleEndian.Uint32(value), 1<<17)))
		}
		properties = value[size:]
	}
	return 0
}
