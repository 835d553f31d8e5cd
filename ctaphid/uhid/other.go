//go:build !linux

package uhid

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

var errUnsupported = fmt.Errorf("uhid: a software key can be a HID device of the kernel on Linux only, not on %s: %w", runtime.GOOS, errors.ErrUnsupported)

// Create returns an error that is errors.ErrUnsupported.
func Create(*Options) (*Device, error) { return nil, errUnsupported }

// A Device can't be had on this system; see the documentation for Linux.
type Device struct{ _ struct{} }

func (*Device) ReadReport([]byte) (int, error)  { return 0, errUnsupported }
func (*Device) WriteReport([]byte) error        { return errUnsupported }
func (*Device) SetReadDeadline(time.Time) error { return errUnsupported }
func (*Device) ReportSizes() (in, out int)      { return 0, 0 }
func (*Device) Close() error                    { return nil }
