package ctaphid

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// exchange sends a request and returns its reply appended to dst.
func (c *Conn) exchange(ctx context.Context, op Command, dst, request []byte, waiting func(byte)) ([]byte, error) {
	packets, err := PacketCount(c.outSize, len(request))
	if err != nil {
		return nil, c.opError(op, err)
	}
	if err := c.acquire(ctx); err != nil {
		return nil, c.opError(op, err)
	}
	defer c.release()
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, c.wake)()
	}
	x := call{ctx: ctx, op: op, waiting: waiting, status: -1}
	reply, err := c.transact(&x, dst, request, packets)
	if err != nil {
		return nil, c.opError(op, err)
	}
	return reply, nil
}

// transact sends the request as often as it takes. The channel counts as dirty
// from the first packet on, until an exchange has come to its proper end; so a
// panic in the caller's callback leaves it dirty too. A dirty channel is
// cleaned by INIT, whose nonce tells what is old from what is new. After a
// proper end a second reply that nobody asked for is dropped when the next call
// begins (see [Device]), which costs no round trip; one that comes even later
// is not found out.
func (c *Conn) transact(x *call, dst, request []byte, packets int) ([]byte, error) {
	if c.dirty {
		if err := c.initialize(x, c.cid); err != nil {
			return nil, err
		}
	}
	for reinit := false; ; {
		if x.ctx.Err() != nil {
			return nil, ContextError(x.ctx)
		}
		c.dirty = true
		if err := c.send(x, request, packets); err != nil {
			return nil, err
		}
		reply, err := c.receive(x, dst)
		if err == nil {
			err = checkReply(x.op, request, reply[len(dst):])
		}
		if err == nil {
			// Some keys answer a CANCEL that came too late once more.
			c.dirty = x.told
			return reply, nil
		}
		code, refused := err.(ErrorCode)
		_, broken := err.(*ProtocolError)
		switch {
		case x.ended != nil && (refused || broken):
			c.dirty = broken || x.told || packets > 1
			return nil, x.ended
		case !refused:
			return nil, err
		case code == ErrChannelBusy:
			if err := c.pause(x); err != nil {
				c.dirty = packets > 1
				return nil, err
			}
		case code == ErrInvalidChannel && !reinit:
			reinit = true
			if err := c.initialize(x, BroadcastCID); err != nil {
				return nil, err
			}
		default:
			// The device may have more to say about the other packets.
			c.dirty = packets > 1
			return nil, err
		}
	}
}

// send writes all packets of the request. The end of the context does not
// stop it, because a device that has half a message is in nobody's interest,
// unless the device is so slow that the grace runs out meanwhile.
func (c *Conn) send(x *call, request []byte, packets int) error {
	m := Message{CID: c.cid, Command: x.op, Data: request}
	var stop time.Time
	for i := range packets {
		if i > 0 && x.ctx.Err() != nil {
			switch {
			case stop.IsZero():
				stop = time.Now().Add(c.cfg.Grace)
			case !time.Now().Before(stop):
				return ContextError(x.ctx)
			}
		}
		if err := c.write(m, i); err != nil {
			return err
		}
	}
	return nil
}

// receive waits for the reply. An ERROR message is returned as an ErrorCode;
// after it, and after a nil error, the device is idle.
func (c *Conn) receive(x *call, dst []byte) ([]byte, error) {
	c.asm.Reset(dst)
	if err := c.arm(x, c.cfg.Silence); err != nil {
		return nil, err
	}
	for {
		report, err := c.read(x)
		if err != nil {
			if err = c.resume(x, err); err != nil {
				return nil, err
			}
			continue
		}
		if len(report) < 4 {
			return nil, &ProtocolError{Problem: "short report", Report: bytes.Clone(report)}
		}
		if CID(binary.BigEndian.Uint32(report)) != c.cid {
			continue
		}
		if len(report) != c.inSize {
			return nil, &ProtocolError{Problem: fmt.Sprintf("report of %d bytes instead of %d", len(report), c.inSize), Report: bytes.Clone(report)}
		}
		if report[4]&initBit != 0 && Command(report[4]&^initBit) != x.op {
			if err := c.interlude(x, report); err != nil {
				return nil, err
			}
			continue
		}
		switch event := c.asm.Push(report); event {
		case Incomplete:
			x.partial = true
		case Complete:
			reply := c.asm.Buffer()
			if x.ended != nil && x.op == CommandCBOR && len(reply)-len(dst) == 1 && reply[len(dst)] == statusKeepaliveCancel {
				c.dirty = false
				return nil, x.ended
			}
			return reply, nil
		case Spurious:
			// The rest of something older.
		default:
			return nil, &ProtocolError{Problem: problems[event], Report: bytes.Clone(report)}
		}
	}
}

var problems = [...]string{
	Interrupted: "a new message begins in the middle of a reply",
	BadSequence: "wrong sequence number",
	TooLong:     "a reply longer than a message can be",
	Malformed:   "malformed report",
}

// interlude deals with a packet on our channel that begins a message other
// than the reply. ERROR becomes an ErrorCode.
func (c *Conn) interlude(x *call, report []byte) error {
	p, _ := ParsePacket(report)
	_, assembling := c.asm.Assembling()
	problem := ""
	switch {
	case assembling:
		problem = problems[Interrupted]
	case p.Command == CommandError && p.Length == 1:
		return ErrorCode(p.Data[0])
	case p.Command == CommandError:
		problem = "ERROR message that is not one byte"
	case p.Command == CommandKeepalive && p.Length == 1:
		return c.keepalive(x, p.Data[0])
	case p.Command == CommandKeepalive:
		problem = "KEEPALIVE that is not one byte"
	default:
		problem = fmt.Sprintf("%s in reply to %s", p.Command, x.op)
	}
	return &ProtocolError{Problem: problem, Report: bytes.Clone(report)}
}

// keepalive tells the caller a new status and grants the device more time,
// unless nobody waits any more.
func (c *Conn) keepalive(x *call, status byte) error {
	if x.ended != nil {
		return nil
	}
	if x.status != int(status) {
		x.status = int(status)
		if x.waiting != nil {
			x.waiting(status)
		}
	}
	return c.arm(x, c.cfg.Silence)
}

// checkReply returns a *ProtocolError if no device would answer so.
func checkReply(op Command, request, reply []byte) error {
	switch {
	case op == CommandCBOR && len(reply) == 0:
		return &ProtocolError{Problem: "CBOR reply without a status"}
	case op == CommandMSG && len(reply) < 2:
		return &ProtocolError{Problem: "MSG reply without a status word"}
	case op == CommandPing && !bytes.Equal(request, reply):
		return &ProtocolError{Problem: "PING reply that is not the request"}
	}
	return nil
}
