package uhid

import (
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

var _ ctaphid.Device = (*Device)(nil)

// MaxMessage is the most bytes of data that a message to the key should have:
// the kernel keeps 31 reports of 64 bytes, which hold 1,827.
const MaxMessage = 1800

// Options say what the kernel is told of the device. Nil stands for the zero
// value, and a field's zero value for what its comment says.
type Options struct {
	Name         string // at most 127 bytes; "gofido software key"
	PhysicalPath string // at most 63 bytes; what HID_PHYS shows; none
	Serial       string // at most 63 bytes; what HID_UNIQ shows; none

	// Bus is what the device claims to be connected by; USB, because libfido2
	// shows no others by default.
	Bus hid.Bus

	// VendorID and ProductID are 1209:0001 if both are zero: an ID that
	// pid.codes gives away for tests.
	VendorID, ProductID uint16

	Version uint32 // of the device, as in bcdDevice; 0
	Country uint32 // of HID's country codes; 0

	// ReportIn and ReportOut are the sizes, in bytes, of the reports to the
	// host and from the host; 64. Other sizes than 8 to 64 are refused.
	ReportIn, ReportOut int
}
