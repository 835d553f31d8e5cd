package ctaphidtest

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// A Direction is one of the two ways that a report goes.
type Direction bool

// The two directions.
const (
	ToHost Direction = true
	ToKey  Direction = false
)

// on returns a fault that concerns frame n, from 1, of one direction.
func on(d Direction, n int, do func(f Frame) []Frame) Fault {
	return func(f Frame) []Frame {
		if f.ToHost == bool(d) && f.Number == n {
			return do(f)
		}
		return []Frame{f}
	}
}

// Drop loses report n, counted from 1 in its direction.
func Drop(d Direction, n int) Fault {
	return on(d, n, func(Frame) []Frame { return nil })
}

// Duplicate sends report n twice.
func Duplicate(d Direction, n int) Fault {
	return on(d, n, func(f Frame) []Frame {
		again := f
		again.Number = 0
		again.Report = bytes.Clone(f.Report)
		return []Frame{f, again}
	})
}

// Swap sends report n after report n+1.
func Swap(d Direction, n int) Fault {
	var held []Frame
	return func(f Frame) []Frame {
		switch {
		case f.ToHost != bool(d):
		case f.Number == n:
			held = []Frame{f}
			return nil
		case held != nil:
			frames := append([]Frame{f}, held...)
			held = nil
			return frames
		}
		return []Frame{f}
	}
}

// Delay holds report n up, and all that are behind it.
func Delay(d Direction, n int, by time.Duration) Fault {
	return on(d, n, func(f Frame) []Frame {
		f.Delay += by
		return []Frame{f}
	})
}

// Corrupt changes the byte at offset of report n by exclusive or with mask.
func Corrupt(d Direction, n, offset int, mask byte) Fault {
	return on(d, n, func(f Frame) []Frame {
		if offset < len(f.Report) {
			f.Report[offset] ^= mask
		}
		return []Frame{f}
	})
}

// Truncate sends size bytes of report n to the host.
func Truncate(n, size int) Fault {
	return on(ToHost, n, func(f Frame) []Frame {
		f.Report = f.Report[:min(size, len(f.Report))]
		return []Frame{f}
	})
}

// Unplug makes the device be gone after report n.
func Unplug(d Direction, n int) Fault {
	return on(d, n, func(f Frame) []Frame {
		f.Cut = true
		return []Frame{f}
	})
}

// Chatter sends the host a conversation of another program, a PING reply of
// three packets on channel cid, before each report of the device's own.
func Chatter(cid ctaphid.CID) Fault {
	return func(f Frame) []Frame {
		if !f.ToHost {
			return []Frame{f}
		}
		var frames []Frame
		size := len(f.Report)
		if ctaphid.MaxMessage(size) > 0 {
			data := bytes.Repeat([]byte{0xc5}, size+size)
			for _, report := range Reports(size, ctaphid.Message{CID: cid, Command: ctaphid.CommandPing, Data: data}) {
				frames = append(frames, Frame{ToHost: true, Report: report})
			}
		}
		return append(frames, f)
	}
}

// Stale puts reports into the host's queue before the first of the device's
// own, as they are left behind by whoever had the device before.
func Stale(reports ...[]byte) Fault {
	return on(ToHost, 1, func(f Frame) []Frame {
		var frames []Frame
		for _, r := range reports {
			frames = append(frames, Frame{ToHost: true, Report: r})
		}
		return append(frames, f)
	})
}

// isInit reports whether a report is a whole INIT reply, or a whole request if
// the direction is ToKey.
func isInit(f Frame, d Direction) bool {
	p, err := ctaphid.ParsePacket(f.Report)
	return err == nil && f.ToHost == bool(d) && p.Init && p.Command == ctaphid.CommandInit && len(p.Data) >= ctaphid.NonceSize
}

// ForeignInit sends, before each INIT reply, that to another program: another
// nonce and another channel.
func ForeignInit() Fault {
	return func(f Frame) []Frame {
		if !isInit(f, ToHost) {
			return []Frame{f}
		}
		other := bytes.Clone(f.Report)
		p, _ := ctaphid.ParsePacket(other)
		for i := range min(ctaphid.NonceSize+4, len(p.Data)) {
			p.Data[i] ^= 0x5a
		}
		return []Frame{{ToHost: true, Report: other}, f}
	}
}

// InitReplySize makes INIT replies claim n bytes: 17 is right, hosts accept
// more and refuse less.
func InitReplySize(n int) Fault {
	return func(f Frame) []Frame {
		if isInit(f, ToHost) {
			binary.BigEndian.PutUint16(f.Report[5:], uint16(n))
		}
		return []Frame{f}
	}
}

// Busy answers the first n requests, other than INIT, with CHANNEL_BUSY in the
// place of the device.
func Busy(n int) Fault {
	swallowing := false
	return func(f Frame) []Frame {
		p, err := ctaphid.ParsePacket(f.Report)
		if f.ToHost || err != nil {
			return []Frame{f}
		}
		if !p.Init {
			if swallowing {
				return nil
			}
			return []Frame{f}
		}
		swallowing = n > 0 && p.Command != ctaphid.CommandInit && p.Command != ctaphid.CommandCancel
		if !swallowing {
			return []Frame{f}
		}
		n--
		m := ctaphid.Message{CID: p.CID, Command: ctaphid.CommandError, Data: []byte{byte(ctaphid.ErrChannelBusy)}}
		return []Frame{{ToHost: true, Report: Reports(ctaphid.MinReportSize, m)[0]}}
	}
}

// IgnoreCancel loses every CANCEL, as some keys do.
func IgnoreCancel() Fault {
	return func(f Frame) []Frame {
		if p, err := ctaphid.ParsePacket(f.Report); err == nil && !f.ToHost && p.Init && p.Command == ctaphid.CommandCancel {
			return nil
		}
		return []Frame{f}
	}
}
