package vpcd

import (
	"encoding/binary"
	"errors"
	"net"
	"slices"
)

// DefaultPort is where vpcd waits for a card, on this machine.
const DefaultPort = "35963"

// The messages of one byte that a reader sends.
const (
	powerOff byte = 0
	powerOn  byte = 1
	reset    byte = 2
	getATR   byte = 4
)

const headerSize = 2

// MaxMessage is the most bytes of an APDU that the wire carries.
const MaxMessage = 1<<16 - 1

// ErrTooLong says that an APDU has more than MaxMessage bytes.
var ErrTooLong = errors.New("vpcd: an APDU of more than 65,535 bytes")

// A link is one end of the wire.
type link struct {
	conn net.Conn
	out  []byte
	in   []byte // what has come of the next message, its length included
}

// send sends a message. Length and message go in one write, so that they travel
// together.
func (l *link) send(message []byte) error {
	if len(message) > MaxMessage {
		return ErrTooLong
	}
	l.out = binary.BigEndian.AppendUint16(l.out[:0], uint16(len(message)))
	l.out = append(l.out, message...)
	n, err := l.conn.Write(l.out)
	if n > 0 && n < len(l.out) {
		l.conn.Close() // the other end would take the next message for the rest
	}
	clear(l.out)
	return err
}

// receive appends the next message to dst. One that fails, because the deadline
// has passed, can be called again and goes on where it was.
//
// What the other end sends is acknowledged at once: otherwise each of its
// messages is held back for as long as an acknowledgement may be delayed, some
// 40 ms.
func (l *link) receive(dst []byte) ([]byte, error) {
	if err := l.fill(headerSize); err != nil {
		return nil, err
	}
	size := headerSize + int(binary.BigEndian.Uint16(l.in))
	if err := l.fill(size); err != nil {
		return nil, err
	}
	dst = append(dst, l.in[headerSize:size]...)
	clear(l.in)
	l.in = l.in[:0]
	return dst, nil
}

// fill reads until n bytes of the next message have come. The memory grows with
// what has come, not with what was announced.
func (l *link) fill(n int) error {
	for len(l.in) < n {
		quickAck(l.conn)
		chunk := min(n-len(l.in), 4096)
		l.in = slices.Grow(l.in, chunk)
		read, err := l.conn.Read(l.in[len(l.in) : len(l.in)+chunk])
		l.in = l.in[:len(l.in)+read]
		if err != nil && len(l.in) < n {
			return err
		}
	}
	return nil
}
