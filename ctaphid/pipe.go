package ctaphid

import (
	"context"
	"os"
	"sync"
	"time"
)

const (
	// pipeReports is how many reports a Pipe holds in each direction: the
	// longest message and the packets that may follow it, so that an end that
	// answers only after it has read a whole message is never waited for.
	pipeReports = 256

	// pipeWriteTimeout is how long a write waits for room, as long as the
	// Linux kernel waits for a USB device that does not take a report.
	pipeWriteTimeout = 5 * time.Second
)

// Pipe returns the two ends of a connection in memory. Reports from the host
// to the key have hostToKey bytes, those from the key to the host keyToHost
// bytes. Each direction holds a few hundred reports; a writer that finds no
// room for five seconds fails with os.ErrDeadlineExceeded. When one end is
// closed, the other reads what is queued and then gets [ErrGone], and its
// writes get it at once. Both ends have BeginCall. No goroutine runs behind a
// Pipe.
//
// Pipe panics with [ErrReportSize] for a size out of range.
func Pipe(hostToKey, keyToHost int) (host, key Device) {
	out, in := newPipeQueue(hostToKey), newPipeQueue(keyToHost)
	return &pipeEnd{in: in, out: out}, &pipeEnd{in: out, out: in}
}

type pipeEnd struct{ in, out *pipeQueue }

func (e *pipeEnd) ReadReport(p []byte) (int, error)  { return e.in.read(p) }
func (e *pipeEnd) WriteReport(p []byte) error        { return e.out.write(p) }
func (e *pipeEnd) SetReadDeadline(t time.Time) error { return e.in.setDeadline(t) }
func (e *pipeEnd) BeginCall(context.Context) error   { return e.in.drop() }
func (e *pipeEnd) ReportSizes() (in, out int)        { return e.in.size, e.out.size }
func (e *pipeEnd) Close() error {
	e.in.closeReader()
	e.out.closeWriter()
	return nil
}

// A pipeQueue is one direction. Only its mutex, held for a copy, and its
// condition, for waiting, keep the ends apart; virtual time goes on while an
// end waits.
type pipeQueue struct {
	size int

	mu                         sync.Mutex
	changed                    sync.Cond
	reports                    []byte // a ring of pipeReports reports of size bytes
	first, n                   int    // in reports
	readerClosed, writerClosed bool
	deadline                   time.Time // of reads
	alarm                      *time.Timer
}

func newPipeQueue(size int) *pipeQueue {
	if MaxMessage(size) == 0 {
		panic(ErrReportSize)
	}
	q := &pipeQueue{size: size, reports: make([]byte, pipeReports*size)}
	q.changed.L = &q.mu
	return q
}

func (q *pipeQueue) slot(i int) []byte {
	at := (q.first + i) % pipeReports * q.size
	return q.reports[at : at+q.size]
}

func (q *pipeQueue) read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.readerClosed {
			return 0, os.ErrClosed
		}
		var left time.Duration
		if !q.deadline.IsZero() {
			if left = time.Until(q.deadline); left <= 0 {
				return 0, os.ErrDeadlineExceeded
			}
		}
		if q.n > 0 {
			n := copy(p, q.slot(0))
			q.first = (q.first + 1) % pipeReports
			if q.n--; q.n == pipeReports-1 {
				q.changed.Broadcast() // a writer may be waiting for room
			}
			return n, nil
		}
		if q.writerClosed {
			return 0, ErrGone
		}
		if left > 0 {
			q.wakeIn(left)
		}
		q.changed.Wait()
	}
}

// drop forgets what is queued.
func (q *pipeQueue) drop() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.readerClosed {
		return os.ErrClosed
	}
	if q.n == pipeReports {
		q.changed.Broadcast() // a writer may be waiting for room
	}
	q.n = 0
	return nil
}

// wakeIn makes whoever waits look again after d. A stale alarm costs a look.
func (q *pipeQueue) wakeIn(d time.Duration) {
	if q.alarm != nil {
		q.alarm.Reset(d)
		return
	}
	q.alarm = time.AfterFunc(d, func() {
		q.mu.Lock()
		q.changed.Broadcast()
		q.mu.Unlock()
	})
}

func (q *pipeQueue) setDeadline(t time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.readerClosed {
		return os.ErrClosed
	}
	q.deadline = t
	q.changed.Broadcast()
	return nil
}

func (q *pipeQueue) write(p []byte) error {
	if len(p) != q.size {
		return ErrReportSize
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == pipeReports {
		if err := q.waitForRoom(); err != nil {
			return err
		}
	}
	switch {
	case q.writerClosed:
		return os.ErrClosed
	case q.readerClosed:
		return ErrGone
	}
	copy(q.slot(q.n), p)
	if q.n++; q.n == 1 {
		q.changed.Broadcast()
	}
	return nil
}

// waitForRoom returns when there is room or one of the ends is closed.
func (q *pipeQueue) waitForRoom() error {
	late := false
	alarm := time.AfterFunc(pipeWriteTimeout, func() {
		q.mu.Lock()
		late = true
		q.changed.Broadcast()
		q.mu.Unlock()
	})
	defer alarm.Stop()
	for q.n == pipeReports && !q.readerClosed && !q.writerClosed {
		if late {
			return os.ErrDeadlineExceeded
		}
		q.changed.Wait()
	}
	return nil
}

func (q *pipeQueue) closeReader() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.readerClosed = true
	if q.alarm != nil {
		q.alarm.Stop()
	}
	q.changed.Broadcast()
}

func (q *pipeQueue) closeWriter() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writerClosed = true
	q.changed.Broadcast()
}
