package udphid

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/gofido/fido/ctaphid"
)

// ReportSize is the size, in bytes, of a report and of a datagram.
const ReportSize = 64

// powerCycle is the datagram that makes simulators start anew, as if the key
// were unplugged and plugged in: what it stores stays, what it remembers goes.
// Its bytes are solo1's (pc/device.c), which canokey-core and others took over.
var powerCycle = [ReportSize]byte{
	0xac, 0x10, 0x52, 0xca, 0x95, 0xe5, 0x69, 0xde, 0x69, 0xe0, 0x2e, 0xbf, 0xf3, 0x33, 0x48, 0x5f,
	0x13, 0xf9, 0xb2, 0xda, 0x34, 0xc5, 0xa8, 0xa3, 0x40, 0x52, 0x66, 0x97, 0xa9, 0xab, 0x2e, 0x0b,
	0x39, 0x4d, 0x8d, 0x04, 0x97, 0x3c, 0x13, 0x40, 0x05, 0xbe, 0x1a, 0x01, 0x40, 0xbf, 0xf6, 0x04,
	0x5b, 0xb2, 0x6e, 0xb7, 0x7a, 0x73, 0xea, 0xa4, 0x78, 0x13, 0xf6, 0xb4, 0x9a, 0x72, 0x50, 0xdc,
}

var (
	_ ctaphid.Device = (*Device)(nil)
	_ ctaphid.Device = (*Listener)(nil)
)

// A RefusedError says that nobody listens at the address of a [Device]. It is
// ctaphid.ErrGone to errors.Is.
type RefusedError struct {
	Addr string // HOST:PORT
	Err  error  // what the system said
}

func (e *RefusedError) Error() string {
	return "nobody listens at " + e.Addr + " (UDP): start the simulator there, or give the address at which it runs"
}

// Unwrap returns Err and ctaphid.ErrGone.
func (e *RefusedError) Unwrap() []error { return []error{e.Err, ctaphid.ErrGone} }

// closed turns net's error of a closed socket into os.ErrClosed.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return os.ErrClosed
	}
	return err
}

func checkSize(p []byte) error {
	if len(p) != ReportSize {
		return fmt.Errorf("udphid: report has %d bytes, a datagram has %d", len(p), ReportSize)
	}
	return nil
}
