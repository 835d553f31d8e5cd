package nfc

import (
	"context"
	"os"
	"sync"
)

// A LoopbackCard is a [Card] in memory: an [Applet] at a reader of this program.
type LoopbackCard struct {
	reader *loopbackReader

	// MaxCommand is the longest command APDU in bytes that the reader takes, as
	// Info tells; 0: it does not tell. Longer ones fail with [ErrNotSent].
	MaxCommand int

	// Contact says that the card is in the reader, not held to it.
	Contact bool

	mu     sync.Mutex
	power  int  // the count of power-ups that this end knows of
	held   bool // it has the transaction
	closed bool
}

// loopbackReader is what several programs share.
type loopbackReader struct {
	applet *Applet
	turn   chan struct{} // holds one element during a transaction

	mu      sync.Mutex
	power   int // counts power-ups; 0 while the card is not in the field
	last    int
	entered chan struct{} // closed when the card comes back, nil while it is there
}

// Loopback holds the handler to a reader of this program:
// Open(ctx, Loopback(key), nil) returns a connection to it. The reader takes
// APDUs of any length.
func Loopback(h Handler) *LoopbackCard { return LoopbackApplet(NewApplet(h, nil)) }

// LoopbackApplet is Loopback for an Applet that has been made with a
// configuration.
func LoopbackApplet(a *Applet) *LoopbackCard {
	r := &loopbackReader{applet: a, turn: make(chan struct{}, 1)}
	r.enter()
	return &LoopbackCard{reader: r, power: r.last, MaxCommand: 65544}
}

// Share returns the card as another program sees it that uses the same reader.
func (l *LoopbackCard) Share() *LoopbackCard {
	l.reader.mu.Lock()
	defer l.reader.mu.Unlock()
	return &LoopbackCard{reader: l.reader, power: l.reader.power, MaxCommand: l.MaxCommand, Contact: l.Contact}
}

// LeaveField takes the card away.
func (l *LoopbackCard) LeaveField() {
	r := l.reader
	r.mu.Lock()
	if r.power != 0 {
		r.power, r.entered = 0, make(chan struct{})
	}
	r.mu.Unlock()
	r.applet.PowerOff()
}

// EnterField brings the card back.
func (l *LoopbackCard) EnterField() { l.reader.enter() }

func (r *loopbackReader) enter() {
	r.applet.PowerOn()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.power == 0 {
		r.last++
		r.power = r.last
		if r.entered != nil {
			close(r.entered)
			r.entered = nil
		}
	}
}

// wait returns when the card is in the field.
func (r *loopbackReader) wait(ctx context.Context) error {
	r.mu.Lock()
	entered := r.entered
	r.mu.Unlock()
	if entered == nil {
		return nil
	}
	select {
	case <-entered:
		return nil
	case <-ctx.Done():
		return ContextError(ctx)
	}
}

// check says why the card can't be used, if so.
func (l *LoopbackCard) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reader.mu.Lock()
	defer l.reader.mu.Unlock()
	switch {
	case l.closed:
		return os.ErrClosed
	case l.reader.power == 0:
		return ErrGone
	case l.reader.power != l.power:
		return ErrReset
	}
	return nil
}

// Transmit implements [Card].
func (l *LoopbackCard) Transmit(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ContextError(ctx)
	}
	if l.MaxCommand > 0 && len(apdu) > l.MaxCommand {
		return nil, ErrNotSent
	}
	out := l.reader.applet.Transmit(ctx, dst, apdu)
	if len(out) > len(dst) {
		return out, nil
	}
	if ctx.Err() != nil {
		return nil, ContextError(ctx)
	}
	return nil, ErrGone // the power went meanwhile
}

// Begin implements [Card].
func (l *LoopbackCard) Begin(ctx context.Context) error {
	select {
	case l.reader.turn <- struct{}{}:
	case <-ctx.Done():
		return ContextError(ctx)
	}
	if err := l.check(); err != nil {
		<-l.reader.turn
		return err
	}
	l.mu.Lock()
	l.held = true
	l.mu.Unlock()
	return nil
}

// End implements [Card].
func (l *LoopbackCard) End() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held {
		l.held = false
		<-l.reader.turn
	}
	return nil
}

// Reset implements [Card].
func (l *LoopbackCard) Reset(ctx context.Context) error {
	l.End()
	if err := l.reader.wait(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return os.ErrClosed
	}
	r := l.reader
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.power {
	case 0:
		return ErrGone
	case l.power: // nobody has reset it since
		r.applet.Reset()
		r.last++
		r.power = r.last
	}
	l.power = r.power
	return nil
}

// Info implements [Card].
func (l *LoopbackCard) Info() (atr []byte, maxCommand int, contactless bool) {
	return l.reader.applet.ATR(), l.MaxCommand, !l.Contact
}

// Close implements [Card]. The card stays in the field.
func (l *LoopbackCard) Close() error {
	l.End()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}
