package udphid

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

const (
	// DevicePort is where simulators listen.
	DevicePort = 8111
	// HostPort is where many simulators send their reports, whatever port
	// the host's came from.
	HostPort = 7112

	defaultHost = "127.0.0.1"
)

// An Addr says where a simulator listens and which local port its host uses.
type Addr struct {
	Host      string // a name or an IP address, without brackets
	Port      uint16
	LocalPort uint16 // 0 for any free one
}

// String returns the form that [ParseAddr] reads.
func (a Addr) String() string {
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port))) + ":" + strconv.Itoa(int(a.LocalPort))
}

// remote returns HOST:PORT.
func (a Addr) remote() string { return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port))) }

// ParseAddr reads "HOST:PORT:LOCALPORT". What is left out from the right is
// filled in: LOCALPORT with 7112, PORT with 8111, HOST with 127.0.0.1. A
// LOCALPORT of 0 is any free port, for simulators that answer to the port a
// report came from. An IPv6 address stands in brackets: "[::1]:8111". The error is
// an *[AddrError].
func ParseAddr(s string) (Addr, error) {
	a := Addr{Host: defaultHost, Port: DevicePort, LocalPort: HostPort}
	host, rest, more := strings.Cut(s, ":")
	if strings.HasPrefix(s, "[") {
		var closed bool
		host, rest, closed = strings.Cut(s[1:], "]")
		if rest, more = strings.CutPrefix(rest, ":"); !closed || rest != "" && !more {
			return Addr{}, addrError(s, "the brackets of an IPv6 address are not in order")
		}
	}
	if host != "" {
		a.Host = host
	}
	if strings.ContainsAny(a.Host, "[]/ ") {
		return Addr{}, addrError(s, "the host is not a name or an address")
	}
	port, local, moreStill := strings.Cut(rest, ":")
	if more {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Addr{}, addrError(s, "the port is not a number from 1 to 65535")
		}
		a.Port = uint16(n)
	}
	if moreStill {
		n, err := strconv.ParseUint(local, 10, 16)
		if err != nil {
			return Addr{}, addrError(s, "the local port is not a number from 0 to 65535")
		}
		a.LocalPort = uint16(n)
	}
	return a, nil
}

// An AddrError is an address that [ParseAddr], [Dial] or [Listen] can't read.
type AddrError struct {
	Addr    string
	Problem string // as in "the port is not a number from 1 to 65535"
}

func (e *AddrError) Error() string {
	return fmt.Sprintf("udphid: %q is not HOST:PORT[:LOCALPORT]: %s", e.Addr, e.Problem)
}

func addrError(s, problem string) error { return &AddrError{s, problem} }
