package udphid

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
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

// A Listener is the key's end of the wire. Several hosts may use it at once, as
// several programs use a key on USB: a report goes to the host that sent the
// last initialization packet on the report's channel (CTAP 2.3 section 11.2.4).
type Listener struct {
	conn  *net.UDPConn
	opts  ListenOptions
	close sync.Once
	buf   [ReportSize + 1]byte

	mu     sync.Mutex // never held over I/O
	routes []route    // at most maxRoutes, the one that was used last at the end
}

// A route says which host uses a channel.
type route struct {
	channel [4]byte
	host    netip.AddrPort
}

// maxRoutes is how many channels a Listener remembers, as many as a
// ctaphid.Server does.
const maxRoutes = 256

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
		l.remember([4]byte(l.buf[:4]), l.buf[4]&initBit != 0, from)
		return copy(p, l.buf[:n]), nil
	}
}

// initBit, in the fifth byte, tells an initialization packet.
const initBit = 0x80

// remember notes which host uses a channel: the one that begins a message on it,
// or the first host at all. The channel that has gone unused for the longest
// time is forgotten if there are too many.
func (l *Listener) remember(channel [4]byte, begins bool, from netip.AddrPort) {
	if l.opts.ReplyPort != 0 {
		from = netip.AddrPortFrom(from.Addr(), l.opts.ReplyPort)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !begins && len(l.routes) > 0 {
		return
	}
	i := slices.IndexFunc(l.routes, func(r route) bool { return r.channel == channel })
	if i < 0 && len(l.routes) == maxRoutes {
		i = 0
	}
	if i >= 0 {
		l.routes = slices.Delete(l.routes, i, i+1)
	}
	l.routes = append(l.routes, route{channel, from})
}

// hostOf returns the host that uses a channel, or that spoke last if none does.
func (l *Listener) hostOf(channel [4]byte) (netip.AddrPort, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range slices.Backward(l.routes) {
		if r.channel == channel {
			return r.host, true
		}
	}
	if n := len(l.routes); n > 0 {
		return l.routes[n-1].host, true
	}
	return netip.AddrPort{}, false
}

// WriteReport implements [ctaphid.Device]. Before a host has sent the first
// message there is nobody to send to, and the report is lost like that of a key
// that nobody reads.
func (l *Listener) WriteReport(p []byte) error {
	if err := checkSize(p); err != nil {
		return err
	}
	host, ok := l.hostOf([4]byte(p[:4]))
	if !ok {
		return nil
	}
	_, err := l.conn.WriteToUDPAddrPort(p, host)
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
