//go:build unix

package udphid

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// newDrain returns a function that drops what has arrived at conn. It allocates
// nothing and is not for several goroutines at a time.
func newDrain(conn *net.UDPConn) (func() error, error) {
	c, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var p [ReportSize]byte
	run := func(fd uintptr) {
		for range drained {
			if _, err := unix.Read(int(fd), p[:]); err == unix.EAGAIN {
				return
			} // another error is one datagram's
		}
	}
	return func() error {
		if c.Control(run) != nil {
			return os.ErrClosed // it fails for no other reason
		}
		return nil
	}, nil
}
