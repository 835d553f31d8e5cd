//go:build linux

package guest

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/internal/vm/gadget"
)

// A usbDevice is the key's end of a USB gadget as a [ctaphid.Device]. Close
// unplugs the gadget and removes it.
type usbDevice struct {
	g *gadget.Gadget
	f *os.File

	closing sync.Once
	err     error
}

func newUSBDevice(g *gadget.Gadget) *usbDevice { return &usbDevice{g: g, f: g.Device()} }

func (d *usbDevice) ReadReport(p []byte) (int, error) {
	n, err := d.f.Read(p)
	return n, d.failure(err)
}

func (d *usbDevice) WriteReport(p []byte) error {
	_, err := d.f.Write(p)
	return d.failure(err)
}

func (d *usbDevice) SetReadDeadline(t time.Time) error { return d.failure(d.f.SetReadDeadline(t)) }

func (*usbDevice) ReportSizes() (in, out int) { return ctaphid.MaxReportSize, ctaphid.MaxReportSize }

func (d *usbDevice) Close() error {
	d.closing.Do(func() { d.err = d.g.Close() })
	return d.err
}

// failure makes the error of a file that Unplug has closed the seam's.
func (d *usbDevice) failure(err error) error {
	if err != nil && (d.g.Device() != d.f || errors.Is(err, os.ErrClosed)) {
		return os.ErrClosed
	}
	return err
}
