package ctaphidtest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// A Frame is one report on its way through a faulty wire.
type Frame struct {
	ToHost bool
	Number int           // which report in its direction, from 1; 0 for one that a fault made
	Report []byte        // one that a fault made is filled with zeros up to the report size
	Delay  time.Duration // how long it is held up, and what is behind it with it
	Cut    bool          // the device is gone after it
}

// A Fault does something to the reports that pass: it returns the frames that
// go on in place of f, to either side. None drops it. A Fault is asked by one
// goroutine at a time and may keep state, so one value serves one device.
type Fault func(f Frame) []Frame

// A faulty is a Device with faults on the wire to it.
type faulty struct {
	*inbox
	dev      ctaphid.Device
	reading  chan struct{} // holds one element while somebody reads from dev
	writing  chan struct{} // the same for writing
	closing  chan struct{}
	stopped  sync.Once
	finished chan struct{} // closed when the pump has ended

	mu           sync.Mutex
	faults       []Fault
	sent, passed int // numbers of the last frames to the device and to the host
}

// Faulty returns dev behind a wire with faults, which each report passes in
// the order given. What a fault returns passes those after it, unless it goes
// the other way. A goroutine reads from dev until the returned device is
// closed, which closes dev.
func Faulty(dev ctaphid.Device, faults ...Fault) ctaphid.Device {
	f := &faulty{
		inbox:    newInbox(),
		dev:      dev,
		reading:  make(chan struct{}, 1),
		writing:  make(chan struct{}, 1),
		closing:  make(chan struct{}),
		finished: make(chan struct{}),
		faults:   faults,
	}
	go f.pump()
	return f
}

// pump carries reports from the device to the inbox.
func (f *faulty) pump() {
	defer close(f.finished)
	in, out := f.dev.ReportSizes()
	p := make([]byte, max(in, out))
	for {
		f.reading <- struct{}{}
		n, err := f.dev.ReadReport(p)
		<-f.reading
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue // BeginCall wants to have its turn
		}
		if err != nil {
			f.cut()
			return
		}
		f.mu.Lock()
		f.passed++
		frames := f.apply(Frame{ToHost: true, Number: f.passed, Report: bytes.Clone(p[:n])})
		f.mu.Unlock()
		if f.deliver(frames) != nil {
			return
		}
	}
}

// BeginCall passes on to the device that a call begins, with the pump held, and
// drops what has passed the faults. What a fault delays comes later.
func (f *faulty) BeginCall(ctx context.Context) error {
	if err := f.state(); err != nil {
		return err
	}
	f.dev.SetReadDeadline(time.Unix(1, 0)) // an error shows in its BeginCall
	f.reading <- struct{}{}
	defer func() { <-f.reading }()
	err := beginCall(ctx, f.dev)
	f.dev.SetReadDeadline(time.Time{})
	if err != nil {
		return err
	}
	return f.inbox.BeginCall(ctx)
}

// EndCall passes on to the device that a call has ended.
func (f *faulty) EndCall() { endCall(f.dev) }

// WriteReport sends a report through the faults.
func (f *faulty) WriteReport(p []byte) error {
	if err := f.state(); err != nil {
		return err
	}
	f.mu.Lock()
	f.sent++
	frames := f.apply(Frame{Number: f.sent, Report: bytes.Clone(p)})
	f.mu.Unlock()
	return f.deliver(frames)
}

// apply lets the frame pass all faults. Frames that a fault sends the other way
// pass no more of them.
func (f *faulty) apply(frame Frame) []Frame {
	frames := []Frame{frame}
	for _, fault := range f.faults {
		var next []Frame
		for _, g := range frames {
			if g.ToHost != frame.ToHost {
				next = append(next, g)
				continue
			}
			next = append(next, fault(g)...)
		}
		frames = next
	}
	return frames
}

func (f *faulty) deliver(frames []Frame) error {
	for _, g := range frames {
		if g.Delay > 0 {
			timer := time.NewTimer(g.Delay)
			select {
			case <-timer.C:
			case <-f.closing:
				timer.Stop()
				return os.ErrClosed
			}
		}
		if g.Number == 0 {
			size, out := f.dev.ReportSizes()
			if !g.ToHost {
				size = out
			}
			g.Report = append(g.Report, make([]byte, max(0, size-len(g.Report)))...)
		}
		if g.Cut && !g.ToHost {
			f.cut() // first, so that no reply to this report is quicker
		}
		if g.ToHost {
			f.push(g.Report)
		} else if err := f.write(g.Report); err != nil {
			return err
		}
		if g.Cut {
			f.cut()
			f.stop()
			return ctaphid.ErrGone
		}
	}
	return nil
}

// write sends a report to the device: one of the host's, or one with which a
// fault answers the device, from the pump.
func (f *faulty) write(report []byte) error {
	f.writing <- struct{}{}
	defer func() { <-f.writing }()
	return f.dev.WriteReport(report)
}

func (f *faulty) stop() {
	f.stopped.Do(func() {
		close(f.closing)
		f.dev.Close()
	})
}

// ReportSizes returns the sizes of the device.
func (f *faulty) ReportSizes() (in, out int) { return f.dev.ReportSizes() }

// Close closes the device and returns when nothing runs any more.
func (f *faulty) Close() error {
	f.close()
	f.stop()
	<-f.finished
	return nil
}
