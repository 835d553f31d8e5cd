package hidraw

import (
	"os"

	"golang.org/x/sys/unix"
)

// A source tells of changes to hidraw nodes. Its descriptor is in the
// runtime's poller: nothing wakes up while nothing happens.
type source struct {
	f       *os.File
	receive func(fd int, buf []byte, dst []change) ([]change, error) // does not wait
	buf     [16 << 10]byte
}

// next waits for changes and appends them to dst. There may be none in what
// was received.
func (s *source) next(dst []change) ([]change, error) {
	c, err := s.f.SyscallConn()
	if err != nil {
		return dst, err
	}
	var failed error
	err = c.Read(func(fd uintptr) bool {
		dst, failed = s.receive(int(fd), s.buf[:], dst)
		return failed != unix.EAGAIN
	})
	if err != nil {
		return dst, err
	}
	return dst, failed
}

// The multicast groups of the uevent socket.
const (
	groupKernel = 1
	groupUdev   = 2
)

// uevents opens the socket on which the kernel tells of devices.
func uevents() (*source, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groupKernel | groupUdev}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return &source{f: os.NewFile(uintptr(fd), "uevents"), receive: receiveUevent}, nil
}

func receiveUevent(fd int, buf []byte, dst []change) ([]change, error) {
	n, from, err := unix.Recvfrom(fd, buf, 0)
	switch err {
	case nil:
	case unix.EINTR:
		return dst, nil
	case unix.ENOBUFS:
		return append(dst, change{kind: lost}), nil
	default:
		return dst, err
	}
	c, ok := parseUevent(buf[:n])
	sender, isNetlink := from.(*unix.SockaddrNetlink)
	if !ok || !isNetlink || c.kind != settled && sender.Pid != 0 { // only the kernel has no port
		return dst, nil
	}
	return append(dst, c), nil
}

// inotify watches a folder of nodes, where the uevent socket is refused, as in
// many sandboxes.
func inotify(dev string) (*source, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	if _, err := unix.InotifyAddWatch(fd, dev, inotifyMask); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "watch", Path: dev, Err: err}
	}
	return &source{f: os.NewFile(uintptr(fd), dev), receive: receiveInotify}, nil
}

func receiveInotify(fd int, buf []byte, dst []change) ([]change, error) {
	n, err := unix.Read(fd, buf)
	if err == unix.EINTR {
		return dst, nil
	}
	if err != nil {
		return dst, err
	}
	return appendInotify(dst, buf[:n]), nil
}
