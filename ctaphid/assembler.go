package ctaphid

import "encoding/binary"

// A Message is one CTAPHID message: what all packets of a transfer carry
// together.
type Message struct {
	CID     CID
	Command Command
	Data    []byte // at most MaxMessage(report size) bytes
}

// An Event says what became of a report that was pushed into an [Assembler].
type Event uint8

const (
	// Incomplete: the packet was taken, more are due.
	Incomplete Event = iota
	// Complete: the packet ended the message.
	Complete
	// Foreign: the packet belongs to another channel than the message that is
	// being assembled, which goes on undisturbed.
	Foreign
	// Spurious: a continuation packet while no message is being assembled.
	Spurious
	// Interrupted: an initialization packet on the channel of the message that
	// is being assembled. The message stands as it was; the caller decides.
	Interrupted
	// BadSequence: a continuation packet with the wrong sequence number. The
	// message is dropped.
	BadSequence
	// TooLong: the message claims more data than allowed. It is dropped before
	// any memory is used for it.
	TooLong
	// Malformed: the report is too short or too long to be a packet.
	Malformed
)

var eventNames = [...]string{"incomplete", "complete", "foreign", "spurious", "interrupted", "bad sequence", "too long", "malformed"}

// String names the event.
func (e Event) String() string {
	if int(e) < len(eventNames) {
		return eventNames[e]
	}
	return "unknown event"
}

// An Assembler joins packets to one message at a time. It is pushed one report
// and says what came of it; it reads no clock and does no I/O. The zero value
// is ready for use and takes messages of up to [MaxMessageSize] bytes.
type Assembler struct {
	// Limit is the most bytes of data that a message may claim; 0 means as
	// many as the report size allows.
	Limit int

	buf       []byte
	start     int // where the message begins in buf, after what the caller had there
	total     int // what the initialization packet claimed
	cid       CID
	command   Command
	seq       byte
	assembled bool // false: idle or complete
}

// Reset drops a message that is being assembled and makes the next one be
// appended to dst, whose memory the Assembler uses until then. If dst has not
// the capacity for a message, new memory of the claimed size is allocated,
// once a message within the limit has begun.
func (a *Assembler) Reset(dst []byte) {
	a.buf = dst
	a.start = len(dst)
	a.total = 0
	a.assembled = false
}

// Assembling reports whether a message has begun and not ended, and on which
// channel.
func (a *Assembler) Assembling() (CID, bool) { return a.cid, a.assembled }

// Message returns the message that the last [Complete] announced. Its data
// follows what Reset was given and is valid until the next Reset or Push.
func (a *Assembler) Message() Message {
	return Message{CID: a.cid, Command: a.command, Data: a.buf[a.start:]}
}

// Buffer returns what Reset was given with the message's data appended.
func (a *Assembler) Buffer() []byte { return a.buf }

// Push takes one report. The report's memory is not kept.
func (a *Assembler) Push(report []byte) Event {
	if len(report) < MinReportSize || len(report) > MaxReportSize {
		return Malformed
	}
	cid := CID(binary.BigEndian.Uint32(report))
	if !a.assembled {
		if report[4]&initBit == 0 {
			return Spurious
		}
		return a.begin(cid, report)
	}
	if cid != a.cid {
		return Foreign
	}
	if report[4]&initBit != 0 {
		return Interrupted
	}
	if report[4] != a.seq {
		a.assembled = false
		a.buf = a.buf[:a.start]
		return BadSequence
	}
	a.seq++
	return a.take(report[contHeader:])
}

func (a *Assembler) begin(cid CID, report []byte) Event {
	limit := MaxMessage(len(report))
	if a.Limit > 0 {
		limit = min(limit, a.Limit)
	}
	total := int(report[5])<<8 | int(report[6])
	a.cid, a.command, a.seq, a.total = cid, Command(report[4]&^initBit), 0, total
	a.buf = a.buf[:a.start]
	if total > limit {
		return TooLong
	}
	if cap(a.buf)-a.start < total {
		a.buf = append(make([]byte, 0, a.start+total), a.buf...)
	}
	a.assembled = true
	return a.take(report[initHeader:])
}

func (a *Assembler) take(data []byte) Event {
	rest := a.total - (len(a.buf) - a.start)
	if rest > len(data) {
		a.buf = append(a.buf, data...)
		return Incomplete
	}
	a.buf = append(a.buf, data[:rest]...)
	a.assembled = false
	return Complete
}
