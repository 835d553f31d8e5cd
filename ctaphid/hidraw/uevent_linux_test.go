package hidraw

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func nul(fields ...string) string { return strings.Join(fields, "\x00") + "\x00" }

// What the kernel sends, and what udevd makes of it (systemd's
// sd-device-monitor: "libudev", then binary fields, then properties).
var (
	kernelAdd = nul("add@/devices/virtual/misc/uhid/0003:1209:0001.0001/hidraw/hidraw0", "ACTION=add",
		"DEVPATH=/devices/virtual/misc/uhid/0003:1209:0001.0001/hidraw/hidraw0", "SUBSYSTEM=hidraw", "MAJOR=241", "MINOR=0", "DEVNAME=hidraw0", "SEQNUM=1234")
	udevAdd = udevMessage(udevMagic, udevHeaderSize)
)

// udevMessage has hashes at the end of its header that are not zero.
func udevMessage(magic, offset uint32) string {
	b := binary.BigEndian.AppendUint32([]byte(udevPrefix), magic)
	for _, n := range []uint32{udevHeaderSize, offset, 100, 0x01020304, 0, 0, 0xaabbccdd} {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return string(b) + nul("ACTION=add", "SUBSYSTEM=hidraw", "DEVNAME=/dev/hidraw0", "ID_FIDO_TOKEN=1", "UDEV_DATABASE_VERSION=1")
}

func TestParseUevent(t *testing.T) {
	for _, tt := range []struct {
		name, message string
		want          change
		ok            bool
	}{
		{"kernel, add", kernelAdd, change{appeared, "hidraw0"}, true},
		{"kernel, remove", strings.ReplaceAll(kernelAdd, "add", "remove"), change{disappeared, "hidraw0"}, true},
		{"kernel, change", strings.ReplaceAll(kernelAdd, "add", "change"), change{}, false},
		{"udevd, add", udevAdd, change{settled, "hidraw0"}, true},
		{"udevd, remove", strings.ReplaceAll(udevAdd, "add", "remove"), change{}, false},
		{"udevd, other magic", udevMessage(0xfeedcaff, udevHeaderSize), change{}, false},
		{"udevd, strings beyond the end", udevMessage(udevMagic, 4000), change{}, false},
		{"udevd, header only", udevAdd[:udevHeaderSize], change{}, false},
		{"udevd, header cut off", udevAdd[:udevHeaderSize-1], change{}, false},
		{"another subsystem", strings.ReplaceAll(kernelAdd, "SUBSYSTEM=hidraw", "SUBSYSTEM=hid"), change{}, false},
		{"no node", strings.ReplaceAll(kernelAdd, "DEVNAME=hidraw0", ""), change{}, false},
		{"node elsewhere", strings.ReplaceAll(kernelAdd, "DEVNAME=hidraw0", "DEVNAME=../hidraw0"), change{}, false},
		{"cut off", kernelAdd[:100], change{}, false},
		{"empty", "", change{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := parseUevent([]byte(tt.message)); got != tt.want || ok != tt.ok {
				t.Errorf("got %v, %v; want %v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func inotifyEvent(mask uint32, name string) []byte {
	n := (len(name) + 16) / 16 * 16
	if name == "" {
		n = 0
	}
	b := binary.NativeEndian.AppendUint32(nil, 1)
	b = binary.NativeEndian.AppendUint32(b, mask)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = binary.NativeEndian.AppendUint32(b, uint32(n))
	return append(append(b, name...), make([]byte, n-len(name))...)
}

func TestAppendInotify(t *testing.T) {
	for _, tt := range []struct {
		name string
		read []byte
		want []change
	}{
		{"created", inotifyEvent(unix.IN_CREATE, "hidraw0"), []change{{appeared, "hidraw0"}}},
		{"permissions", inotifyEvent(unix.IN_ATTRIB, "hidraw0"), []change{{settled, "hidraw0"}}},
		{"deleted", inotifyEvent(unix.IN_DELETE, "hidraw12"), []change{{disappeared, "hidraw12"}}},
		{"other node", inotifyEvent(unix.IN_CREATE, "sda"), nil},
		{"the folder itself", inotifyEvent(unix.IN_ATTRIB, ""), nil},
		{"other event", inotifyEvent(unix.IN_IGNORED, "hidraw0"), nil},
		{"overflow", inotifyEvent(unix.IN_Q_OVERFLOW, ""), []change{{kind: lost}}},
		{"several", slices.Concat(inotifyEvent(unix.IN_CREATE, "x"), inotifyEvent(unix.IN_DELETE, "hidraw1"), inotifyEvent(unix.IN_CREATE, "hidraw1")),
			[]change{{disappeared, "hidraw1"}, {appeared, "hidraw1"}}},
		{"name cut off", inotifyEvent(unix.IN_CREATE, "hidraw0")[:20], nil},
		{"header cut off", inotifyEvent(unix.IN_CREATE, "hidraw0")[:10], nil},
		{"empty", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := appendInotify(nil, tt.read); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzNews(f *testing.F) {
	f.Add([]byte(kernelAdd))
	f.Add([]byte(udevAdd))
	f.Add(inotifyEvent(unix.IN_CREATE, "hidraw0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		changes := appendInotify(nil, b)
		if c, ok := parseUevent(b); ok {
			changes = append(changes, c)
		}
		for _, c := range changes {
			if c.kind != lost && !isNode(c.name) || c.kind > lost {
				t.Fatalf("%v", c)
			}
		}
		if len(changes) > 1+len(b)/unix.SizeofInotifyEvent {
			t.Fatalf("%d changes out of %d bytes", len(changes), len(b))
		}
	})
}
