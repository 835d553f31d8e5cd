//go:build windows || (darwin && cgo) || ((linux || freebsd) && scard && cgo)

package pcsc

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ebfe/scard"
	"github.com/gofido/fido/nfc"
)

// library is the smart-card service through the system's library. What that does
// can't be told to stop, but for the wait for an event; a call that outlasts its
// context goes on by itself.
type library struct {
	ctx   *scard.Context
	calls sync.RWMutex // held for reading by each call, those that were left to themselves included
	left  atomic.Bool  // there are some
}

func connect(ctx context.Context) (service, error) {
	if ctx.Err() != nil {
		return nil, nfc.ContextError(ctx)
	}
	c, err := scard.EstablishContext()
	if err != nil {
		return nil, coded(err)
	}
	return &library{ctx: c}, nil
}

// coded turns an error of the library into a Code.
func coded(err error) error {
	if e, ok := errors.AsType[scard.Error](err); ok {
		return Code(e)
	}
	return err
}

// detached runs f, and leaves it to itself when ctx ends.
func detached[R any](ctx context.Context, l *library, f func() (R, error)) (R, error) {
	type result struct {
		r   R
		err error
	}
	var none R
	if ctx.Err() != nil {
		return none, nfc.ContextError(ctx)
	}
	done := make(chan result, 1)
	go func() {
		l.calls.RLock()
		defer l.calls.RUnlock()
		r, err := f()
		done <- result{r, coded(err)}
	}()
	select {
	case r := <-done:
		return r.r, r.err
	case <-ctx.Done():
		l.left.Store(true)
		return none, nfc.ContextError(ctx)
	}
}

// patience is how long the end of a connection is waited for: another program's
// transaction holds that up, too.
const patience = time.Second

// finish runs f after the calls that were left to themselves, for which it does not
// wait.
func (l *library) finish(f func() error) error {
	done := make(chan error, 1)
	go func() {
		l.calls.Lock()
		defer l.calls.Unlock()
		done <- f()
	}()
	if l.left.Load() {
		return nil
	}
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return nil
	}
}

func (l *library) release() error { return coded(l.ctx.Release()) }

func (l *library) close() error { return l.finish(l.release) }

func (l *library) readers(ctx context.Context) ([]Reader, error) {
	return detached(ctx, l, func() ([]Reader, error) {
		names, err := l.ctx.ListReaders()
		if err != nil || len(names) == 0 {
			return nil, err
		}
		states := make([]scard.ReaderState, len(names))
		for i, name := range names {
			states[i].Reader = name
		}
		if err := l.ctx.GetStatusChange(states, 0); err != nil && !errors.Is(err, scard.ErrTimeout) {
			return nil, err
		}
		all := make([]Reader, len(states))
		for i, s := range states {
			all[i] = Reader{
				Name:      s.Reader,
				Card:      s.EventState&scard.StatePresent != 0,
				Exclusive: s.EventState&scard.StateExclusive != 0,
				events:    uint32(s.EventState) >> 16,
			}
			if all[i].Card {
				all[i].ATR = s.Atr
			}
		}
		return all, nil
	})
}

// newReader is the name that stands for readers that come and go.
const newReader = `\\?PnP?\Notification`

func (l *library) wait(ctx context.Context, known []Reader) error {
	states := []scard.ReaderState{{Reader: newReader, CurrentState: scard.StateFlag(len(known) << 16)}}
	for _, r := range known {
		state := scard.StateEmpty
		if r.Card {
			state = scard.StatePresent
		}
		states = append(states, scard.ReaderState{Reader: r.Name, CurrentState: state | scard.StateFlag(r.events<<16)})
	}
	// The wait ends from time to time, in case that it has been told to stop before
	// it began.
	stop := context.AfterFunc(ctx, func() { l.ctx.Cancel() })
	defer stop()
	err := l.ctx.GetStatusChange(states, time.Second)
	switch {
	case ctx.Err() != nil:
		return nfc.ContextError(ctx)
	case err == nil, errors.Is(err, scard.ErrTimeout):
		return nil
	}
	return coded(err)
}

func (l *library) open(ctx context.Context, reader string, exclusive bool) (handle, error) {
	mode := scard.ShareShared
	if exclusive {
		mode = scard.ShareExclusive
	}
	return detached(ctx, l, func() (handle, error) {
		card, err := l.ctx.Connect(reader, mode, scard.ProtocolAny)
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil { // nobody wants it any more
			card.Disconnect(scard.LeaveCard)
			return nil, nfc.ContextError(ctx)
		}
		return &libraryCard{l, card, mode}, nil
	})
}

type libraryCard struct {
	l    *library
	card *scard.Card
	mode scard.ShareMode
}

func (c *libraryCard) t0() bool { return c.card.ActiveProtocol() == scard.ProtocolT0 }

func (c *libraryCard) transmit(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	// A call that is left to itself must not send what comes next in that memory.
	apdu = bytes.Clone(apdu)
	out, err := onCard(ctx, c, func() ([]byte, error) {
		defer clear(apdu)
		return c.card.Transmit(apdu)
	})
	if err != nil {
		return nil, err
	}
	return append(dst, out...), nil
}

// nothing makes a function without a result fit detached.
func nothing(f func() error) func() (struct{}, error) {
	return func() (struct{}, error) { return struct{}{}, f() }
}

// onCard is detached for a connection to a card. One on which a call goes on by
// itself has to be made again: that may still begin a transaction, which nobody
// would end, or reset the card under what comes next.
func onCard[R any](ctx context.Context, c *libraryCard, f func() (R, error)) (R, error) {
	if c.l.left.Load() {
		var none R
		return none, nfc.ErrReset
	}
	return detached(ctx, c.l, f)
}

// waits runs f, which some systems have wait for the end of another program's
// transaction, while others refuse it for that.
func (c *libraryCard) waits(ctx context.Context, f func() error) error {
	return whenFree(ctx, func() error {
		_, err := onCard(ctx, c, nothing(f))
		if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return stillBusy(ctx)
		}
		return err
	})
}

func (c *libraryCard) begin(ctx context.Context) error { return c.waits(ctx, c.card.BeginTransaction) }

func (c *libraryCard) end(ctx context.Context) error {
	_, err := onCard(ctx, c, nothing(func() error { return c.card.EndTransaction(scard.LeaveCard) }))
	return err
}

func (c *libraryCard) reconnect(ctx context.Context, reset bool) error {
	how := scard.LeaveCard
	if reset {
		how = scard.ResetCard
	}
	return c.waits(ctx, func() error { return c.card.Reconnect(c.mode, scard.ProtocolAny, how) })
}

func (c *libraryCard) control(ctx context.Context, code uint32, in []byte) ([]byte, error) {
	return onCard(ctx, c, func() ([]byte, error) { return c.card.Control(code, in) })
}

func (c *libraryCard) attribute(ctx context.Context, id uint32) ([]byte, error) {
	return onCard(ctx, c, func() ([]byte, error) { return c.card.GetAttrib(scard.Attrib(id)) })
}

func (c *libraryCard) atr(ctx context.Context) ([]byte, error) {
	return onCard(ctx, c, func() ([]byte, error) {
		s, err := c.card.Status()
		if err != nil {
			return nil, err
		}
		return s.Atr, nil
	})
}

func (c *libraryCard) close() error {
	return c.l.finish(func() error {
		err := coded(c.card.Disconnect(scard.LeaveCard))
		return errors.Join(err, c.l.release())
	})
}
