package hidapi

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// Slice is the longest time for which ReadReport can't be interrupted.
const Slice = 50 * time.Millisecond

// A handle is what a Device needs of HIDAPI.
type handle interface {
	// read waits for a report and is 0, nil if none came in time. A time-out
	// of 0 does not wait.
	read(p []byte, timeout time.Duration) (int, error)
	write(p []byte) error // p begins with the report ID
	close()
	present() bool // whether the system still has the device; slow
}

var _ ctaphid.Device = (*Device)(nil)

// A Device is an open key.
type Device struct {
	h    handle
	desc hid.Descriptor

	vendor, product uint16

	reading, writing chan struct{} // one slot each: who has it may use h for that
	closing          sync.Once
	closed           chan struct{}

	mu       sync.Mutex // held for a moment only
	deadline time.Time

	out [1 + ctaphid.MaxReportSize]byte
	in  [1 + ctaphid.MaxReportSize]byte
}

// newDevice takes over h. desc has passed Check.
func newDevice(h handle, desc hid.Descriptor) *Device {
	d := &Device{h: h, desc: desc, reading: make(chan struct{}, 1), writing: make(chan struct{}, 1), closed: make(chan struct{})}
	d.out[0] = desc.OutID // 0, and not sent to the key, if it has no report IDs
	return d
}

const (
	readTries  = 3 // a signal to the program ends HIDAPI's wait with an error, too
	retryPause = 10 * time.Millisecond
)

// ReadReport implements [ctaphid.Device].
func (d *Device) ReadReport(p []byte) (int, error) {
	if len(p) < d.desc.In {
		return 0, io.ErrShortBuffer
	}
	d.reading <- struct{}{}
	defer func() { <-d.reading }()
	failures := 0
	for {
		wait, err := d.slice()
		if err != nil {
			return 0, err
		}
		buf := d.in[:d.desc.In]
		if d.desc.InID != 0 {
			buf = d.in[:1+d.desc.In]
		}
		n, err := d.h.read(buf, wait)
		switch {
		case err != nil:
			if failures++; failures == readTries {
				return 0, fmt.Errorf("%w (%s)", ctaphid.ErrGone, hid.Text(err.Error()))
			}
			d.pause()
		case n == 0: // time-out
			failures = 0
		case d.desc.InID == 0:
			return copy(p, buf[:n]), nil
		case buf[0] == d.desc.InID:
			return copy(p, buf[1:n]), nil
		}
	}
}

// slice returns how long the next read may take: at least a millisecond, as
// HIDAPI counts in those.
func (d *Device) slice() (time.Duration, error) {
	if d.isClosed() {
		return 0, os.ErrClosed
	}
	d.mu.Lock()
	deadline := d.deadline
	d.mu.Unlock()
	if deadline.IsZero() {
		return Slice, nil
	}
	left := time.Until(deadline)
	if left <= 0 {
		return 0, os.ErrDeadlineExceeded
	}
	return min(Slice, max(left, time.Millisecond)), nil
}

func (d *Device) isClosed() bool {
	select {
	case <-d.closed:
		return true
	default:
		return false
	}
}

func (d *Device) pause() {
	t := time.NewTimer(retryPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-d.closed:
	}
}

// queued is the most reports that a system keeps for HIDAPI: 64 on Linux and
// Windows, 30 elsewhere.
const queued = 64

// BeginCall throws away the reports that are queued. What reading fails with,
// the next ReadReport finds out.
func (d *Device) BeginCall(context.Context) error {
	d.reading <- struct{}{}
	defer func() { <-d.reading }()
	if d.isClosed() {
		return os.ErrClosed
	}
	for range queued {
		if n, err := d.h.read(d.in[:], 0); n <= 0 || err != nil {
			break
		}
	}
	return nil
}

// WriteReport implements [ctaphid.Device].
func (d *Device) WriteReport(p []byte) error {
	if len(p) != d.desc.Out {
		return fmt.Errorf("hidapi: report has %d bytes, the key takes %d", len(p), d.desc.Out)
	}
	d.writing <- struct{}{}
	defer func() { <-d.writing }()
	if d.isClosed() {
		return os.ErrClosed
	}
	n := 1 + copy(d.out[1:], p)
	err := d.h.write(d.out[:n])
	switch {
	case err == nil:
		return nil
	case !d.h.present():
		return ctaphid.ErrGone
	}
	return fmt.Errorf("hidapi: report can't be written: %s", hid.Text(err.Error()))
}

// SetReadDeadline implements [ctaphid.Device]. A read that is under way takes
// up to [Slice] to notice.
func (d *Device) SetReadDeadline(t time.Time) error {
	if d.isClosed() {
		return os.ErrClosed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deadline = t
	return nil
}

// IDs returns the key's USB vendor and product; 0 and 0 if the system does not tell.
func (d *Device) IDs() (vendor, product uint16) { return d.vendor, d.product }

// ReportSizes implements [ctaphid.Device].
func (d *Device) ReportSizes() (in, out int) { return d.desc.In, d.desc.Out }

// Close implements [ctaphid.Device]. It waits for a read, up to [Slice], and
// for a write, which the system ends after some seconds at most, because
// HIDAPI must not be used while it closes.
func (d *Device) Close() error {
	d.closing.Do(func() {
		close(d.closed)
		d.reading <- struct{}{}
		d.writing <- struct{}{}
		d.h.close()
		<-d.reading // for calls to come, which find the device closed
		<-d.writing
	})
	return nil
}
