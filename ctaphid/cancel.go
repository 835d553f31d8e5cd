package ctaphid

import "os"

// statusKeepaliveCancel is the CTAP2 status of a request that was cancelled
// (CTAP 2.3 section 8.2). It is all that this package knows about the content
// of CBOR messages.
const statusKeepaliveCancel = 0x2d

// resume decides what follows a read that ended without a report while the
// reply is due: nil means to read on.
//
// The device is told with CANCEL that the caller does not wait any more, and
// gets the grace to finish. It is told once, and not when the reply has begun
// to arrive, which then is read to its end. When nothing comes of it the
// request is abandoned.
func (c *Conn) resume(x *call, err error) error {
	switch {
	case err == errEnded:
		return c.cancel(x)
	case err == os.ErrClosed:
		if x.ended == nil {
			c.sendCancel(x) // Close waits for it; it fails if the device is closed already
		}
		return err
	case err != errExpired:
		return err
	case x.ended != nil:
		c.abandon(x)
		return x.ended
	case x.due.Equal(x.limit):
		x.ended = ErrUnfinished
		return c.cancel(x)
	case x.partial:
		x.partial = false
		return c.arm(x, c.cfg.Silence)
	}
	c.abandon(x)
	return ErrSilent
}

// cancel begins the grace.
func (c *Conn) cancel(x *call) error {
	if err := c.sendCancel(x); err != nil {
		return err
	}
	return c.arm(x, c.cfg.Grace)
}

// sendCancel writes CANCEL if the device can be cancelled: only CBOR requests
// can, and only by devices that say they know CBOR (a U2F key would take it
// for an unknown command).
func (c *Conn) sendCancel(x *call) error {
	_, assembling := c.asm.Assembling()
	if x.op != CommandCBOR || assembling || c.Info().Capabilities&CapabilityCBOR == 0 {
		return nil
	}
	x.told = true
	return c.write(Message{CID: c.cid, Command: CommandCancel}, 0)
}

// abandon tells the device with INIT to drop the CBOR request that nobody waits
// for any more: it did not heed CANCEL, or fell silent, and might wait for a
// touch for ever. The reply is not waited for; the next request begins with an
// INIT of its own.
func (c *Conn) abandon(x *call) {
	if x.op == CommandCBOR {
		c.sendInit(c.cid) // an error shows in the next call
	}
}
