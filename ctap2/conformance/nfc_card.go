package conformance

import (
	"errors"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
)

// Section 9: a card at a reader. What cases share is here.
var nfcCases = slices.Concat(nfcSelectCases, nfcCommandCases, nfcResponseCases, nfcMessageCases, nfcPowerCases)

const (
	swNoInstruction = iso7816.SWInstructionNotSupported
	swNoClass       = iso7816.SWClassNotSupported
	swNotNow        = iso7816.SWConditionsOfUseNotSatisfied
	swP1P2          = iso7816.SWIncorrectP1P2
)

// anyPart is the Ne that asks a short command for all that it can get.
const anyPart = 256

// A card is the key opened for single APDUs.
type card struct {
	c    *C
	card nfc.Card

	otherClass bool // GET RESPONSE wants the class that the command did not have
	reader     bool // the reader, not the card, refuses the extended form: see extended
}

// card opens the key at the reader, for as long as the case runs, and keeps other
// programs from it.
func (c *C) card() *card {
	c.Helper()
	k := &card{c: c, card: c.openCard()}
	if err := k.card.Begin(c.ctx); err != nil {
		c.Fatalf("beginning a transaction: %v", err)
	}
	return k
}

func (c *C) openCard() nfc.Card {
	c.Helper()
	opened, err := c.Key.OpenCard()
	if err != nil {
		c.Fatalf("opening the card: %v", err)
	}
	c.closers = append(c.closers, func() error {
		opened.End()
		return opened.Close()
	})
	return opened
}

// selected opens the card and selects the FIDO application.
func (c *C) selected() *card {
	c.Helper()
	k := c.card()
	k.choose()
	return k
}

// ctap2 opens the card and ends the case if the key does not speak CTAP2.
func (c *C) ctap2() *card {
	c.Helper()
	k := c.selected()
	if _, sw := k.whole(message(0, getInfo)); sw == swNoInstruction || sw == swNoClass {
		c.NotApplicable("the key does not speak CTAP2")
	}
	return k
}

// powerCycle cycles the power and opens the card again.
func (k *card) powerCycle() *card {
	k.c.Helper()
	k.c.powerCycle()
	return k.c.selected()
}

// raw sends an APDU. A reader that does not pass it on ends the case.
func (k *card) raw(apdu []byte) iso7816.Response {
	k.c.Helper()
	r, err := k.try(apdu)
	if errors.Is(err, nfc.ErrNotSent) {
		k.c.NotApplicable("the reader does not pass on the command %x", apdu[:min(len(apdu), 16)])
	}
	if err != nil {
		k.c.Fatalf("command %x: %v", apdu[:min(len(apdu), 16)], err)
	}
	return r
}

func (k *card) try(apdu []byte) (iso7816.Response, error) {
	b, err := k.card.Transmit(k.c.ctx, nil, apdu)
	if err != nil {
		return iso7816.Response{}, err
	}
	return iso7816.ParseResponse(b)
}

// send sends a command.
func (k *card) send(cmd iso7816.Command) iso7816.Response {
	k.c.Helper()
	apdu, err := cmd.Append(nil)
	if err != nil {
		k.c.Fatal(err)
	}
	return k.raw(apdu)
}

// get is GET RESPONSE.
func get(cla byte, ne int) iso7816.Command {
	return iso7816.Command{CLA: cla, INS: iso7816.INSGetResponse, Ne: ne}
}

// message is NFCCTAP_MSG in the short form.
func message(p1 byte, request []byte) iso7816.Command {
	return iso7816.Command{CLA: 0x80, INS: nfc.INSMessage, P1: p1, Data: request, Ne: anyPart}
}

// poll is NFCCTAP_GETRESPONSE, control is NFCCTAP_CONTROL.
func poll(p1 byte) iso7816.Command {
	return iso7816.Command{CLA: 0x80, INS: nfc.INSGetResponse, P1: p1, Ne: anyPart}
}

func control(p1 byte) iso7816.Command {
	return iso7816.Command{CLA: 0x80, INS: nfc.INSControl, P1: p1}
}

// version is U2F_VERSION.
func version() iso7816.Command { return iso7816.Command{INS: 0x03, Ne: anyPart} }

// whole sends a command and puts the response together.
func (k *card) whole(cmd iso7816.Command) ([]byte, iso7816.StatusWord) {
	k.c.Helper()
	return k.collect(k.send(cmd), cmd, anyPart)
}

// collect fetches the rest of a response in parts of at most ne bytes.
func (k *card) collect(r iso7816.Response, cmd iso7816.Command, ne int) ([]byte, iso7816.StatusWord) {
	k.c.Helper()
	if n, ok := r.SW.ExactLe(); ok {
		cmd.Ne = n
		r = k.send(cmd)
	}
	var all []byte
	for {
		all = append(all, r.Data...)
		n, more := r.SW.Remaining()
		if !more {
			return all, r.SW
		}
		if len(all) > 1<<16 {
			k.c.Fatal("the response never ends")
		}
		r = k.rest(cmd.CLA&0x80, min(n, ne))
		if len(r.Data) > ne {
			k.c.Errorf("GET RESPONSE for at most %d bytes gets %d", ne, len(r.Data))
		}
		if _, more := r.SW.Remaining(); more && len(r.Data) == 0 {
			k.c.Fatal("a part of the response has no data")
		}
	}
}

// rest sends GET RESPONSE, with the other class if the card does not take the one that
// the command has.
func (k *card) rest(cla byte, ne int) iso7816.Response {
	k.c.Helper()
	if k.otherClass {
		cla ^= 0x80
	}
	r := k.send(get(cla, ne))
	if r.SW == swNoClass && !k.otherClass {
		k.c.quirk("GET RESPONSE of class %02x is answered with %v", cla, r.SW)
		k.otherClass = true
		r = k.send(get(cla^0x80, ne))
	}
	return r
}

// selectFIDO is SELECT of the FIDO application.
func selectFIDO(ne int) iso7816.Command {
	return iso7816.Command{INS: iso7816.INSSelect, P1: 0x04, Data: []byte(nfc.AID), Ne: ne}
}

// choose selects the FIDO application and returns what it says.
func (k *card) choose() string {
	k.c.Helper()
	data, sw := k.whole(selectFIDO(anyPart))
	if sw != swDone {
		k.c.Fatalf("SELECT: %v", sw)
	}
	return string(data)
}

// ctap sends a request and returns the reply. Whatever its status, the status word
// is that of success.
func (k *card) ctap(cmd iso7816.Command) (ctap2.Status, []byte) {
	k.c.Helper()
	reply, sw := k.whole(cmd)
	if sw != swDone {
		k.c.Fatalf("%v: %v", cmd, sw)
	}
	if len(reply) == 0 {
		k.c.Fatalf("%v: the reply has no status", cmd)
	}
	return ctap2.Status(reply[0]), reply[1:]
}

// works demands that getInfo works.
func (k *card) works() {
	k.c.Helper()
	if s, _ := k.ctap(message(0, getInfo)); s != ctap2.StatusSuccess {
		k.c.Errorf("getInfo: %s", s.Name())
	}
}

// usable demands that the card is in order: a key that speaks U2F alone says its
// version, others answer getInfo.
func (k *card) usable() {
	k.c.Helper()
	if _, sw := k.whole(message(0, getInfo)); sw != swDone {
		if data, sw := k.whole(version()); sw != swDone {
			k.c.Errorf("U2F_VERSION: %q, %v", data, sw)
		}
	}
}

// refused demands one of these status words, and no data. A strict key must
// answer with the first; others are observed. Success is never right.
func (k *card) refused(what string, r iso7816.Response, accept ...iso7816.StatusWord) {
	k.c.Helper()
	if len(r.Data) > 0 {
		k.c.Errorf("%s: data before the status word: %x %v", what, r.Data, r.SW)
	}
	k.accept(what, r.SW, accept...)
}

// accept demands that a status word is among the accepted ones.
func (k *card) accept(what string, got iso7816.StatusWord, accept ...iso7816.StatusWord) {
	k.c.Helper()
	switch i := slices.Index(accept, got); {
	case i < 0, i > 0 && k.c.Key.Strict:
		k.c.Errorf("%s: %v instead of %v", what, got, accept)
	case i > 0:
		k.c.Observe("%s: %v instead of %v", what, got, accept[0])
	}
}

// quirk is what a strict key must not do, and others do.
func (c *C) quirk(format string, args ...any) {
	c.Helper()
	if c.Key.Strict {
		c.Errorf(format, args...)
		return
	}
	c.Observe(format, args...)
}

// extended reports whether card and reader take APDUs of the extended form.
func (k *card) extended() bool {
	k.c.Helper()
	cmd := selectFIDO(iso7816.Extended.MaxNe())
	cmd.Form = iso7816.Extended
	apdu, err := cmd.Append(nil)
	if err != nil {
		k.c.Fatal(err)
	}
	switch r, err := k.try(apdu); {
	case errors.Is(err, nfc.ErrNotSent):
		k.reader = true
		return false
	case err != nil:
		k.c.Fatalf("SELECT in the extended form: %v", err)
	case r.SW == swLength:
		return false
	}
	return true
}

// needExtended ends the case if card or reader take short APDUs alone.
func (k *card) needExtended() {
	k.c.Helper()
	if !k.extended() {
		k.c.NotApplicable("card or reader take no APDUs of the extended form")
	}
}

// long is a request of about n bytes that every key refuses in the same way, after it has
// looked at all of it, without asking for a touch: it offers only algorithms that
// nobody has.
func (c *C) long(n int) []byte {
	c.Helper()
	p := c.mc()
	var algorithms []any
	for i := 0; ; i++ {
		algorithms = append(algorithms, publicKey(cose.Algorithm(-60000-i)))
		b := mustCBOR(c, ctap2.CommandMakeCredential, p.with(4, algorithms))
		if len(b) >= n {
			return b
		}
	}
}

// stable is a reply to getInfo without what differs from one to the next.
func (k *card) stable(reply []byte) string {
	k.c.Helper()
	var members map[int]cbor.RawMessage
	if len(reply) == 0 || reply[0] != 0 {
		k.c.Fatalf("getInfo is answered with %x", reply)
	}
	if _, err := cbor.UnmarshalLenient(reply[1:], &members); err != nil {
		k.c.Fatalf("getInfo is answered with %x: %v", reply, err)
	}
	const encIdentifier, encCredStoreState = 0x19, 0x1e
	delete(members, encIdentifier)
	delete(members, encCredStoreState)
	b, err := cbor.Append(nil, members)
	if err != nil {
		k.c.Fatal(err)
	}
	return string(b)
}
