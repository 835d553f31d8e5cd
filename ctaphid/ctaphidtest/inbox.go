package ctaphidtest

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// An inbox is what a host reads from: reports of any length, in order, with
// the deadlines of a Device.
type inbox struct {
	mu       sync.Mutex
	changed  sync.Cond
	reports  [][]byte
	gone     bool // no more reports come
	closed   bool
	deadline time.Time
}

func newInbox() *inbox {
	b := new(inbox)
	b.changed.L = &b.mu
	return b
}

func (b *inbox) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	b.changed.Broadcast()
}

func (b *inbox) push(reports ...[]byte) {
	b.change(func() {
		if !b.gone {
			b.reports = append(b.reports, reports...)
		}
	})
}

// BeginCall drops what is there to be read.
func (b *inbox) BeginCall(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return os.ErrClosed
	}
	b.reports = nil
	return nil
}

// cut lets the host read what is queued and then ErrGone.
func (b *inbox) cut() { b.change(func() { b.gone = true }) }

func (b *inbox) close() { b.change(func() { b.closed = true }) }

// state returns the error of a write: nil while the device is there.
func (b *inbox) state() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return os.ErrClosed
	case b.gone:
		return ctaphid.ErrGone
	}
	return nil
}

// SetReadDeadline makes reads fail at t.
func (b *inbox) SetReadDeadline(t time.Time) error {
	b.change(func() { b.deadline = t })
	if err := b.state(); err == os.ErrClosed {
		return err
	}
	return nil
}

// ReadReport waits for the next report to the host.
func (b *inbox) ReadReport(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if b.closed {
			return 0, os.ErrClosed
		}
		left := time.Until(b.deadline)
		switch limited := !b.deadline.IsZero(); {
		case limited && left <= 0:
			return 0, os.ErrDeadlineExceeded
		case len(b.reports) > 0:
			n := copy(p, b.reports[0])
			b.reports = b.reports[1:]
			return n, nil
		case b.gone:
			return 0, ctaphid.ErrGone
		case limited:
			alarm := time.AfterFunc(left, func() { b.change(func() {}) })
			b.changed.Wait()
			alarm.Stop()
		default:
			b.changed.Wait()
		}
	}
}
