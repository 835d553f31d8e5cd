package fuzz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// A direction is the way that a report goes.
type direction int

const (
	toKey direction = iota
	toHost
)

func (d direction) back() direction { return 1 - d }

// A wire is between a host and a key, and does to each report what the plan of
// its direction says. It is the device that the host opens; keyEnd is what the
// key's Server serves.
type wire struct {
	*ctaphidtest.Func // what the host reads from

	key     ctaphid.Device // where the host's reports go
	sizes   [2]int         // of reports, by direction
	closing chan struct{}  // closed by Close

	mu       sync.Mutex
	plans    [2]plan
	held     [2][]byte // a report that the next one overtakes
	injected int       // reports that plans have made
	passed   int       // reports that either side was given
	slow     []span    // writes of the host's that took time
	altered  bool      // see isAltered
	refuses  error     // what the host's writes fail with
}

// maxInjected is how many reports one conversation's plans may make: enough to
// show what a flood does, few enough to be quick.
const maxInjected = 3000

// errIO stands for an error of the operating system.
var errIO = errors.New("input/output error")

// newWire returns a wire for reports of the two sizes and the key's end of it.
func newWire(toKeySize, toHostSize int, toKeyPlan, toHostPlan []byte) (w *wire, keyEnd ctaphid.Device) {
	host, key := ctaphid.Pipe(toKeySize, toHostSize)
	w = &wire{
		Func:    ctaphidtest.NewFunc(nil),
		key:     host,
		sizes:   [2]int{toKey: toKeySize, toHost: toHostSize},
		closing: make(chan struct{}),
		plans:   [2]plan{toKey: {input: toKeyPlan}, toHost: {input: toHostPlan}},
	}
	w.In, w.Out = toHostSize, toKeySize
	return w, &wireKeyEnd{key, w}
}

type wireKeyEnd struct {
	ctaphid.Device
	wire *wire
}

func (e *wireKeyEnd) WriteReport(p []byte) error { return e.wire.pass(toHost, p) }

// WriteReport takes a report of the host's.
func (w *wire) WriteReport(p []byte) error {
	if err := w.failing(); err != nil {
		return err
	}
	start := time.Now()
	err := w.pass(toKey, p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if end := time.Now(); end.After(start) {
		w.slow = append(w.slow, span{start, end})
	}
	if err != nil && w.refuses == nil {
		w.refuses = err
	}
	return err
}

// A span is when something was going on.
type span struct{ start, end time.Time }

// heldUp returns how long writes of the host's took after t.
func (w *wire) heldUp(t time.Time) (d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.slow {
		if s.start.Before(t) {
			s.start = t
		}
		d += max(0, s.end.Sub(s.start))
	}
	return d
}

// isAltered reports whether a plan has done something to a report.
func (w *wire) isAltered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.altered
}

func (w *wire) failing() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refuses
}

// pass takes a report on its way.
func (w *wire) pass(d direction, report []byte) error {
	report = bytes.Clone(report)
	t := treatment{frames: []frame{{to: d, report: report}}}
	w.mu.Lock()
	overtaken := w.held[d]
	w.held[d] = nil
	if code, ok := w.plans[d].next(); ok {
		if operation, ok := choose(wireOperations, code); ok {
			w.altered = true
			t.frames = nil
			operation(w, &t, &w.plans[d], frame{to: d, report: report})
		}
	}
	if overtaken != nil {
		t.frames = append(t.frames, frame{to: d, report: overtaken})
	}
	w.mu.Unlock()

	if t.stall > 0 && !w.sleep(t.stall) {
		return os.ErrClosed
	}
	for _, f := range t.frames {
		if f.after > 0 {
			time.AfterFunc(f.after, func() { w.deliver(f) })
		} else if err := w.deliver(f); err != nil && f.to == d {
			return err
		}
	}
	if t.cut {
		w.unplug()
	}
	return t.err
}

// sleep returns false if the wire is closed meanwhile. No lock is held, because
// one that is waited for would stop virtual time.
func (w *wire) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.closing:
		return false
	}
}

func (w *wire) deliver(f frame) error {
	w.mu.Lock()
	w.passed++
	w.mu.Unlock()
	if f.to == toHost {
		w.SendReport(f.report)
		return nil
	}
	if len(f.report) != w.sizes[toKey] {
		return nil // no host can send it
	}
	return w.key.WriteReport(f.report)
}

// unplug takes the key away from the host and the host from the key.
func (w *wire) unplug() {
	w.mu.Lock()
	if w.refuses == nil {
		w.refuses = ctaphid.ErrGone
	}
	w.mu.Unlock()
	w.Unplug()
	w.key.Close()
}

// Close closes the host's end.
func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuses != os.ErrClosed {
		w.refuses = os.ErrClosed
		close(w.closing)
		w.Func.Close()
		w.key.Close()
	}
	return nil
}

// honest makes the wire leave the reports alone from now on. It reports whether
// the host can still use it.
func (w *wire) honest() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for d := range w.plans {
		w.plans[d].end()
		w.held[d] = nil
	}
	return w.refuses == nil
}

// A frame is a report and where it goes.
type frame struct {
	to     direction
	report []byte
	after  time.Duration // others overtake it meanwhile
}

// A treatment is what becomes of one report.
type treatment struct {
	frames []frame
	stall  time.Duration // how long whoever writes the report is held up before
	cut    bool          // the key is unplugged afterwards
	err    error         // what whoever writes the report is told
}

func (t *treatment) send(frames ...frame) { t.frames = append(t.frames, frames...) }

// The operations on reports, by their place in wireOperations. Most pass the
// report on as well.
const (
	wirePass      byte = iota //
	wireDrop                  // the report is lost
	wireTwice                 // it comes twice
	wireHold                  // the next one overtakes it
	wireLater                 // 1 byte, 20 ms each: others overtake it
	wireStall                 // 1 byte, 10 ms each: it and what is behind it is late
	wireCorrupt               // offset, mask
	wireChannel               // 1 byte: it is on another channel
	wireTruncate              // 1 byte: its length
	wireReplace               // blob: another report, padded, in its place
	wireExact                 // blob: the same, not padded
	wireBefore                // blob: another report, padded, comes before it
	wireOwn                   // blob: the same, on the report's channel
	wireRefuse                // 1 byte: ERROR in answer, and it is lost
	wireKeepalive             // status, count: so many come before it
	wireFlood                 // channel, count: copies on another channel come before it
	wireMessage               // command, 2 bytes length: a message of zeros on its channel comes before it
	wireForeign               // a copy with other data, as another program's INIT, comes before it
	wireUnplug                // the key is unplugged after it
	wireFail                  // it is lost, and the host's write fails
)

var wireOperations = []func(w *wire, t *treatment, in *plan, f frame){
	wirePass: func(_ *wire, t *treatment, _ *plan, f frame) { t.send(f) },
	wireDrop: func(*wire, *treatment, *plan, frame) {},
	wireTwice: func(w *wire, t *treatment, _ *plan, f frame) {
		t.send(w.inject(f.to, f.report, 1)...)
		t.send(f)
	},
	wireHold: func(w *wire, _ *treatment, _ *plan, f frame) { w.held[f.to] = f.report },
	wireLater: func(_ *wire, t *treatment, in *plan, f frame) {
		f.after = time.Duration(in.byte()) * 20 * time.Millisecond
		t.send(f)
	},
	wireStall: func(_ *wire, t *treatment, in *plan, f frame) {
		t.stall = time.Duration(in.byte()) * 10 * time.Millisecond
		t.send(f)
	},
	wireCorrupt: func(_ *wire, t *treatment, in *plan, f frame) {
		if at, mask := int(in.byte()), in.byte(); at < len(f.report) {
			f.report[at] ^= mask
		}
		t.send(f)
	},
	wireChannel: func(_ *wire, t *treatment, in *plan, f frame) {
		setChannel(f.report, in.byte())
		t.send(f)
	},
	wireTruncate: func(_ *wire, t *treatment, in *plan, f frame) {
		f.report = f.report[:min(int(in.byte()), len(f.report))]
		t.send(f)
	},
	wireReplace: func(w *wire, t *treatment, in *plan, f frame) {
		t.send(w.inject(f.to, w.pad(f.to, in.blob()), 1)...)
	},
	wireExact: func(w *wire, t *treatment, in *plan, f frame) {
		t.send(w.inject(f.to, in.blob(), 1)...)
	},
	wireBefore: func(w *wire, t *treatment, in *plan, f frame) {
		t.send(w.inject(f.to, w.pad(f.to, in.blob()), 1)...)
		t.send(f)
	},
	wireOwn: func(w *wire, t *treatment, in *plan, f frame) {
		report := append(bytes.Clone(f.report[:4]), in.blob()...)
		t.send(w.inject(f.to, w.pad(f.to, report), 1)...)
		t.send(f)
	},
	wireRefuse: func(w *wire, t *treatment, in *plan, f frame) {
		t.send(w.message(f.to.back(), f.report, ctaphid.CommandError, []byte{in.byte()})...)
	},
	wireKeepalive: func(w *wire, t *treatment, in *plan, f frame) {
		for status, n := in.byte(), in.byte(); n > 0; n-- {
			t.send(w.message(f.to, f.report, ctaphid.CommandKeepalive, []byte{status})...)
		}
		t.send(f)
	},
	wireFlood: func(w *wire, t *treatment, in *plan, f frame) {
		foreign := bytes.Clone(f.report)
		setChannel(foreign, in.byte())
		t.send(w.inject(f.to, foreign, int(in.byte()))...)
		t.send(f)
	},
	wireMessage: func(w *wire, t *treatment, in *plan, f frame) {
		command := ctaphid.Command(in.byte() & 0x7f)
		data := make([]byte, in.number()%(ctaphid.MaxMessage(w.sizes[f.to])+1))
		t.send(w.message(f.to, f.report, command, data)...)
		t.send(f)
	},
	wireForeign: func(w *wire, t *treatment, _ *plan, f frame) {
		other := bytes.Clone(f.report)
		for i := 7; i < min(19, len(other)); i++ {
			other[i] ^= 0x5a
		}
		t.send(w.inject(f.to, other, 1)...)
		t.send(f)
	},
	wireUnplug: func(_ *wire, t *treatment, _ *plan, f frame) {
		t.send(f)
		t.cut = true
	},
	wireFail: func(_ *wire, t *treatment, _ *plan, f frame) {
		if f.to == toKey {
			t.err = errIO
		}
	},
}

// inject returns n copies of a report that a plan makes, or as many as may be
// made yet.
func (w *wire) inject(d direction, report []byte, n int) []frame {
	n = min(n, maxInjected-w.injected)
	w.injected += n
	frames := make([]frame, 0, max(n, 0))
	for range n {
		frames = append(frames, frame{to: d, report: report})
	}
	return frames
}

// message returns the reports of a message on the channel of a report.
func (w *wire) message(d direction, report []byte, c ctaphid.Command, data []byte) (frames []frame) {
	cid := ctaphid.CID(binary.BigEndian.Uint32(report))
	for _, r := range ctaphidtest.Reports(w.sizes[d], ctaphid.Message{CID: cid, Command: c, Data: data}) {
		frames = append(frames, w.inject(d, r, 1)...)
	}
	return frames
}

// pad fills a report with zeros up to its size, or cuts it there.
func (w *wire) pad(d direction, report []byte) []byte {
	padded := make([]byte, w.sizes[d])
	copy(padded, report)
	return padded
}

// setChannel puts a report on another channel: a special one, one that another
// program may have, or one near its own.
func setChannel(report []byte, b byte) {
	cid := binary.BigEndian.Uint32(report)
	switch b & 7 {
	case 0:
		cid = uint32(ctaphid.BroadcastCID)
	case 1:
		cid = uint32(ctaphid.ReservedCID)
	case 2, 3:
		cid ^= uint32(b)
	default:
		cid = uint32(b >> 3)
	}
	binary.BigEndian.PutUint32(report, cid)
}
