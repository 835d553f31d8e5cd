package nfc

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofido/fido/nfc/iso7816"
)

// AppletConfig says what the card of an [Applet] is like. A nil AppletConfig,
// and the zero value of each field, mean the defaults.
type AppletConfig struct {
	// ATR is what the card answers to a reset. Default: one that says that the
	// card takes APDUs of the extended form, unless ShortOnly says otherwise.
	ATR []byte

	ShortOnly bool // APDUs of the extended form are answered with 6700

	// MaxMessage is the longest request in bytes that is put together from
	// segments. Default 7,609, the most that CTAPHID carries.
	MaxMessage int

	// Patience is how long a request may take before the card says that it still
	// works on it, to a host that understands. Default 100 ms.
	Patience time.Duration
}

// The default ATRs: no interface bytes, and the card capabilities, of which the
// third byte says how commands may be cut and how long they may be.
var (
	atrExtended = []byte{0x3b, 0x85, 0x80, 0x01, 0x80, 0x73, 0x00, 0x00, 0xc0, 0x37}
	atrShort    = []byte{0x3b, 0x85, 0x80, 0x01, 0x80, 0x73, 0x00, 0x00, 0x80, 0x77}
)

func (c *AppletConfig) withDefaults() AppletConfig {
	if c == nil {
		c = new(AppletConfig)
	}
	d := *c
	if d.ATR == nil {
		d.ATR = atrExtended
		if d.ShortOnly {
			d.ATR = atrShort
		}
	}
	if d.MaxMessage == 0 {
		d.MaxMessage = 7609
	}
	if d.Patience == 0 {
		d.Patience = 100 * time.Millisecond
	}
	return d
}

// An Applet is the key's end: it makes a smart card of a [Handler]. A reader, or
// what stands for one, gives it power and one APDU at a time.
//
// Where the specification leaves a choice, it does what most hosts expect:
//
//   - SELECT of another application deselects this one; so does the end of the
//     session, NFCCTAP_CONTROL.
//   - A request that waits for the user is answered with 9100 after
//     AppletConfig.Patience if the host understands that; otherwise the answer
//     waits. A new request ends the one that is worked on.
//   - An APDU other than the next segment drops the segments that came before,
//     and any but GET RESPONSE the rest of a response.
//   - GET RESPONSE is taken with either class.
type Applet struct {
	handler Handler
	config  AppletConfig

	power atomic.Pointer[context.CancelFunc] // ends on

	mu       sync.Mutex      // held while an APDU is answered
	session  uint64          // 0: no power
	on       context.Context // ends with the power
	selected bool
	chain    chain
	rest     []byte // of a response, for GET RESPONSE
	restSW   iso7816.StatusWord
	work     *work // the request that is worked on, nil for none
}

// chain is what has come of a command in segments.
type chain struct {
	header [iso7816.HeaderSize]byte // of the last segment: the bit for chaining is clear
	data   []byte
	active bool
}

// NewApplet returns an Applet without power.
func NewApplet(h Handler, c *AppletConfig) *Applet {
	return &Applet{handler: h, config: c.withDefaults()}
}

// ATR returns what the card answers to a reset.
func (a *Applet) ATR() []byte { return append([]byte(nil), a.config.ATR...) }

// PowerOn gives the card power, as when it comes into the field, and does
// nothing if it has power.
func (a *Applet) PowerOn() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session != 0 {
		return
	}
	a.cycle()
	a.session = firstSession + sessions.Add(1)
	on, cancel := context.WithCancel(context.Background())
	a.on = on
	a.power.Store(&cancel)
}

// PowerOff takes the power: the card forgets everything but what its storage
// holds, and a request that it works on ends.
func (a *Applet) PowerOff() {
	if cancel := a.power.Swap(nil); cancel != nil {
		(*cancel)() // whoever holds the lock waits for nothing any more
		a.cycle()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session == 0 {
		return
	}
	a.stop()
	a.session, a.selected = 0, false
	a.dropChain()
	a.dropRest()
}

// cycle lets the Handler know that the power has gone, or come.
func (a *Applet) cycle() {
	if h, ok := a.handler.(interface{ PowerCycle() }); ok {
		h.PowerCycle()
	}
}

// Reset takes the power and gives it back.
func (a *Applet) Reset() {
	a.PowerOff()
	a.PowerOn()
}

// Transmit answers one command APDU: the response is appended to dst. A card
// without power answers nothing, and nor does one that works on a request whose
// host must wait when ctx ends; the request is cancelled then.
func (a *Applet) Transmit(ctx context.Context, dst, apdu []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session == 0 {
		return dst
	}
	cmd, _, err := iso7816.ParseLenient(apdu)
	if err != nil || cmd.Form == iso7816.Extended && a.config.ShortOnly {
		a.dropChain()
		a.dropRest()
		return iso7816.SWWrongLength.Append(dst)
	}
	if cmd.CLA&^claCTAP == 0 && cmd.INS == iso7816.INSGetResponse {
		a.dropChain()
		return a.getResponse(dst, cmd)
	}
	a.dropRest()
	whole, sw := a.assemble(cmd)
	if sw != 0 {
		return sw.Append(dst)
	}
	data, sw := a.answer(ctx, whole)
	if sw == 0 || a.on.Err() != nil { // the power has gone meanwhile
		return dst
	}
	return a.respond(dst, whole, data, sw)
}

// assemble puts segments together. The status word is 0 when the command is
// whole, and otherwise the answer to the segment.
func (a *Applet) assemble(cmd iso7816.Command) (iso7816.Command, iso7816.StatusWord) {
	more := cmd.CLA&iso7816.CLAChain != 0
	cmd.CLA &^= iso7816.CLAChain
	header := [...]byte{cmd.CLA, cmd.INS, cmd.P1, cmd.P2}
	if a.chain.active && a.chain.header != header {
		a.dropChain()
	}
	if !more && !a.chain.active {
		return cmd, 0
	}
	if len(a.chain.data)+len(cmd.Data) > a.config.MaxMessage {
		a.dropChain()
		return cmd, iso7816.SWWrongLength
	}
	a.chain.data = append(a.chain.data, cmd.Data...)
	if more {
		if !a.selected {
			a.dropChain()
			return cmd, iso7816.SWInstructionNotSupported
		}
		a.chain.active, a.chain.header = true, header
		return cmd, iso7816.SWNoError
	}
	cmd.Data = a.chain.data
	a.chain = chain{} // the memory goes with the command
	return cmd, 0
}

func (a *Applet) dropChain() {
	clear(a.chain.data)
	a.chain = chain{}
}

func (a *Applet) dropRest() {
	clear(a.rest)
	a.rest = nil
}

// respond appends as much of a response as the command asks for, and keeps the
// rest for GET RESPONSE. Hosts that send SELECT, or commands of the extended form,
// without Le mean all of it.
func (a *Applet) respond(dst []byte, cmd iso7816.Command, data []byte, sw iso7816.StatusWord) []byte {
	if cmd.Ne == 0 && (cmd.Form == iso7816.Extended || cmd.INS == iso7816.INSSelect) {
		cmd.Ne = cmd.Form.MaxNe()
	}
	n := min(len(data), cmd.Ne)
	if n == len(data) {
		return sw.Append(append(dst, data...))
	}
	dst = append(dst, data[:n]...)
	a.rest, a.restSW = append([]byte(nil), data[n:]...), sw
	return iso7816.BytesRemaining(len(a.rest)).Append(dst)
}

func (a *Applet) getResponse(dst []byte, cmd iso7816.Command) []byte {
	switch {
	case len(a.rest) == 0:
		return iso7816.SWConditionsOfUseNotSatisfied.Append(dst)
	case cmd.P1 != 0 || cmd.P2 != 0:
		return iso7816.SWIncorrectP1P2.Append(dst)
	case len(cmd.Data) > 0:
		return iso7816.SWWrongLength.Append(dst)
	}
	n := min(len(a.rest), cmd.Ne)
	dst = append(dst, a.rest[:n]...)
	clear(a.rest[:n])
	if a.rest = a.rest[n:]; len(a.rest) > 0 {
		return iso7816.BytesRemaining(len(a.rest)).Append(dst)
	}
	return a.restSW.Append(dst)
}
