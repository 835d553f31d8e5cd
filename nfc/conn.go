package nfc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofido/fido/nfc/iso7816"
)

// A Conn is the host's end: the FIDO application of one card. Its methods may be
// called from any number of goroutines; each call takes its turn, keeps other
// programs from the card meanwhile, and leaves when its context ends.
//
// No call blocks after its context has ended by more than [Config.Grace].
//
// A card that lost power has forgotten tokens, key agreements and what it was in
// the middle of. The Conn then selects the application again, once, and repeats
// the request if that was not sent yet and can't depend on what was forgotten;
// see [ErrReset].
//
// All errors are *[OpError].
type Conn struct {
	card  Card
	cfg   Config
	turn  chan struct{} // holds one element while a call is under way
	close chan struct{} // closed by Close

	ended atomic.Int32 // sequences of which the end has still to be noted, by whoever has the turn

	mu     sync.Mutex // guards what follows
	closed bool
	abort  context.CancelCauseFunc // ends the call that is under way

	// What follows belongs to whoever has the turn.

	sequences     int    // see BeginSequence
	held          bool   // other programs are kept from the card
	selected      bool   // the application is
	lost          bool   // the card must be reset first
	returned      bool   // the card has come back, or another in its place: see CBOR
	dead          error  // why the card can no longer be used
	version       string // the answer to SELECT
	ctap2         bool
	extended      bool // APDUs of the extended form work, as far as is known
	noExtended    bool // they don't
	noChaining    bool // segments don't, but the extended form does
	longAnswered  bool // the card has answered an APDU of the extended form, other than that it takes none
	maxCommand    int  // bytes that the reader takes, 0 if unknown
	part          int  // the most bytes of a response that are asked for at once
	narrowed      int  // how often narrow has changed something
	noGetResponse bool
	claOther      [2]bool // GET RESPONSE wants the class that it should not: of CTAP2 and of U2F messages
	out, in       []byte  // APDUs
}

// Open selects the FIDO application on a card (CTAP 2.3 section 11.3.3), finds
// out whether it speaks CTAP2, and returns a Conn that owns the card. If that
// fails the card is closed, and the error is an *[OpError] that is
// [ErrNoApplet] when the card is something else.
func Open(ctx context.Context, card Card, c *Config) (*Conn, error) {
	conn, err := newConn(card, c)
	if err != nil {
		card.Close()
		return nil, err
	}
	meet := func(x *exchange) error {
		if conn.version != VersionFIDO20 {
			return conn.probe(x)
		}
		conn.ctap2 = true
		return nil
	}
	err = conn.call(ctx, "SELECT", meet)
	if errors.Is(err, ErrGone) && conn.dead == nil {
		// The reader may not have noticed yet that this is another card.
		err = conn.call(ctx, "SELECT", meet)
	}
	if err != nil {
		card.Close()
		return nil, err
	}
	conn.returned = false // nobody has known another
	return conn, nil
}

func newConn(card Card, c *Config) (*Conn, error) {
	cfg, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Conn{
		card:          card,
		cfg:           cfg,
		turn:          make(chan struct{}, 1),
		close:         make(chan struct{}),
		part:          cfg.Part,
		noGetResponse: cfg.NoGetResponse,
	}, nil
}

// Version returns what the card answered to SELECT: [VersionU2F] or
// [VersionFIDO20]; some cards answer nothing.
func (c *Conn) Version() string { return c.version }

// CTAP2 reports whether the key speaks CTAP2. One that does not speaks U2F; one
// that does may.
func (c *Conn) CTAP2() bool { return c.ctap2 }

// U2F reports whether the key says that it speaks U2F.
func (c *Conn) U2F() bool { return c.version == VersionU2F }

// Contactless reports whether the key is held to the reader, rather than put
// into it: what to tell the user.
func (c *Conn) Contactless() bool {
	_, _, contactless := c.card.Info()
	return contactless
}

// Close ends the session with the card (CTAP 2.3 section 11.3.5.3,
// NFCCTAP_CONTROL) and closes it. A call that is under way, or waits for its
// turn, fails with os.ErrClosed; a request that the key is working on is
// cancelled first. Close waits for that no longer than [Config.Grace]. Calls of
// Close after the first return nil at once.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	close(c.close)
	if c.abort != nil {
		c.abort(os.ErrClosed)
	}
	c.mu.Unlock()
	patience, cancel := context.WithTimeout(context.Background(), c.cfg.Grace)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		defer c.leave()
		c.endSession(patience)
	case <-patience.Done():
	}
	return c.card.Close()
}

// endSession tells the card that this was all. What it answers does not matter.
func (c *Conn) endSession(ctx context.Context) {
	if !c.selected || !c.ctap2 {
		return
	}
	if c.held || c.card.Begin(ctx) == nil {
		c.transmit(&exchange{ctx: ctx, grace: ctx}, iso7816.Command{CLA: claCTAP, INS: INSControl, P1: p1End})
		c.card.End()
	}
}

// BeginSequence keeps other programs from the card until EndSequence, from one
// call to the next: for commands that must not be interleaved with others.
// ctap2.Client calls both. Sequences may be nested.
func (c *Conn) BeginSequence(ctx context.Context) error {
	return c.inTurn(ctx, "SELECT", func(x *exchange) error {
		if c.sequences == 0 {
			if err := c.begin(x.ctx); err != nil {
				return err
			}
		}
		c.sequences++
		return nil
	})
}

// EndSequence ends what BeginSequence began. It waits for no other call: one that
// is under way ends the sequence when it is done.
func (c *Conn) EndSequence() {
	c.ended.Add(1)
	select {
	case c.turn <- struct{}{}:
		c.leave()
	default:
	}
}

// leave ends a turn, and the sequences whose end was said meanwhile.
func (c *Conn) leave() {
	for {
		if n := int(c.ended.Swap(0)); n > 0 {
			if c.sequences -= n; c.sequences == 0 {
				c.end()
			}
		}
		<-c.turn
		if c.ended.Load() == 0 {
			return
		}
		select { // an end was said between the two
		case c.turn <- struct{}{}:
		default:
			return // whoever has the turn will see to it
		}
	}
}

// begin keeps other programs from the card. One that was reset in between is
// still there.
func (c *Conn) begin(ctx context.Context) error {
	err := c.card.Begin(ctx)
	c.held = err == nil
	if errors.Is(err, ErrReset) || errors.Is(err, ErrGone) {
		c.forget(true)
		return c.reset(ctx)
	}
	return err
}

// end lets other programs at the card. An error means that they are already.
func (c *Conn) end() {
	c.held = false
	c.card.End()
}

// An exchange is the state of one call that has the turn.
type exchange struct {
	ctx   context.Context
	grace context.Context // ends Config.Grace after ctx

	forgotten bool // the card was reset since the call before, of which nobody knows yet
	sent      bool // the card has answered an APDU of the request
	working   bool // and said that it works on it, or begun to reply
	cancelled bool // it was told to cancel it
}

// call runs f in its turn, within a transaction, with the application selected.
func (c *Conn) call(ctx context.Context, op string, f func(*exchange) error) error {
	return c.inTurn(ctx, op, func(x *exchange) error {
		if !c.held { // or a sequence has lost the card in between
			selected := c.selected
			if err := c.begin(x.ctx); err != nil {
				return err
			}
			x.forgotten = selected && !c.selected
		}
		if c.sequences == 0 {
			defer c.end()
		}
		if err := c.ready(x); err != nil {
			return err
		}
		return f(x)
	})
}

// inTurn runs f when it is this call's turn and makes an OpError of its error.
func (c *Conn) inTurn(ctx context.Context, op string, f func(*exchange) error) error {
	err := c.whenFree(ctx, f)
	if err != nil {
		return &OpError{op, err}
	}
	return nil
}

func (c *Conn) whenFree(ctx context.Context, f func(*exchange) error) error {
	if ctx.Err() != nil {
		return ContextError(ctx)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.cfg.Overall, ErrUnfinished)
		defer cancel()
	}
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	select {
	case c.turn <- struct{}{}:
		defer c.leave()
	case <-ctx.Done():
		return ended(ctx)
	case <-c.close:
		return os.ErrClosed
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return os.ErrClosed
	}
	c.abort = abort
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.abort = nil
		c.mu.Unlock()
	}()
	grace, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		time.AfterFunc(c.cfg.Grace, func() { cancel(ended(ctx)) })
	})()
	if c.dead != nil {
		return c.dead
	}
	err := f(&exchange{ctx: ctx, grace: grace})
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return ended(ctx) // and not the grace that came after it
	}
	return err
}

// ended returns why ctx ended, for errors.
func ended(ctx context.Context) error {
	switch cause := context.Cause(ctx); cause {
	case ErrUnfinished, os.ErrClosed:
		return cause
	}
	return ContextError(ctx)
}

// forget notes that no application is selected any more, and with lost that the
// card has to be reset.
func (c *Conn) forget(lost bool) { c.selected, c.lost = false, c.lost || lost }

// ready resets a card that was lost and selects the application; once more if the
// card is reset meanwhile, by another program for example.
func (c *Conn) ready(x *exchange) error {
	err := c.readyOnce(x)
	if errors.Is(err, ErrReset) {
		err = c.readyOnce(x)
	}
	return err
}

func (c *Conn) readyOnce(x *exchange) error {
	if c.selected {
		return nil
	}
	if c.lost {
		if err := c.reset(x.ctx); err != nil {
			return err
		}
	}
	return c.choose(x)
}

// reset waits for a card that has gone away to come back, and keeps other programs
// from it: what they were kept by has gone with the card.
func (c *Conn) reset(ctx context.Context) error {
	c.held = false
	patience := c.cfg.Return
	if patience < 0 {
		patience = c.cfg.Grace
	}
	var err error
	busy := false
	for {
		limited, cancel := context.WithTimeoutCause(ctx, patience, ErrGone)
		err = c.card.Reset(limited)
		timedOut := limited.Err() != nil
		if err != nil && context.Cause(limited) == ErrGone && errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrBusy) {
			err = ErrGone
		}
		cancel()
		busy = busy || errors.Is(err, ErrBusy)
		if !timedOut || ctx.Err() != nil || !errors.Is(err, ErrBusy) {
			break
		}
	}
	if err == nil {
		err = c.card.Begin(ctx)
	}
	if err == nil {
		c.held, c.lost, c.returned = true, false, true
		return nil
	}
	switch {
	case busy && ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrBusy, ended(ctx)) // the patience of one wait is no cause
	case errors.Is(err, ErrBusy):
	case errors.Is(err, ErrGone):
		c.dead = err
	}
	return err
}

// choose selects the application.
func (c *Conn) choose(x *exchange) error {
	atr, maxCommand, _ := c.card.Info()
	c.maxCommand = maxCommand
	data, sw, err := c.simple(x, nil, iso7816.Command{
		CLA: claISO, INS: iso7816.INSSelect, P1: p1ByName, Data: []byte(AID), Ne: c.part,
	})
	switch {
	case err != nil:
		return err
	case sw == iso7816.SWFileOrApplicationNotFound, sw == iso7816.SWInstructionNotSupported, sw == iso7816.SWClassNotSupported,
		sw == iso7816.SWFunctionNotSupported:
		return ErrNoApplet
	case sw != iso7816.SWNoError:
		return &StatusError{sw, "SELECT"}
	}
	switch {
	case bytes.Equal(data, []byte(VersionU2F)), bytes.Equal(data, []byte(VersionFIDO20)), len(data) == 0:
		c.version = string(data)
	default:
		return protocolError(data, "SELECT of the FIDO application says %.16q", data)
	}
	const longestShort = iso7816.HeaderSize + 1 + 255 + 1
	known := ExtendedLengths(atr) && maxCommand > longestShort
	c.extended = !c.noExtended && (c.noChaining || c.cfg.Length == ExtendedFirst || c.cfg.Length == ExtendedIfKnown && known)
	c.selected = true
	return nil
}

// probe finds out whether a card that speaks U2F speaks CTAP2 too. The reply is
// the first long one, at which some readers break.
func (c *Conn) probe(x *exchange) error {
	b, sw, err := c.attempt(x, always, nil, func() ([]byte, iso7816.StatusWord, error) {
		return c.message(x, nil, []byte{getInfo}, nil)
	})
	c.ctap2 = err == nil && sw == iso7816.SWNoError && len(b) > 0 && b[0] == 0
	return err
}

// CTAP2 commands of which a Conn knows more than that they exist.
const (
	getInfo   = 0x04
	clientPIN = 0x06
)
