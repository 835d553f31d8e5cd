package fido

import "github.com/gofido/fido/ctaphid"

// ids name a kind of USB device.
type ids struct{ vendor, product uint16 }

// u2fOnly are the keys that are spoken to in U2F whatever they announce: they break
// when they are asked for what CTAP2 has. These are the keys that Chromium forces to
// U2F (device/fido/hid/fido_hid_device.cc).
var u2fOnly = map[ids]string{
	{0x10c4, 0x8acf}: "U2F Zero",
	{0x20a0, 0x4287}: "Nitrokey FIDO U2F",
}

// forcedU2F reports whether dev is one of those. Only a device that has a method
// IDs says what it is.
func forcedU2F(dev ctaphid.Device) bool {
	d, ok := dev.(interface {
		IDs() (vendor, product uint16)
	})
	if !ok {
		return false
	}
	vendor, product := d.IDs()
	_, listed := u2fOnly[ids{vendor, product}]
	return listed
}
