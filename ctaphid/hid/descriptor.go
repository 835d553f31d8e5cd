package hid

import (
	"fmt"

	"github.com/gofido/fido/ctaphid"
)

// MaxDescriptorSize is the most bytes that a report descriptor may have on
// Linux, and the most that [ParseDescriptor] takes.
const MaxDescriptorSize = 4096

// FIDOUsage is the usage of a FIDO key's collection: usage page 0xF1D0 in the
// upper half, usage 0x01 in the lower (CTAP 2.3 section 11.2.8.1).
const FIDOUsage = 0xf1d0_0001

const (
	usageDataIn  = 0x20 // in the input report
	usageDataOut = 0x21 // in the output report
)

// A Descriptor is what a report descriptor says of the device's FIDO
// collection. "Input" is the direction from the device to the host.
type Descriptor struct {
	// FIDO is true if the device has a collection with [FIDOUsage]. The other
	// fields speak of the first one.
	FIDO bool

	// In and Out are the sizes, in bytes, of the input and the output report,
	// without a report ID. 0 if the collection has no such report.
	In, Out int

	// InID and OutID are the report IDs, 0 if the reports have none: then a
	// report is not preceded by an ID when it is read.
	InID, OutID byte
}

// A DescriptorError is a report descriptor that breaks the rules of HID.
type DescriptorError struct {
	Offset  int    // where, in bytes
	Problem string // as in "item is cut off"
}

func (e *DescriptorError) Error() string {
	return fmt.Sprintf("hid: the report descriptor is malformed at byte %d: %s", e.Offset, e.Problem)
}

// A SizeError says that a FIDO device's reports have a size in which CTAPHID
// can't be spoken. It is [ctaphid.ErrReportSize] to errors.Is.
type SizeError struct {
	In, Out int // in bytes
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("hid: the key has reports of %d bytes in and %d bytes out; CTAPHID needs %d to %d",
		e.In, e.Out, ctaphid.MinReportSize, ctaphid.MaxReportSize)
}

// Unwrap returns ctaphid.ErrReportSize.
func (e *SizeError) Unwrap() error { return ctaphid.ErrReportSize }

// Check returns nil if CTAPHID can be spoken with the device, [ErrNotFIDO] if
// it is not a FIDO key, or a [*SizeError].
func (d Descriptor) Check() error {
	switch {
	case !d.FIDO:
		return ErrNotFIDO
	case !sizeOK(d.In) || !sizeOK(d.Out):
		return &SizeError{In: d.In, Out: d.Out}
	}
	return nil
}

func sizeOK(n int) bool { return n >= ctaphid.MinReportSize && n <= ctaphid.MaxReportSize }

// AppendDescriptor appends the report descriptor of a FIDO key to dst: one
// collection with an input report of in bytes and an output report of out
// bytes (1 to 255), without report IDs. For 64 and 64 it is the 34 bytes that
// most keys have (CTAP 2.3 section 11.2.8.1).
func AppendDescriptor(dst []byte, in, out int) []byte {
	return append(dst,
		0x06, 0xd0, 0xf1, // usage page 0xF1D0
		0x09, 0x01, // usage 1: a CTAPHID device
		0xa1, 0x01, // collection: application
		0x09, usageDataIn,
		0x15, 0x00, 0x26, 0xff, 0x00, // values from 0 to 255
		0x75, 0x08, 0x95, byte(in), // this many fields of 8 bits
		0x81, 0x02, // input: data, variable, absolute
		0x09, usageDataOut,
		0x15, 0x00, 0x26, 0xff, 0x00,
		0x75, 0x08, 0x95, byte(out),
		0x91, 0x02, // output: data, variable, absolute
		0xc0, // end of collection
	)
}
