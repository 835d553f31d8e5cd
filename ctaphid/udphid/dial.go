package udphid

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A Device is the host's end of the wire to a simulator.
type Device struct {
	conn  *net.UDPConn
	addr  string
	drain func() error // drops what has arrived
	close sync.Once
	buf   [ReportSize + 1]byte // one more, to tell longer datagrams
}

// Dial opens the host's end for the simulator at an address that [ParseAddr]
// reads. ctx bounds the look-up of a name. Whether somebody listens there shows
// when the first report is answered, or not: see [RefusedError].
func Dial(ctx context.Context, addr string) (*Device, error) {
	a, err := ParseAddr(addr)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{LocalAddr: &net.UDPAddr{Port: int(a.LocalPort)}}
	conn, err := dialer.DialContext(ctx, "udp", a.remote())
	if err != nil {
		return nil, fmt.Errorf("udphid: %w%s", err, localHint(a.LocalPort, err))
	}
	d := &Device{conn: conn.(*net.UDPConn), addr: a.remote()}
	if d.drain, err = newDrain(d.conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("udphid: %w", err)
	}
	return d, nil
}

func localHint(port uint16, err error) string {
	if port == 0 || !isInUse(err) {
		return ""
	}
	return fmt.Sprintf(": another program has local port %d, choose a different one as HOST:PORT:LOCALPORT", port)
}

// ReadReport implements [ctaphid.Device]. Datagrams of other sizes than 64
// bytes are passed over; those of other senders never arrive. The error is a
// [*RefusedError] if the system knows that nobody listens.
func (d *Device) ReadReport(p []byte) (int, error) {
	if len(p) < ReportSize {
		return 0, io.ErrShortBuffer
	}
	for {
		n, err := d.conn.Read(d.buf[:])
		switch {
		case err == nil && n == ReportSize:
			return copy(p, d.buf[:n]), nil
		case err != nil && !isTooLong(err):
			return 0, d.failure(err)
		}
	}
}

// drained is the most datagrams that BeginCall drops: more than a system keeps
// of this size.
const drained = 4096

// BeginCall drops the datagrams that have arrived, and with them the news that
// earlier ones found nobody. On Windows, which has no read that does not wait, it
// takes a millisecond.
func (d *Device) BeginCall(context.Context) error { return closed(d.drain()) }

// WriteReport implements [ctaphid.Device].
func (d *Device) WriteReport(p []byte) error {
	if err := checkSize(p); err != nil {
		return err
	}
	_, err := d.conn.Write(p)
	return d.failure(err)
}

// PowerCycle makes the simulator start anew with what it has stored, as if the
// key were unplugged and plugged in. Simulators that don't know the datagram
// take it for a report on a channel that isn't theirs. There is no reply, and
// some are away for a moment: a [*RefusedError] is then no reason to give up.
func (d *Device) PowerCycle() error {
	_, err := d.conn.Write(powerCycle[:])
	return d.failure(err)
}

// SetReadDeadline implements [ctaphid.Device].
func (d *Device) SetReadDeadline(t time.Time) error { return closed(d.conn.SetReadDeadline(t)) }

// ReportSizes implements [ctaphid.Device]: 64 and 64.
func (d *Device) ReportSizes() (in, out int) { return ReportSize, ReportSize }

// Close implements [ctaphid.Device].
func (d *Device) Close() (err error) {
	d.close.Do(func() { err = d.conn.Close() })
	return err
}

func (d *Device) failure(err error) error {
	if err != nil && isRefused(err) {
		return &RefusedError{Addr: d.addr, Err: err}
	}
	return closed(err)
}
