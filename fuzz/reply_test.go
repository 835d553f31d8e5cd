package fuzz

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/virtual"
)

// A liar is the software key, but for what its plan does to the replies before
// they are framed.
type liar struct {
	*virtual.Key
	mu      sync.Mutex
	plan    plan
	last    []byte // the reply before, as the software key gave it
	altered bool   // a reply was not what the software key gave
	told    func(reply []byte)
}

// CBOR has the software key answer and then lies about it.
func (l *liar) CBOR(ctx context.Context, session uint64, dst, request []byte, waiting func(byte)) []byte {
	reply := l.Key.CBOR(ctx, session, nil, request, waiting)
	l.mu.Lock()
	if l.told != nil {
		l.told(reply)
	}
	e := lie{reply: bytes.Clone(reply), last: l.last}
	l.last = reply
	if code, ok := l.plan.next(); ok {
		if operation, ok := choose(lies, code); ok {
			operation(&e, &l.plan)
		}
	}
	l.altered = l.altered || !bytes.Equal(e.reply, reply)
	l.mu.Unlock()

	if e.heeds {
		l.wait(ctx, e.delay)
	} else {
		time.Sleep(e.delay)
	}
	for i := range e.keepalives {
		waiting(e.status + byte(i))
		l.wait(ctx, 10*time.Millisecond)
	}
	return append(dst, e.reply...)
}

func (l *liar) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// honest makes the key tell the truth from now on.
func (l *liar) honest() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plan.end()
}

// lied reports whether the key has sent a reply that is not the software key's.
func (l *liar) lied() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.altered
}

// A lie is what becomes of one reply.
type lie struct {
	reply, last []byte // status byte first

	delay      time.Duration
	heeds      bool // cancelling ends the delay
	keepalives int
	status     byte
}

// The operations on replies, by their place in lies.
const (
	liePass       byte = iota //
	lieStatus                 // 1 byte: the status, with the body that was there
	lieRefuse                 // 1 byte: the status alone
	lieEmpty                  // no byte at all
	lieTruncate               // 2 bytes: the length
	lieAppend                 // blob
	lieCorrupt                // 2 bytes offset, mask
	lieInsert                 // 2 bytes offset, blob
	lieDelete                 // 2 bytes offset, 1 byte length
	lieReplace                // 2 bytes length, and so many bytes: the whole reply
	lieItem                   // 1 byte: which CBOR item of the body, blob: what is there instead
	lieSwap                   // 2 times 1 byte: two CBOR items change places
	lieRepeat                 // 1 byte: which CBOR item is there twice
	lieNest                   // 1 byte: in so many arrays
	lieLong                   // 2 bytes: so many zeros behind it
	lieLast                   // the reply before comes again
	lieDelay                  // 1 byte, 20 ms each
	lieDeaf                   // 1 byte, 20 ms each: the same, and CANCEL does not help
	lieKeepalives             // status, count: so many changes of status come before it
)

var lies = []func(e *lie, in *plan){
	liePass:   func(*lie, *plan) {},
	lieStatus: func(e *lie, in *plan) { e.reply = append([]byte{in.byte()}, e.body()...) },
	lieRefuse: func(e *lie, in *plan) { e.reply = []byte{in.byte()} },
	lieEmpty:  func(e *lie, _ *plan) { e.reply = nil },
	lieTruncate: func(e *lie, in *plan) {
		e.reply = e.reply[:min(in.number(), len(e.reply))]
	},
	lieAppend: func(e *lie, in *plan) { e.reply = append(e.reply, in.blob()...) },
	lieCorrupt: func(e *lie, in *plan) {
		if at, mask := in.number(), in.byte(); at < len(e.reply) {
			e.reply[at] ^= mask
		}
	},
	lieInsert: func(e *lie, in *plan) {
		at := min(in.number(), len(e.reply))
		e.reply = slices.Insert(e.reply, at, in.blob()...)
	},
	lieDelete: func(e *lie, in *plan) {
		at := min(in.number(), len(e.reply))
		e.reply = slices.Delete(e.reply, at, min(at+int(in.byte()), len(e.reply)))
	},
	lieReplace: func(e *lie, in *plan) { e.reply = bytes.Clone(in.take(in.number())) },
	lieItem: func(e *lie, in *plan) {
		from, to := e.item(in.byte())
		e.reply = slices.Replace(e.reply, from, to, in.blob()...)
	},
	lieSwap: func(e *lie, in *plan) {
		a, aEnd := e.item(in.byte())
		b, bEnd := e.item(in.byte())
		if a > b {
			a, aEnd, b, bEnd = b, bEnd, a, aEnd
		}
		if aEnd <= b { // neither is within the other
			e.reply = slices.Concat(e.reply[:a], e.reply[b:bEnd], e.reply[aEnd:b], e.reply[a:aEnd], e.reply[bEnd:])
		}
	},
	lieRepeat: func(e *lie, in *plan) {
		from, to := e.item(in.byte())
		e.reply = slices.Insert(e.reply, to, bytes.Clone(e.reply[from:to])...)
	},
	lieNest: func(e *lie, in *plan) {
		e.reply = slices.Insert(e.reply, min(1, len(e.reply)), bytes.Repeat([]byte{0x81}, int(in.byte()))...)
	},
	lieLong: func(e *lie, in *plan) { e.reply = append(e.reply, make([]byte, in.number()%9000)...) },
	lieLast: func(e *lie, _ *plan) { e.reply = bytes.Clone(e.last) },
	lieDelay: func(e *lie, in *plan) {
		e.delay, e.heeds = time.Duration(in.byte())*20*time.Millisecond, true
	},
	lieDeaf: func(e *lie, in *plan) {
		e.delay = time.Duration(in.byte()) * 20 * time.Millisecond
	},
	lieKeepalives: func(e *lie, in *plan) {
		e.status, e.keepalives = in.byte(), int(in.byte())%32
	},
}

func (e *lie) body() []byte { return e.reply[min(1, len(e.reply)):] }

// item returns where an item of the body's CBOR is: which says which of them,
// counted from the front, the outermost being zero.
func (e *lie) item(which byte) (from, to int) {
	spans := items(nil, e.body(), min(1, len(e.reply)))
	if len(spans) == 0 {
		return len(e.reply), len(e.reply)
	}
	s := spans[int(which)%len(spans)]
	return s[0], s[1]
}

// items appends where the items of b are, b included, each before those within
// it. at is where b is.
func items(spans [][2]int, b []byte, at int) [][2]int {
	for len(b) > 0 && len(spans) < 256 {
		item, rest, err := cbor.Split(b)
		if err != nil {
			return spans
		}
		spans = append(spans, [2]int{at, at + len(item)})
		if major := item[0] >> 5; major == 4 || major == 5 || major == 6 {
			head := headSize(item[0])
			spans = items(spans, item[min(head, len(item)):], at+head)
		}
		at += len(item)
		b = rest
	}
	return spans
}

// headSize is the length of the head of a CBOR item (RFC 8949 section 3).
func headSize(first byte) int {
	if info := first & 0x1f; info >= 24 && info < 28 {
		return 1 + 1<<(info-24)
	}
	return 1
}
