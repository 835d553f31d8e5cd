package hid

import (
	"fmt"

	"github.com/gofido/fido/internal/printable"
)

// An Info describes a FIDO device that the system knows, whether this program
// may open it or not. The strings come from the device and the system by way
// of [Text].
type Info struct {
	Path                string // what Open takes: "/dev/hidraw0" on Linux
	Bus                 Bus
	VendorID, ProductID uint16
	Manufacturer        string // empty if unknown, as are the next two
	Product             string
	Serial              string
	PhysicalPath        string // where it is plugged in, as in "usb-0000:00:14.0-2/input0"; empty if unknown

	// USBBus and USBDevice are where the kernel has the USB device, as lsusb shows
	// it, which tells it from all others until it is unplugged. Both are 0 if
	// unknown, as on systems other than Linux.
	USBBus, USBDevice int

	// ReportIn and ReportOut are the sizes, in bytes, of the reports from and
	// to the device. Both are 0 if the system does not tell without opening
	// the device.
	ReportIn, ReportOut int

	// Access is nil if, as far as can be seen without opening it, this program
	// may open the device. Otherwise it is an [*AccessError] that explains.
	Access error
}

// String returns the device in one line, as in "/dev/hidraw0: Example Key
// (1209:0001)".
func (i Info) String() string {
	name := i.Product
	if name == "" {
		name = "unnamed key"
	}
	return fmt.Sprintf("%s: %s (%04x:%04x)", i.Path, name, i.VendorID, i.ProductID)
}

// A Bus is what a device is connected by.
type Bus uint8

const (
	BusUnknown Bus = iota
	BusUSB
	BusBluetooth
	BusI2C
	BusSPI
	BusVirtual // made by a program, as by package uhid
)

var busNames = [...]string{"unknown", "USB", "Bluetooth", "I2C", "SPI", "virtual"}

// String names the bus.
func (b Bus) String() string {
	if int(b) < len(busNames) {
		return busNames[b]
	}
	return fmt.Sprintf("bus %d", uint8(b))
}

// LinuxCode returns the bus's number in the kernel's linux/input.h, 0 for an
// unknown one.
func (b Bus) LinuxCode() uint16 {
	if int(b) < len(busCodes) {
		return busCodes[b]
	}
	return 0
}

var busCodes = [...]uint16{BusUSB: 0x03, BusBluetooth: 0x05, BusVirtual: 0x06, BusI2C: 0x18, BusSPI: 0x1c}

// LinuxBus returns the bus with a number of the kernel's linux/input.h.
func LinuxBus(code uint16) Bus {
	for b, c := range busCodes {
		if c == code && c != 0 {
			return Bus(b)
		}
	}
	return BusUnknown
}

// Text makes a string that a device supplied fit to be shown: bytes that are
// not UTF-8 and characters that can't be printed (a terminal might obey them)
// become U+FFFD, blanks around it are removed, and what follows the first
// 512 bytes is cut off.
func Text(s string) string { return printable.Text(s) }
