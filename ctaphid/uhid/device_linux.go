package uhid

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// A Device is the key's end of a device in the kernel: ReadReport returns what
// host programs write to it, WriteReport sends to all that have it open. A
// report costs one system call each way and no allocation.
type Device struct {
	f       *os.File
	in, out int // as ReportSizes has them: in is from the host

	event [eventSize]byte // being read
	reply [32]byte        // to a GET_REPORT or SET_REPORT
	input [4 + 2 + ctaphid.MaxReportSize]byte

	pace pace

	closing sync.Once
	closed  chan struct{}
}

// Create makes a HID device that lasts until Close or the end of the program.
// The node appears a little later, in 20 to 40 milliseconds.
//
// The error is a [*hid.AccessError], which tells what to do, fs.ErrNotExist if
// the kernel has no /dev/uhid, ctaphid.ErrReportSize, or says which string is
// too long.
func Create(o *Options) (*Device, error) {
	if o == nil {
		o = &Options{}
	}
	c, in, out, err := o.creation()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile("/dev/uhid", os.O_RDWR|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, &hid.AccessError{Path: "/dev/uhid", Err: err, Advice: "Making a HID device takes root, or a udev rule that opens /dev/uhid to your group."}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV):
		return nil, fmt.Errorf("uhid: %w: load the kernel module with modprobe uhid; a container needs /dev/uhid passed in", err)
	case err != nil:
		return nil, fmt.Errorf("uhid: %w", err)
	}
	d := newDevice(f, out, in)
	if _, err := f.Write(appendCreate2(nil, &c)); err != nil {
		f.Close()
		return nil, fmt.Errorf("uhid: the kernel refuses the device: %w", err)
	}
	return d, nil
}

// creation returns the options with their defaults, checked. in and out are
// the host's.
func (o *Options) creation() (c creation, in, out int, err error) {
	in, out = cmp.Or(o.ReportIn, ctaphid.MaxReportSize), cmp.Or(o.ReportOut, ctaphid.MaxReportSize)
	if err := (hid.Descriptor{FIDO: true, In: in, Out: out}).Check(); err != nil {
		return c, 0, 0, err
	}
	c = creation{
		name:       cmp.Or(o.Name, "gofido software key"),
		phys:       o.PhysicalPath,
		uniq:       o.Serial,
		bus:        cmp.Or(o.Bus, hid.BusUSB).LinuxCode(),
		vendor:     uint32(o.VendorID),
		product:    uint32(o.ProductID),
		version:    o.Version,
		country:    o.Country,
		descriptor: hid.AppendDescriptor(nil, in, out),
	}
	if c.vendor == 0 && c.product == 0 {
		c.vendor, c.product = 0x1209, 0x0001
	}
	for _, s := range []struct {
		what, text string
		size       int
	}{{"name", c.name, nameSize}, {"physical path", c.phys, physSize}, {"serial number", c.uniq, uniqSize}} {
		if len(s.text) >= s.size {
			return c, 0, 0, fmt.Errorf("uhid: the %s has %d bytes, the kernel takes %d", s.what, len(s.text), s.size-1)
		}
	}
	return c, in, out, nil
}

// newDevice takes over f, which is in the poller.
func newDevice(f *os.File, in, out int) *Device {
	return &Device{f: f, in: in, out: out, closed: make(chan struct{})}
}

// ReadReport implements [ctaphid.Device]. It also answers the kernel's other
// requests, so it has to be called again and again as a Server does.
func (d *Device) ReadReport(p []byte) (int, error) {
	if len(p) < d.in {
		return 0, io.ErrShortBuffer
	}
	for {
		n, err := d.f.Read(d.event[:])
		if err != nil {
			return 0, failure(err)
		}
		r, err := parseEvent(d.event[:n])
		if err != nil {
			return 0, err
		}
		report, reply := d.take(r)
		if reply != nil {
			if _, err := d.f.Write(reply); err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: the request is no longer wanted
				return 0, failure(err)
			}
		}
		if report != nil {
			return copy(p, report), nil
		}
	}
}

// take returns the report that an event brings and the reply that the kernel
// waits for, if there are any.
func (d *Device) take(r request) (report, reply []byte) {
	switch r.event {
	case eventOutput:
		if r.reportType == outputReport {
			report = d.strip(r.data)
		}
	case eventSetReport: // a host that uses the control pipe
		errno := unix.EIO
		if r.reportType == outputReport {
			if report = d.strip(r.data); report != nil {
				errno = 0
			}
		}
		reply = appendSetReportReply(d.reply[:0], r.id, uint16(errno))
	case eventGetReport: // a key has no feature reports, and input reports only come by themselves
		reply = appendGetReportReply(d.reply[:0], r.id, uint16(unix.EIO))
	}
	return report, reply
}

// strip removes the report ID, which is 0, that hidraw leaves in front. A
// longer report than the descriptor allows is nil.
func (d *Device) strip(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(b) != d.in && b[0] == 0 {
		b = b[1:]
	}
	if len(b) > d.in {
		return nil
	}
	return b
}

// WriteReport implements [ctaphid.Device]. It pauses as the package's
// documentation says.
func (d *Device) WriteReport(p []byte) error {
	if len(p) != d.out {
		return fmt.Errorf("uhid: report has %d bytes, the device's have %d", len(p), d.out)
	}
	if wait := d.pace.next(time.Now()); wait > 0 {
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-d.closed:
			t.Stop()
			return os.ErrClosed
		}
	}
	_, err := d.f.Write(appendInput2(d.input[:0], p))
	return failure(err)
}

// SetReadDeadline implements [ctaphid.Device].
func (d *Device) SetReadDeadline(t time.Time) error { return failure(d.f.SetReadDeadline(t)) }

// ReportSizes implements [ctaphid.Device]: in is what the host sends.
func (d *Device) ReportSizes() (in, out int) { return d.in, d.out }

// Close unplugs the device: the node vanishes, and programs that have it open
// see it gone.
func (d *Device) Close() error {
	var err error
	d.closing.Do(func() {
		close(d.closed)
		destroy := binary.NativeEndian.AppendUint32(nil, eventDestroy)
		_, err = d.f.Write(destroy)
		err = errors.Join(failure(err), d.f.Close())
	})
	return err
}

// failure makes the errors of a closed descriptor what [ctaphid.Device] wants.
func failure(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF, errors.Is(err, unix.ENODEV):
		return ctaphid.ErrGone
	case errors.Is(err, os.ErrClosed):
		return os.ErrClosed
	}
	return err
}
