package ctaphid

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Serve answers the reports that come from dev until ctx ends or dev is closed
// or gone. It begins with no channels allocated, as after a power cycle, and
// closes dev before it returns, which it does when the Handler has returned.
//
// A report that the host does not take in time, which WriteReport says with
// os.ErrDeadlineExceeded, is lost together with the rest of its message, as it
// would be between a key and a host that nobody reads from. Any other error of
// dev ends Serve.
//
// The error is never nil. It is that of [ContextError] if ctx has ended, and otherwise
// wraps that of dev ([ErrGone] when the host's end is gone, os.ErrClosed when
// dev was closed) or [ErrReportSize]. A Server serves one device at a time: while
// another Serve has not returned, Serve waits.
func (s *Server) Serve(ctx context.Context, dev Device) error {
	defer dev.Close()
	err := s.attach(ctx, dev)
	if ctx.Err() != nil {
		err = ContextError(ctx)
	}
	return fmt.Errorf("ctaphid: Serve: %w", err)
}

func (s *Server) attach(ctx context.Context, dev Device) error {
	in, out := dev.ReportSizes()
	if MaxMessage(in) == 0 || MaxMessage(out) == 0 {
		return ErrReportSize
	}
	l := &link{
		server:  s,
		ctx:     context.WithoutCancel(ctx),
		dev:     dev,
		inSize:  in,
		outSize: out,
		limit:   MaxMessage(in),
		writing: make(chan struct{}, 1),
		over:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	if n := s.config.MaxMessage; n > 0 {
		l.limit = min(l.limit, n)
	}
	l.ticker = time.AfterFunc(time.Hour, l.tick)
	l.ticker.Stop()

	s.mu.Lock()
	for s.link != nil {
		last := s.link.done
		s.mu.Unlock()
		select {
		case <-last:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
	}
	s.link = l
	s.mu.Unlock()

	stop := context.AfterFunc(ctx, func() { dev.Close() })
	err := l.run()
	stop()

	s.mu.Lock()
	s.forget()
	if l.err != nil {
		err = l.err
	}
	s.mu.Unlock()
	dev.Close() // ends a write that the goroutines below may be in
	close(l.over)
	l.running.Wait()

	s.mu.Lock()
	s.link = nil
	s.mu.Unlock()
	close(l.done)
	return err
}

// A link is a Server at work on a device.
//
// Three goroutines may use it: the one that reads reports, which also answers
// what needs no Handler; the one that calls the Handler and sends its reply,
// while there is a request for it; and for the time of a keepalive the one that
// sends it. So a CANCEL or an INIT is read while the Handler works, and while a
// keepalive or its reply waits for the host to take it.
type link struct {
	server          *Server
	ctx             context.Context // that of Serve without its end: the Handler must not notice before the host is gone
	dev             Device
	inSize, outSize int
	limit           int // bytes of data in a request

	// writing holds one element while somebody sends a message; out belongs to
	// whoever put it there.
	writing chan struct{}
	out     [MaxReportSize]byte

	running sync.WaitGroup // the goroutines but the reader
	over    chan struct{}  // closed when the device is no longer used
	done    chan struct{}  // closed when the goroutines have ended
	dst     []byte         // empty: room for the Handler's reply

	// The fields below belong to the reader.

	in      [MaxReportSize]byte
	scratch [initReplySize]byte // data of a short reply
	armed   bool                // a read deadline is set
	looking bool                // it is the last one before MSG_TIMEOUT

	// The fields below are guarded by server.mu.

	assembler Assembler
	arrived   time.Time    // when the last packet came of the request that is being assembled
	current   *transaction // what the Handler works on, or will when it is free
	handling  bool         // the Handler's goroutine exists
	ticker    *time.Timer  // runs tick when current needs a keepalive
	err       error        // the first error in writing
}

// run reads and answers reports. A failed read ends it.
func (l *link) run() error {
	for {
		n, err := l.dev.ReadReport(l.in[:])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = l.expire()
		case err == nil && n == l.inSize: // no packet has another size
			err = l.report(l.in[:n])
		}
		if err != nil {
			return err
		}
	}
}

// report answers a report, except what the Handler has to answer.
func (l *link) report(report []byte) error {
	l.server.mu.Lock()
	reply, ok := l.packet(report)
	_, assembling := l.assembler.Assembling()
	l.server.mu.Unlock()

	// The deadline is set once for a message, and expire moves it on, so that
	// not every packet has to. A message of one packet needs none.
	if assembling != l.armed {
		if err := l.arm(assembling, l.server.config.PacketTimeout-lastLook); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	return l.send(reply)
}

// arm makes reading stop after d, or removes the deadline.
func (l *link) arm(on bool, d time.Duration) error {
	l.armed = on
	if !on {
		return l.dev.SetReadDeadline(time.Time{})
	}
	return l.dev.SetReadDeadline(time.Now().Add(d))
}

// lastLook is how long the link goes on reading, at least, before it decides
// that a packet has not come. A read fails once its deadline has passed even if
// reports are queued, and the program may have been held up for longer than the
// host.
const lastLook = time.Millisecond

// expire drops the request that is being assembled if its next packet is
// overdue.
func (l *link) expire() error {
	l.server.mu.Lock()
	cid, assembling := l.assembler.Assembling()
	left := l.server.config.PacketTimeout - time.Since(l.arrived)
	late := assembling && left <= 0 && l.looking
	if late {
		l.drop()
	}
	l.server.mu.Unlock()

	if late || !assembling {
		if err := l.arm(false, 0); err != nil {
			return err
		}
		if late {
			return l.send(l.refuse(cid, ErrMsgTimeout))
		}
		return nil
	}
	if l.looking = left <= lastLook; l.looking {
		return l.arm(true, max(left, lastLook))
	}
	return l.arm(true, left-lastLook)
}

// drop forgets the request that is being assembled. server.mu is held.
func (l *link) drop() { l.assembler.Reset(l.assembler.Buffer()[:0]) }

// send sends a message of the reader's.
func (l *link) send(m Message) error {
	packets, err := PacketCount(l.outSize, len(m.Data))
	if err != nil {
		return err
	}
	l.writing <- struct{}{}
	defer func() { <-l.writing }()
	for i := range packets {
		if err := l.dev.WriteReport(AppendPacket(l.out[:0], l.outSize, m, i)); err != nil {
			return ignoreLate(err)
		}
	}
	return nil
}

// ignoreLate makes nil of the error of a write that the host was too slow for.
func ignoreLate(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// fail ends Serve because of an error in writing, unless it is nil.
func (l *link) fail(err error) {
	if err == nil {
		return
	}
	l.server.mu.Lock()
	if l.err == nil {
		l.err = err
	}
	l.server.mu.Unlock()
	l.dev.Close()
}
