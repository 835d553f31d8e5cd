package hidraw

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// A change is what a source of news says about one node. Nothing in it is
// believed but that something happened: sysfs is asked what.
type change struct {
	kind changeKind
	name string // "hidraw0"
}

type changeKind uint8

const (
	appeared    changeKind = iota // the node was made
	settled                       // its permissions may have changed
	disappeared                   // the node was removed
	lost                          // news were lost: look at everything; no name
)

// udevd repeats the kernel's messages after it has dealt with them, with a
// header of its own (systemd's src/libsystemd/sd-device/device-monitor.c): a
// prefix, a magic number in big-endian order, and numbers in the machine's, of
// which the second says where the KEY=value strings begin.
const (
	udevPrefix     = "libudev\x00"
	udevMagic      = 0xfeedcafe
	udevHeaderSize = 40
)

// udevProperties returns the strings in a message of udevd's.
func udevProperties(b []byte) []byte {
	if len(b) < udevHeaderSize || binary.BigEndian.Uint32(b[8:]) != udevMagic {
		return nil
	}
	if offset := binary.NativeEndian.Uint32(b[16:]); uint64(offset) < uint64(len(b)) {
		return b[offset:]
	}
	return nil
}

// parseUevent reads a message of the kernel's kobject uevent socket: a header
// "action@devpath" and KEY=value strings, each ended by NUL; or one of
// udevd's. It is false for what does not concern a hidraw node.
//
// udevd tells later than the kernel, so what it says of removal may be about
// the device before this one; it only counts as settled.
func parseUevent(b []byte) (change, bool) {
	udev := bytes.HasPrefix(b, []byte(udevPrefix))
	if udev {
		b = udevProperties(b)
	}
	var action, subsystem, name string
	for field := range bytes.SplitSeq(b, []byte{0}) {
		key, value, ok := bytes.Cut(field, []byte("="))
		if !ok {
			continue
		}
		switch string(key) {
		case "ACTION":
			action = string(value)
		case "SUBSYSTEM":
			subsystem = string(value)
		case "DEVNAME":
			name = strings.TrimPrefix(string(value), "/dev/")
		}
	}
	if subsystem != "hidraw" || !isNode(name) {
		return change{}, false
	}
	switch {
	case udev && action != "remove":
		return change{settled, name}, true
	case !udev && action == "add":
		return change{appeared, name}, true
	case !udev && action == "remove":
		return change{disappeared, name}, true
	}
	return change{}, false
}
