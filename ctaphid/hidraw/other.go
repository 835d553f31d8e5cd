//go:build !linux

package hidraw

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"time"

	"github.com/gofido/fido/ctaphid/hid"
)

var errUnsupported = fmt.Errorf("hidraw: /dev/hidraw exists on Linux only; on %s use package hidapi in a build with cgo: %w", runtime.GOOS, errors.ErrUnsupported)

// List returns an error that is errors.ErrUnsupported.
func List() ([]hid.Info, error) { return nil, errUnsupported }

// Open returns an error that is errors.ErrUnsupported.
func Open(context.Context, string, *Options) (*Device, error) { return nil, errUnsupported }

// Watch returns an error that is errors.ErrUnsupported.
func Watch(context.Context) (iter.Seq2[Event, error], error) { return nil, errUnsupported }

// A Device can't be had on this system; see the documentation for Linux.
type Device struct{ _ struct{} }

func (*Device) ReadReport([]byte) (int, error)  { return 0, errUnsupported }
func (*Device) WriteReport([]byte) error        { return errUnsupported }
func (*Device) SetReadDeadline(time.Time) error { return errUnsupported }
func (*Device) ReportSizes() (in, out int)      { return 0, 0 }
func (*Device) IDs() (vendor, product uint16)   { return 0, 0 }
func (*Device) Descriptor() []byte              { return nil }
func (*Device) BeginCall(context.Context) error { return errUnsupported }
func (*Device) EndCall()                        {}
func (*Device) Close() error                    { return nil }
