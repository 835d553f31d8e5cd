//go:build !unix

package udphid

import (
	"errors"
	"net"
	"os"
	"time"
)

// newDrain returns a function that drops what has arrived at conn. A read
// without a wait can't be had, so the last one waits for a millisecond. What
// deadline there was is lost; a Conn sets one for each read.
func newDrain(conn *net.UDPConn) (func() error, error) {
	var p [ReportSize]byte
	return func() error {
		if err := conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			return err
		}
		for range drained {
			if _, err := conn.Read(p[:]); errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
				break
			} // another error is one datagram's
		}
		return conn.SetReadDeadline(time.Time{})
	}, nil
}
