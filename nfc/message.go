package nfc

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gofido/fido/nfc/iso7816"
)

// The CTAP2 commands whose requests do not depend on what a card has forgotten
// that lost power. A token that is part of one is refused, without a loss;
// clientPIN is not among them because a PIN that is encrypted under a secret
// that was forgotten counts as a wrong one.
var repeatable = map[byte]repetition{
	0x01:    ifUnsent, // makeCredential
	0x02:    ifUnsent, // getAssertion
	getInfo: always,
	0x0b:    ifUnsent, // selection
}

// A repetition says when a request is sent again that got lost.
type repetition uint8

const (
	never    repetition = iota
	ifUnsent            // the card has not seen it
	always              // it changes nothing
)

// CBOR sends a CTAP2 request, a command byte and CBOR parameters, and appends
// the reply, a status byte and CBOR, to dst (CTAP 2.3 section 11.3.5.1). A
// status other than success is a reply, not an error.
//
// After a card has come back, or another in its place, the first clientPIN that no
// getInfo goes before fails with [ErrReset]: the PIN may not be meant for this one.
//
// waiting, if not nil, is told at each change what the card says while it
// works: [StatusProcessing], [StatusUPNeeded] or another. It runs with the
// Conn's turn held, so it must return soon and must not call the Conn.
//
// When ctx ends, the card is told to cancel the request, if it has said that it
// works on it. A reply other than the status KEEPALIVE_CANCEL is then returned
// as if ctx had not ended: the cancellation came too late, and the credential
// that was made, or the PIN that was counted, is better known.
func (c *Conn) CBOR(ctx context.Context, dst, request []byte, waiting func(status byte)) ([]byte, error) {
	var reply []byte
	err := c.call(ctx, "CBOR", func(x *exchange) error {
		again, pin := never, false
		if len(request) > 0 {
			again, pin = repeatable[request[0]], request[0] == clientPIN
			c.returned = c.returned && request[0] != getInfo
		}
		if again == never && x.forgotten || pin && c.returned {
			c.returned = c.returned && !pin
			return ErrReset
		}
		b, sw, err := c.attempt(x, again, ctapDeselected, func() ([]byte, iso7816.StatusWord, error) {
			return c.message(x, dst, request, waiting)
		})
		switch {
		case errors.Is(err, ErrReset):
			c.returned = false // which tells the caller
			return err
		case err != nil:
			return err
		case sw != iso7816.SWNoError:
			return &StatusError{sw, "a CTAP2 request"}
		case len(b) == len(dst):
			return protocolError(c.in, "a reply without the status byte")
		case x.ctx.Err() != nil && b[len(dst)] == statusKeepaliveCancel:
			return ended(x.ctx)
		}
		reply = b
		return nil
	})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// MSG sends a U2F request APDU, of either form, and appends the response APDU,
// whatever its status word, to dst (CTAP 2.3 section 11.3.6). It goes to the
// card in the form that card and reader take. U2F has no way to cancel.
func (c *Conn) MSG(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	cmd, _, err := iso7816.ParseLenient(apdu)
	if err != nil {
		return nil, &OpError{"MSG", err}
	}
	var reply []byte
	err = c.call(ctx, "MSG", func(x *exchange) error {
		b, sw, err := c.attempt(x, ifUnsent, u2fDeselected, func() ([]byte, iso7816.StatusWord, error) {
			return c.command(x, dst, cmd)
		})
		if err == nil {
			reply = sw.Append(b)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// What a card answers whose application is not selected any more, because
// another program has selected its own. A U2F message may well be answered with
// 6985.
var (
	ctapDeselected = []iso7816.StatusWord{
		iso7816.SWInstructionNotSupported, iso7816.SWClassNotSupported, iso7816.SWConditionsOfUseNotSatisfied,
	}
	u2fDeselected = ctapDeselected[:2]
)

// attempt runs f, which sends a request. If the card has not taken it because it
// was reset, or another program has selected something else, the application is
// selected again, and f runs again if it may. So it does when the reader has lost
// the card over the length of the response: see narrow.
func (c *Conn) attempt(x *exchange, again repetition, deselected []iso7816.StatusWord, f func() ([]byte, iso7816.StatusWord, error)) ([]byte, iso7816.StatusWord, error) {
	run := func() ([]byte, iso7816.StatusWord, error) {
		x.sent, x.working = false, false
		b, sw, err := f()
		if again != always && x.working && errors.Is(err, ErrReset) {
			err = errForgotten // ErrReset has those above send a PIN again
		}
		return b, sw, err
	}
	narrowed := c.narrowed
	b, sw, err := run()
	switch {
	case errors.Is(err, ErrReset) && (!x.sent || again == always):
	case err != nil && c.narrowed > narrowed && again == always:
	case err == nil && slices.Contains(deselected, sw) && (!x.working || again == always):
		c.forget(false)
	default:
		return b, sw, err
	}
	if err := c.ready(x); err != nil {
		return nil, 0, err
	}
	if again == never {
		return nil, 0, ErrReset
	}
	return run()
}

// errForgotten is for a request that may have been carried out, unlike one that
// fails with ErrReset.
var errForgotten = errors.New("the key lost power or was interrupted by another program, and what has come of the request is not known: try again")

// statusKeepaliveCancel is the CTAP2 status of a request that was cancelled.
const statusKeepaliveCancel = 0x2d

// message sends a CTAP2 request and asks for the reply until it is there.
func (c *Conn) message(x *exchange, dst, request []byte, waiting func(status byte)) ([]byte, iso7816.StatusWord, error) {
	cmd := iso7816.Command{CLA: claCTAP, INS: INSMessage, Data: request}
	if !c.noGetResponse {
		cmd.P1 = p1GetResponse
	}
	b, sw, err := c.command(x, dst, cmd)
	if err == nil && cmd.P1 != 0 && (sw == iso7816.SWIncorrectP1P2 || sw == iso7816.SWWrongP1P2) {
		cmd.P1, c.noGetResponse = 0, true
		b, sw, err = c.command(x, dst, cmd)
	}
	last := -1
	for err == nil && sw == SWWorking {
		if len(b) != len(dst)+1 {
			return nil, 0, protocolError(c.in, "9100 with %d bytes of data instead of the status", len(b)-len(dst))
		}
		x.working = true
		if status := b[len(dst)]; int(status) != last {
			last = int(status)
			if waiting != nil {
				waiting(status)
			}
		}
		poll := iso7816.Command{CLA: claCTAP, INS: INSGetResponse}
		if !c.pause(x) {
			poll.P1 = p1Cancel
		}
		if x.grace.Err() != nil {
			return nil, 0, ended(x.ctx)
		}
		b, sw, err = c.chain(x, dst, poll)
		if err == nil && slices.Contains(ctapDeselected, sw) {
			c.forget(false)
			err = errForgotten
			if x.ctx.Err() != nil {
				err = ended(x.ctx)
			}
		}
	}
	return b, sw, err
}

// pause waits until it is time to ask again; false if the request has to be
// cancelled. A card that works on after that is asked again at the same pace.
func (c *Conn) pause(x *exchange) bool {
	timer := time.NewTimer(c.cfg.Poll)
	defer timer.Stop()
	done := x.ctx.Done()
	if x.cancelled {
		done = nil
	}
	select {
	case <-timer.C:
		return true
	case <-done:
		x.cancelled = true
		return false
	case <-x.grace.Done():
		return true
	}
}
