package hidraw

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

const inotifyMask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ATTRIB | unix.IN_DELETE | unix.IN_MOVED_FROM

// appendInotify appends what a read from an inotify descriptor on /dev says of
// hidraw nodes: struct inotify_event is wd, mask, cookie and len, 32 bits each
// in the machine's order, and len bytes of a name padded with NULs.
func appendInotify(dst []change, b []byte) []change {
	for len(b) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(b[4:])
		n := binary.NativeEndian.Uint32(b[12:])
		b = b[unix.SizeofInotifyEvent:]
		if uint64(n) > uint64(len(b)) {
			return dst
		}
		name, _, _ := bytes.Cut(b[:n], []byte{0})
		b = b[n:]
		kind := settled
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			dst = append(dst, change{kind: lost})
			continue
		case mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0:
			kind = appeared
		case mask&(unix.IN_DELETE|unix.IN_MOVED_FROM) != 0:
			kind = disappeared
		case mask&unix.IN_ATTRIB == 0:
			continue
		}
		if isNode(string(name)) {
			dst = append(dst, change{kind, string(name)})
		}
	}
	return dst
}
