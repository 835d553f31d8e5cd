package nfc

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gofido/fido/nfc/iso7816"
)

// maxResponse bounds a response that comes in parts. CTAP messages are far
// smaller.
const maxResponse = 1 << 16

// transmit sends one APDU. The response refers to c.in.
func (c *Conn) transmit(x *exchange, cmd iso7816.Command) (iso7816.Response, error) {
	var err error
	if c.out, err = cmd.Append(c.out[:0]); err != nil {
		return iso7816.Response{}, err
	}
	if c.cfg.Trace != nil {
		c.cfg.Trace(TraceEvent{true, c.out})
	}
	if x.grace.Err() != nil { // a card that always answers at once never looks
		c.forget(true)
		return iso7816.Response{}, ended(x.ctx)
	}
	c.in, err = c.card.Transmit(x.grace, c.in[:0], c.out)
	clear(c.out)
	if err != nil {
		if c.longAnswered && cmd.Form == iso7816.Extended && errors.Is(err, ErrNotSent) && errors.Is(err, ErrGone) {
			// Some readers say the same when they don't take the form, which they
			// do, and when the answer got lost.
			err = fmt.Errorf("the answer to a command got lost: %w", ErrGone)
		}
		if !errors.Is(err, ErrNotSent) {
			c.forget(true)
			if !errors.Is(err, ErrReset) && x.grace.Err() == nil {
				c.narrow(cmd)
			}
		}
		return iso7816.Response{}, err
	}
	x.sent = true
	if c.cfg.Trace != nil {
		c.cfg.Trace(TraceEvent{false, c.in})
	}
	r, err := iso7816.ParseResponse(c.in)
	if err != nil {
		c.forget(true)
		return r, protocolError(c.in, "%v", err)
	}
	c.longAnswered = c.longAnswered || cmd.Form == iso7816.Extended && r.SW != iso7816.SWWrongLength
	return r, nil
}

// narrowPart is what is asked for at once of a reader that breaks with more.
const narrowPart = 240

// narrow notes that a command was lost. Some readers lose the card over a response
// of 256 bytes, or of more than a short command can ask for: from now on they are
// asked for less.
func (c *Conn) narrow(cmd iso7816.Command) {
	switch {
	case cmd.Form == iso7816.Extended:
		c.extended, c.noExtended = false, true
	case cmd.Ne > narrowPart:
		c.part = narrowPart
	default:
		return
	}
	c.narrowed++
}

// command sends a command, cut as card and reader want it, and appends the data
// of the response, put together, to dst. It asks for as much response as there
// is, whatever Ne says.
func (c *Conn) command(x *exchange, dst []byte, cmd iso7816.Command) ([]byte, iso7816.StatusWord, error) {
	long := cmd
	long.Form, long.Ne = iso7816.Extended, iso7816.Extended.MaxNe()
	fits := c.maxCommand == 0 || long.Size() <= c.maxCommand
	if c.extended && fits {
		b, sw, err := c.simple(x, dst, long)
		if !errors.Is(err, ErrNotSent) && sw != iso7816.SWWrongLength {
			return b, sw, err
		}
		// The card has done nothing. If the short form gets further it is the
		// one to use.
		b, sw, err = c.chain(x, dst, cmd)
		c.noExtended = err == nil && sw != iso7816.SWWrongLength
		c.extended = !c.noExtended
		return b, sw, err
	}
	b, sw, err := c.chain(x, dst, cmd)
	if err != nil || !slices.Contains(noChaining, sw) || len(cmd.Data) <= c.cfg.Segment ||
		!fits || c.noExtended || c.cfg.Length == ShortOnly {
		return b, sw, err
	}
	// The card takes no segments. Perhaps it takes the extended form, although
	// nothing says so.
	whole, wholeSW, err := c.simple(x, dst, long)
	switch {
	case errors.Is(err, ErrNotSent):
		return b, sw, nil
	case err != nil:
		return nil, 0, err
	case wholeSW != iso7816.SWNoError && wholeSW != SWWorking:
		return b, sw, nil
	}
	c.extended, c.noChaining = true, true
	return whole, wholeSW, nil
}

// noChaining is what cards answer to segments that don't know them.
var noChaining = []iso7816.StatusWord{iso7816.SWChainingNotSupported, iso7816.SWClassNotSupported}

// chain sends a command in segments of the short form.
func (c *Conn) chain(x *exchange, dst []byte, cmd iso7816.Command) ([]byte, iso7816.StatusWord, error) {
	cmd.Form = iso7816.Short
	for rest := cmd.Data; ; rest = rest[c.cfg.Segment:] {
		if len(rest) <= c.cfg.Segment {
			cmd.Data, cmd.Ne = rest, c.part
			return c.simple(x, dst, cmd)
		}
		segment := cmd
		segment.CLA |= iso7816.CLAChain
		segment.Data, segment.Ne = rest[:c.cfg.Segment], 0
		r, err := c.transmit(x, segment)
		switch {
		case err != nil:
			return nil, 0, err
		case slices.Contains(noChaining, r.SW):
			return dst, r.SW, nil
		case r.SW == iso7816.SWNoError && len(r.Data) == 0 && x.ctx.Err() == nil:
			continue
		}
		// The card may wait for the rest, and would take the next request for it. It
		// forgets the segments when the application is selected.
		c.forget(false)
		switch {
		case r.SW != iso7816.SWNoError:
			return dst, r.SW, nil
		case len(r.Data) > 0:
			return nil, 0, protocolError(c.in, "data in answer to a segment that is not the last")
		}
		return nil, 0, ended(x.ctx)
	}
}

// simple sends one APDU, again if the card asks for another Le, and collects the
// parts of the response.
func (c *Conn) simple(x *exchange, dst []byte, cmd iso7816.Command) ([]byte, iso7816.StatusWord, error) {
	r, err := c.withExactLe(x, cmd)
	if err != nil {
		return nil, 0, err
	}
	start := len(dst)
	kind, cla := 0, claCTAP
	if cmd.CLA&claCTAP == 0 {
		kind, cla = 1, claISO
	}
	for {
		dst = append(dst, r.Data...)
		n, more := r.SW.Remaining()
		switch {
		case !more:
			return dst, r.SW, nil
		case len(dst)-start > maxResponse:
			return nil, 0, protocolError(c.in, "the response never ends: %d bytes so far", len(dst)-start)
		}
		x.working = true // 6985 to GET RESPONSE does not mean that nothing was done
		get := iso7816.Command{CLA: cla, INS: iso7816.INSGetResponse, Ne: min(n, c.part)}
		if c.claOther[kind] {
			get.CLA ^= claCTAP
		}
		if r, err = c.withExactLe(x, get); err == nil && slices.Contains(wrongClass, r.SW) && len(r.Data) == 0 {
			// Hosts differ in the class that they send, and cards in what they take.
			get.CLA ^= claCTAP
			if r, err = c.withExactLe(x, get); err == nil {
				c.claOther[kind] = !c.claOther[kind]
			}
		}
		if err != nil {
			return nil, 0, err
		}
		if _, more := r.SW.Remaining(); more && len(r.Data) == 0 {
			return nil, 0, protocolError(c.in, "a part of the response without data")
		}
	}
}

// wrongClass is what cards answer that want another class.
var wrongClass = []iso7816.StatusWord{
	iso7816.SWClassNotSupported, iso7816.SWInstructionNotSupported, iso7816.SWLogicalChannelNotSupported,
}

// withExactLe sends an APDU, and once more if the card says 6Cxx.
func (c *Conn) withExactLe(x *exchange, cmd iso7816.Command) (iso7816.Response, error) {
	r, err := c.transmit(x, cmd)
	if err != nil {
		return r, err
	}
	if n, ok := r.SW.ExactLe(); ok {
		cmd.Ne = n
		return c.transmit(x, cmd)
	}
	return r, nil
}
