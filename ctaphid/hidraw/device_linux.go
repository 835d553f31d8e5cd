package hidraw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// A Device is an open key. Its methods are those of [ctaphid.Device], plus
// BeginCall and EndCall for [LockCall]. A report costs one system call each way
// and no allocation; waiting is left to the runtime's poller.
type Device struct {
	f    *os.File
	lock Lock
	desc hid.Descriptor
	raw  []byte // the report descriptor, nil if the kernel did not tell it

	out [1 + ctaphid.MaxReportSize]byte // the report ID, then the report being written
	in  [1 + ctaphid.MaxReportSize]byte // what is read, if it begins with a report ID
}

// newDevice takes over f, which is in the poller. desc has passed Check.
func newDevice(f *os.File, desc hid.Descriptor, lock Lock) *Device {
	d := &Device{f: f, lock: lock, desc: desc}
	d.out[0] = desc.OutID // 0, and not sent to the key, if it has no report IDs
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

// Descriptor returns the key's report descriptor (USB HID 1.11 section 6.2.2),
// nil if the kernel does not tell it.
func (d *Device) Descriptor() []byte { return bytes.Clone(d.raw) }

// BeginCall takes the lock of [LockCall], waiting for other programs, and
// throws away the reports that came for them; with another Lock it does
// nothing. It must not run at the same time as ReadReport. The error is
// os.ErrClosed, or is [ErrLocked] and, if ctx ended, what ended it.
func (d *Device) BeginCall(ctx context.Context) error {
	if d.lock != LockCall {
		return nil
	}
	if _, err := acquire(ctx, d.tryLock); err != nil {
		return err
	}
	d.drain()
	return nil
}

// EndCall gives the lock of [LockCall] back.
func (d *Device) EndCall() {
	if d.lock != LockCall {
		return
	}
	d.control(func(fd int) error { return unix.Flock(fd, unix.LOCK_UN) })
}

// Close implements [ctaphid.Device]. It gives the lock back.
func (d *Device) Close() error {
	if err := d.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

func (d *Device) tryLock() error {
	return d.control(func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
}

// queued is how many reports the kernel keeps for each open of a hidraw node
// (HIDRAW_BUFFER_SIZE).
const queued = 64

// drain throws away the reports that wait to be read. It looks past the read
// deadline, which may have passed.
func (d *Device) drain() {
	var b [1 + ctaphid.MaxReportSize]byte
	d.control(func(fd int) error {
		for range queued {
			if n, err := unix.Read(fd, b[:]); n <= 0 || err != nil && err != unix.EINTR {
				break
			}
		}
		return nil
	})
}

// control runs a system call that does not wait.
func (d *Device) control(call func(fd int) error) error {
	c, err := d.f.SyscallConn()
	if err != nil {
		return failure(err)
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		for {
			failed = call(int(fd))
			if failed != unix.EINTR {
				return
			}
		}
	})
	if err != nil {
		return os.ErrClosed // Control fails for no other reason
	}
	return failure(failed)
}

// failure makes what the kernel says of an unplugged device [ctaphid.ErrGone].
func failure(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF, errors.Is(err, unix.EIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ESHUTDOWN):
		return ctaphid.ErrGone
	case errors.Is(err, os.ErrClosed):
		return os.ErrClosed
	}
	return err
}
