package ctaphid

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A CID identifies a channel between one client program and the device (CTAP
// 2.3 section 11.2.4).
type CID uint32

const (
	// ReservedCID is never a channel.
	ReservedCID CID = 0
	// BroadcastCID carries the INIT of a client that has no channel yet.
	BroadcastCID CID = 0xffffffff
)

// String returns the eight hexadecimal digits of the CID.
func (c CID) String() string { return fmt.Sprintf("%08x", uint32(c)) }

const (
	// MinReportSize and MaxReportSize bound the report sizes, in bytes, that
	// this package takes: eight leave one byte of data in an initialization
	// packet, 64 is all that a full-speed interrupt endpoint carries.
	MinReportSize = 8
	MaxReportSize = 64

	// MaxMessageSize is the most bytes of data that fit a message at the
	// largest report size: 57 + 128·59.
	MaxMessageSize = MaxReportSize - initHeader + maxContinuations*(MaxReportSize-contHeader)

	initHeader       = 7    // CID, command, length
	contHeader       = 5    // CID, sequence number
	initBit          = 0x80 // in the command byte of an initialization packet
	maxContinuations = 128  // sequence numbers 0 to 127
)

// ErrReportSize is returned for a report size below [MinReportSize] or above
// [MaxReportSize].
var ErrReportSize = errors.New("ctaphid: report size is not between 8 and 64 bytes")

// ErrTooLong is returned for a message that needs more packets than there are
// sequence numbers; see [MaxMessage].
var ErrTooLong = errors.New("ctaphid: message is too long")

// MaxMessage returns how many bytes of data fit into one message when reports
// have size bytes: 7,609 for 64. It is 0 for a size out of range.
func MaxMessage(size int) int {
	if size < MinReportSize || size > MaxReportSize {
		return 0
	}
	return size - initHeader + maxContinuations*(size-contHeader)
}

// PacketCount returns how many packets a message of n bytes needs when reports
// have size bytes. The error is [ErrReportSize] or [ErrTooLong].
func PacketCount(size, n int) (int, error) {
	switch {
	case size < MinReportSize || size > MaxReportSize:
		return 0, ErrReportSize
	case n < 0 || n > MaxMessage(size):
		return 0, ErrTooLong
	case n <= size-initHeader:
		return 1, nil
	}
	rest := n - (size - initHeader)
	return 1 + (rest+size-contHeader-1)/(size-contHeader), nil
}

// AppendPacket appends packet number i (from 0) of the message to dst: exactly
// size bytes, the unused ones zero. The caller has taken size and i from
// [PacketCount]; other values panic.
func AppendPacket(dst []byte, size int, m Message, i int) []byte {
	start := len(dst)
	if i == 0 {
		dst = binary.BigEndian.AppendUint32(dst, uint32(m.CID))
		dst = append(dst, byte(m.Command)|initBit, byte(len(m.Data)>>8), byte(len(m.Data)))
		dst = append(dst, m.Data[:min(len(m.Data), size-initHeader)]...)
	} else {
		from := size - initHeader + (i-1)*(size-contHeader)
		dst = binary.BigEndian.AppendUint32(dst, uint32(m.CID))
		dst = append(dst, byte(i-1))
		dst = append(dst, m.Data[from:min(len(m.Data), from+size-contHeader)]...)
	}
	if n := size - (len(dst) - start); n > 0 {
		dst = append(dst, zeros[:n]...)
	}
	return dst
}

var zeros [MaxReportSize]byte

// A Packet is one report taken apart.
type Packet struct {
	CID  CID
	Init bool // an initialization packet, with Command and Length; else a continuation, with Seq

	Command Command
	Length  int // bytes of data in the whole message, 0 to 65,535 as claimed by the sender
	Seq     byte

	Data []byte // what this report carries, padding included
}

// ParsePacket takes a report apart. Data refers to the report's memory. A
// report of less than [MinReportSize] bytes gives ErrReportSize.
func ParsePacket(report []byte) (Packet, error) {
	if len(report) < MinReportSize || len(report) > MaxReportSize {
		return Packet{}, ErrReportSize
	}
	p := Packet{CID: CID(binary.BigEndian.Uint32(report))}
	if b := report[4]; b&initBit != 0 {
		p.Init = true
		p.Command = Command(b &^ initBit)
		p.Length = int(report[5])<<8 | int(report[6])
		p.Data = report[initHeader:]
	} else {
		p.Seq = b
		p.Data = report[contHeader:]
	}
	return p, nil
}

// String describes the packet for a trace: the channel, what the packet is
// and, where the transport itself knows it, what it says.
func (p Packet) String() string {
	if !p.Init {
		return fmt.Sprintf("%s continuation %d", p.CID, p.Seq)
	}
	return fmt.Sprintf("%s %s, %s", p.CID, p.Command, p.content())
}

func (p Packet) content() string {
	if p.Length <= len(p.Data) {
		data := p.Data[:p.Length]
		switch {
		case p.Command == CommandInit && p.Length == NonceSize:
			return fmt.Sprintf("nonce %x", data)
		case p.Command == CommandInit && p.Length >= initReplySize:
			info, _ := ParseInitInfo(data)
			return fmt.Sprintf("nonce %x, channel %s, capabilities %s", info.Nonce, info.CID, info.Capabilities)
		case p.Command == CommandKeepalive && p.Length == 1:
			switch data[0] {
			case StatusProcessing:
				return "processing"
			case StatusUPNeeded:
				return "waiting for the user"
			}
			return fmt.Sprintf("status %d", data[0])
		case p.Command == CommandError && p.Length == 1:
			return ErrorCode(data[0]).String()
		case p.Command == CommandLock && p.Length == 1:
			return fmt.Sprintf("%d s", data[0])
		}
	}
	if p.Length == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", p.Length)
}
