package ctaphid

import (
	"encoding/binary"
	"fmt"
	"io"
)

// resyncTries is how often INIT is sent on the Conn's own channel within
// Config.Silence: a device that was left with half a message, and a queue full
// of it, may have lost the first.
const resyncTries = 3

// initialize sends INIT on cid, the broadcast channel or the Conn's own, and
// waits for the reply with its nonce. All else that arrives is dropped: it is
// another program's, or late.
func (c *Conn) initialize(x *call, cid CID) error {
	for tries := 1; ; {
		nonce, err := c.sendInit(cid)
		if err != nil {
			return err
		}
		wait := c.cfg.Silence
		if cid != BroadcastCID {
			wait /= resyncTries
		}
		if err := c.arm(x, wait); err != nil {
			return err
		}
		info, err := c.awaitInit(x, cid, nonce)
		switch {
		case err == ErrSilent && cid != BroadcastCID && tries < resyncTries && !x.due.Equal(x.limit):
			tries++
		case err == nil:
			c.cid = info.CID
			c.info.Store(&info)
			c.dirty = false
			return nil
		case err == ErrChannelBusy:
			if err := c.pause(x); err != nil {
				return err
			}
		case err == ErrInvalidChannel && cid != BroadcastCID:
			cid = BroadcastCID
		default:
			return err
		}
	}
}

// sendInit writes an INIT request. Until its reply is read the channel is in
// an unknown state.
func (c *Conn) sendInit(cid CID) (nonce [NonceSize]byte, err error) {
	if _, err := io.ReadFull(c.cfg.Rand, nonce[:]); err != nil {
		return nonce, fmt.Errorf("no random nonce: %w", err)
	}
	c.dirty = true
	m := Message{CID: cid, Command: CommandInit, Data: nonce[:]}
	packets, err := PacketCount(c.outSize, len(m.Data))
	if err != nil {
		return nonce, err
	}
	for i := range packets {
		if err := c.write(m, i); err != nil {
			return nonce, err
		}
	}
	return nonce, nil
}

// awaitInit reads until the reply to INIT comes or it is known not to come.
// ErrChannelBusy, and ErrInvalidChannel for an own channel, are returned at
// once; other ERROR messages may be late ones, or another program's, and are
// told only when nothing better comes.
func (c *Conn) awaitInit(x *call, cid CID, nonce [NonceSize]byte) (InitInfo, error) {
	verdict := error(ErrSilent)
	c.asm.Reset(nil)
	for {
		report, err := c.read(x)
		switch {
		case err == errEnded:
			return InitInfo{}, x.ended
		case err == errExpired:
			return InitInfo{}, verdict
		case err != nil:
			return InitInfo{}, err
		}
		if len(report) != c.inSize || CID(binary.BigEndian.Uint32(report)) != cid {
			continue
		}
		if code, ok := errorCode(report); ok {
			if code == ErrChannelBusy || code == ErrInvalidChannel && cid != BroadcastCID {
				return InitInfo{}, code
			}
			verdict = code
			continue
		}
		event := c.asm.Push(report)
		if event == Interrupted {
			c.asm.Reset(nil)
			event = c.asm.Push(report)
		}
		if event != Complete {
			continue
		}
		m := c.asm.Message()
		if m.Command != CommandInit || len(m.Data) < NonceSize || [NonceSize]byte(m.Data) != nonce {
			continue
		}
		info, err := ParseInitInfo(m.Data)
		switch {
		case err != nil:
		case info.CID == ReservedCID || info.CID == BroadcastCID:
			err = &ProtocolError{Problem: "INIT reply allocates the reserved channel " + info.CID.String()}
		case cid != BroadcastCID && info.CID != cid:
			err = &ProtocolError{Problem: fmt.Sprintf("INIT reply on channel %v is about channel %v", cid, info.CID)}
		}
		return info, err
	}
}

// pause waits for the time after which a busy device is asked again, and drops
// what it sends meanwhile: answers to the other packets of the request that it
// refused.
func (c *Conn) pause(x *call) error {
	if err := c.arm(x, c.cfg.BusyRetry); err != nil {
		return err
	}
	for {
		_, err := c.read(x)
		switch {
		case err == nil:
		case err == errEnded:
			return fmt.Errorf("%w: %w", x.ended, ErrChannelBusy)
		case err == errExpired && x.due.Equal(x.limit):
			return ErrChannelBusy
		case err == errExpired:
			return nil
		default:
			return err
		}
	}
}

// errorCode returns what a report says that is a whole ERROR message.
func errorCode(report []byte) (ErrorCode, bool) {
	p, err := ParsePacket(report)
	if err != nil || !p.Init || p.Command != CommandError || p.Length != 1 {
		return 0, false
	}
	return ErrorCode(p.Data[0]), true
}
