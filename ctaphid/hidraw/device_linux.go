package hidraw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// A Device is an open key. Its methods are those of [ctaphid.Device], with
// BeginCall and EndCall. A report costs one system call each way, a call one
// more, and none an allocation; waiting is left to the runtime's poller.
type Device struct {
	f    *os.File
	lock Lock
	desc hid.Descriptor
	raw  []byte // the report descriptor, nil if the kernel did not tell it

	vendor, product uint16

	// System calls that do not wait.
	tryLock, unlock, drain func() error

	closing sync.Once
	closed  chan struct{}

	out   [1 + ctaphid.MaxReportSize]byte // the report ID, then the report being written
	in    [1 + ctaphid.MaxReportSize]byte // what is read, if it begins with a report ID
	stale [1 + ctaphid.MaxReportSize]byte // what is thrown away
}

// newDevice takes over f, which is in the poller. desc has passed Check.
func newDevice(f *os.File, desc hid.Descriptor, lock Lock) *Device {
	d := &Device{f: f, lock: lock, desc: desc, closed: make(chan struct{})}
	d.out[0] = desc.OutID // 0, and not sent to the key, if it has no report IDs
	d.tryLock = control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	d.unlock = control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_UN) })
	d.drain = control(f, func(fd int) error {
		drain(unix.Read, fd, d.stale[:])
		return nil
	})
	return d
}

// ReadReport implements [ctaphid.Device]. Reports with another ID than that of
// the FIDO collection are passed over.
func (d *Device) ReadReport(p []byte) (int, error) {
	if len(p) < d.desc.In {
		return 0, io.ErrShortBuffer
	}
	if d.desc.InID == 0 {
		n, err := d.f.Read(p[:d.desc.In])
		return n, failure(err)
	}
	for {
		n, err := d.f.Read(d.in[:1+d.desc.In])
		if err != nil {
			return 0, failure(err)
		}
		if d.in[0] == d.desc.InID {
			return copy(p, d.in[1:n]), nil
		}
	}
}

// WriteReport implements [ctaphid.Device].
func (d *Device) WriteReport(p []byte) error {
	if len(p) != d.desc.Out {
		return fmt.Errorf("hidraw: report has %d bytes, the key takes %d", len(p), d.desc.Out)
	}
	n := 1 + copy(d.out[1:], p)
	_, err := d.f.Write(d.out[:n])
	return failure(err)
}

// SetReadDeadline implements [ctaphid.Device].
func (d *Device) SetReadDeadline(t time.Time) error { return failure(d.f.SetReadDeadline(t)) }

// ReportSizes implements [ctaphid.Device].
func (d *Device) ReportSizes() (in, out int) { return d.desc.In, d.desc.Out }

// IDs returns the key's USB vendor and product, or what stands for them on another
// bus.
func (d *Device) IDs() (vendor, product uint16) { return d.vendor, d.product }

// Descriptor returns the key's report descriptor (USB HID 1.11 section 6.2.2),
// nil if the kernel does not tell it.
func (d *Device) Descriptor() []byte { return bytes.Clone(d.raw) }

// BeginCall takes the lock of [LockCall], waiting for other programs, and
// throws away the reports that came for them. It does that with every Lock,
// because not every program locks and the kernel drops new reports when it has
// kept 64: the reply would be the first to go. It must not run at the same time
// as ReadReport. The error is os.ErrClosed, or is [ErrLocked] and, if ctx ended,
// what ended it.
func (d *Device) BeginCall(ctx context.Context) error {
	if d.lock == LockCall {
		if _, err := acquire(ctx, d.closed, d.tryLock); err != nil {
			return err
		}
	}
	return d.drain()
}

// EndCall gives the lock of [LockCall] back.
func (d *Device) EndCall() {
	if d.lock == LockCall {
		d.unlock()
	}
}

// Close implements [ctaphid.Device]. It gives the lock back.
func (d *Device) Close() error {
	d.closing.Do(func() { close(d.closed) })
	if err := d.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// queued is how many reports the kernel keeps for each open of a hidraw node
// (HIDRAW_BUFFER_SIZE).
const queued = 64

// drain throws away the reports that wait to be read, as many as the kernel
// keeps. It knows nothing of the read deadline, which may have passed. What
// reading fails with, the next ReadReport finds out.
func drain(read func(fd int, p []byte) (int, error), fd int, p []byte) {
	for n := 0; n < queued; {
		switch _, err := read(fd, p); err {
		case nil:
			n++
		case unix.EINTR:
		default:
			return
		}
	}
}

// control returns a function that makes a system call which does not wait. It
// is not for several goroutines at a time.
func control(f *os.File, call func(fd int) error) func() error {
	c, err := f.SyscallConn()
	if err != nil {
		return func() error { return failure(err) }
	}
	var failed error
	run := func(fd uintptr) {
		for {
			failed = call(int(fd))
			if failed != unix.EINTR {
				return
			}
		}
	}
	return func() error {
		if c.Control(run) != nil {
			return os.ErrClosed // it fails for no other reason
		}
		return failure(failed)
	}
}

// errSlow is what becomes of the kernel's time-out for a write.
var errSlow = fmt.Errorf("the key takes no report; unplug it and plug it in again: %w", os.ErrDeadlineExceeded)

// gone is what the kernel says of an unplugged device. The last three come from
// the host controller, of a transfer that was under way or before the hub has
// told (Documentation/driver-api/usb/error-codes.rst). EPIPE is not among them:
// it is a key that is there and refuses.
var gone = []error{unix.EIO, unix.ENODEV, unix.ENXIO, unix.ESHUTDOWN, unix.EPROTO, unix.EILSEQ, unix.ETIME}

// failure makes what the kernel says an error of [ctaphid.Device].
func failure(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF, slices.ContainsFunc(gone, func(e error) bool { return errors.Is(err, e) }):
		return ctaphid.ErrGone
	case errors.Is(err, unix.ETIMEDOUT):
		return errSlow
	case errors.Is(err, os.ErrClosed):
		return os.ErrClosed
	}
	return err
}
