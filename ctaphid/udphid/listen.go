package udphid

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// ListenOptions are for [Listen]. Nil stands for the zero value.
type ListenOptions struct {
	// ReplyPort, if not 0, is the port of the host's machine that reports go
	// to. Otherwise they go to the port that the host's came from.
	// Test suites for simulators expect [HostPort], and use it as their own
	// port, so that both ways reach them.
	ReplyPort uint16

	// PowerCycle, if not nil, is called by ReadReport when the datagram for a
	// power cycle comes (see [Device.PowerCycle]). Without it that datagram is
	// a report like any other.
	PowerCycle func()
}

// A Listener is the key's end of the wire. It serves one host at a time: the
// one that sent the last initialization packet (CTAP 2.3 section 11.2.4). A
// continuation packet takes the replies away from nobody.
type Listener struct {
	conn  *net.UDPConn
	opts  ListenOptions
	host  atomic.Pointer[netip.AddrPort] // where reports go; nil before the first report
	close sync.Once
	buf   [ReportSize + 1]byte
}

// Listen opens the key's end at HOST:PORT, which [ParseAddr] reads; a
// LOCALPORT in it is of no concern here. Port 0 as in "127.0.0.1:0" is any free
// one, see [Listener.Addr]. Only programs that are trusted should be able to
// send to the address.
func Listen(addr string, o *ListenOptions) (*Listener, error) {
	a, err := parseListen(addr)
	if err != nil {
		return nil, err
	}
	local, err := net.ResolveUDPAddr("udp", a)
	if err != nil {
		return nil, fmt.Errorf("udphid: %w", err)
	}
	conn, err := net.ListenUDP("udp", local)
	if err != nil {
		if isInUse(err) {
			return nil, fmt.Errorf("udphid: %w: another simulator or key runs there", err)
		}
		return nil, fmt.Errorf("udphid: %w", err)
	}
	l := &Listener{conn: conn}
	if o != nil {
		l.opts = *o
	}
	return l, nil
}

// parseListen returns HOST:PORT, where PORT may be 0.
func parseListen(addr string) (string, error) {
	if host, port, err := net.SplitHostPort(addr); err == nil && port == "0" {
		return net.JoinHostPort(host, port), nil
	}
	a, err := ParseAddr(addr)
	return a.remote(), err
}

// Addr returns where the Listener listens.
func (l *Listener) Addr() netip.AddrPort { return l.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// ReadReport implements [ctaphid.Device]. Datagrams of other sizes than 64
// bytes are passed over.
func (l *Listener) ReadReport(p []byte) (int, error) {
	if len(p) < ReportSize {
		return 0, io.ErrShortBuffer
	}
	for {
		n, from, err := l.conn.ReadFromUDPAddrPort(l.buf[:])
		if err != nil {
			if isTooLong(err) || isRefused(err) { // a reply found no host; there may be another
				continue
			}
			return 0, closed(err)
		}
		if n != ReportSize {
			continue
		}
		if l.opts.PowerCycle != nil && [ReportSize]byte(l.buf[:n]) == powerCycle {
			l.opts.PowerCycle()
			continue
		}
		if l.host.Load() == nil || l.buf[4]&initBit != 0 {
			l.remember(from)
		}
		return copy(p, l.buf[:n]), nil
	}
}

// initBit, in the fifth byte, tells an initialization packet.
const initBit = 0x80

// remember stores where replies go. It allocates only when that changes.
func (l *Listener) remember(from netip.AddrPort) {
	if l.opts.ReplyPort != 0 {
		from = netip.AddrPortFrom(from.Addr(), l.opts.ReplyPort)
	}
	if old := l.host.Load(); old == nil || *old != from {
		host := from
		l.host.Store(&host)
	}
}

// WriteReport implements [ctaphid.Device]. Before a host has sent the first
// report there is nobody to send to, and the report is lost like that of a key
// that nobody reads.
func (l *Listener) WriteReport(p []byte) error {
	if err := checkSize(p); err != nil {
		return err
	}
	host := l.host.Load()
	if host == nil {
		return nil
	}
	_, err := l.conn.WriteToUDPAddrPort(p, *host)
	if err != nil && isRefused(err) {
		return nil
	}
	return closed(err)
}

// SetReadDeadline implements [ctaphid.Device].
func (l *Listener) SetReadDeadline(t time.Time) error { return closed(l.conn.SetReadDeadline(t)) }

// ReportSizes implements [ctaphid.Device]: 64 and 64.
func (l *Listener) ReportSizes() (in, out int) { return ReportSize, ReportSize }

// Close implements [ctaphid.Device].
func (l *Listener) Close() (err error) {
	l.close.Do(func() { err = l.conn.Close() })
	return err
}
