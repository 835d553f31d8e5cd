//go:build linux

package guest

import (
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/internal/vm/gadget"
)

// A Route is a way on which a key in this program becomes a hidraw node of the
// machine.
type Route struct {
	Name string

	// Longest is the most bytes of data that a message to the key may have.
	Longest int

	create func(serial string) (ctaphid.Device, error)
}

// UHID makes a device on /dev/uhid, which has no flow control.
var UHID = Route{"uhid", uhid.MaxMessage, func(serial string) (ctaphid.Device, error) {
	return uhid.Create(&uhid.Options{Serial: serial})
}}

// USB plugs a USB device into the simulated bus.
var USB = Route{"USB", ctaphid.MaxMessageSize, func(serial string) (ctaphid.Device, error) {
	g, err := gadget.Create(Descriptor, gadget.Config{Serial: serial})
	if err != nil {
		return nil, err
	}
	return newUSBDevice(g), nil
}}

// Routes are all of them.
var Routes = []Route{UHID, USB}
