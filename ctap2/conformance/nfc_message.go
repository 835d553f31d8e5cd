package conformance

import (
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
)

// Section 9: messages, and waiting for them. NFC-30 is about hosts.
var nfcMessageCases = []Case{
	{ID: "NFC-25", Title: "U2F messages work in the short and the extended form", Needs: NeedsCard, Run: nfc25},
	{ID: "NFC-26", Title: "a request that takes time is answered when the host asks again", Needs: NeedsCard, Takes: 2 * time.Second, Run: nfc26},
	{ID: "NFC-27", Title: "a host that can't ask again is never told to", Needs: NeedsCard, Takes: 2 * time.Second, Run: nfc27},
	{ID: "NFC-28", Title: "a request that waits for the user can be cancelled", Needs: NeedsCard | NeedsUser, Takes: time.Second, Run: nfc28},
	{ID: "NFC-29", Title: "asking again with nothing pending is an error", Needs: NeedsCard, Run: nfc29},
	{ID: "NFC-31", Title: "the end of the session deselects the application", Needs: NeedsCard, Run: nfc31},
	{ID: "NFC-38", Title: "CTAP statuses come with the status word of success", Needs: NeedsCard, Run: nfc38},
}

func nfc25(c *C) {
	k := c.card()
	if said := k.choose(); said != nfc.VersionU2F {
		c.NotApplicable("the key does not speak U2F: %s", said)
	}
	forms := []iso7816.Form{iso7816.Short}
	if k.extended() {
		forms = append(forms, iso7816.Extended)
	} else {
		c.Observe("card or reader take no APDUs of the extended form")
	}
	k.choose()
	// touched sends a request until the user has touched the key.
	touched := func(r u2f.Request, form iso7816.Form) []byte {
		c.Helper()
		apdu, err := r.Append(nil, form)
		if err != nil {
			c.Fatal(err)
		}
		cmd, err := iso7816.Parse(apdu)
		if err != nil {
			c.Fatal(err)
		}
		if cmd.Ne == 0 {
			cmd.Ne = form.MaxNe()
		}
		data, sw := k.whole(cmd)
		if sw == swNotTouched && c.tapAgain() {
			k = c.selected()
			data, sw = k.whole(cmd)
		}
		for began := time.Now(); sw == swNotTouched && time.Since(began) < patient; data, sw = k.whole(cmd) {
			time.Sleep(u2f.PollInterval)
		}
		switch sw {
		case swDone:
		case swSwitchedOff:
			c.NotApplicable("U2F is switched off")
		default:
			c.Fatalf("%T in the %v form is answered with %v", r, form, sw)
		}
		return data
	}
	for _, form := range forms {
		if data := touched(new(u2f.VersionRequest), form); string(data) != u2f.Version2 {
			c.Errorf("U2F_VERSION in the %v form: %q", form, data)
		}
		q := c.registration()
		r, err := u2f.ParseRegisterResponse(touched(q, form))
		if err != nil {
			c.Fatal(err)
		}
		if err := r.Verify(q); err != nil {
			c.Error(err)
		}
		public, err := r.PublicKey()
		if err != nil {
			c.Fatal(err)
		}
		use := c.using(r.KeyHandle, u2f.EnforceUserPresence)
		a, err := u2f.ParseAuthenticateResponse(touched(use, form))
		if err != nil {
			c.Fatal(err)
		}
		if err := a.Verify(use, public); err != nil {
			c.Error(err)
		}
	}
}

// creation is a makeCredential that every key serves, cut so that it fits short
// commands. A key that serves none without a PIN ends the case.
func (k *card) creation() []byte {
	k.c.Helper()
	_, b := k.ctap(message(0, getInfo))
	info, err := ctap2.ParseGetInfoResponse(b)
	if err != nil {
		k.c.Fatal(err)
	}
	if info.Options[ctap2.OptionAlwaysUv] && !info.Options[ctap2.OptionUV] {
		k.c.NotApplicable("the key makes no credential without a PIN")
	}
	return mustCBOR(k.c, ctap2.CommandMakeCredential, k.c.mc())
}

// slowUser makes the user touch the key after a second, if that can be.
func (c *C) slowUser() {
	c.Helper()
	if c.Key.User != nil {
		c.user(Behaviour{After: time.Second})
	}
}

func nfc26(c *C) {
	k := c.ctap2()
	request := k.creation()
	c.slowUser()
	reply, sw := k.chain(message(0x80, request), 240)
	polls := 0
	for ; sw == nfc.SWWorking; polls++ {
		if len(reply) != 1 {
			c.Fatalf("9100 comes with %x instead of a status", reply)
		}
		if reply[0] != nfc.StatusProcessing && reply[0] != nfc.StatusUPNeeded {
			c.quirk("9100 comes with the status %02x", reply[0])
		}
		if polls > 1000 {
			c.Fatal("the request never ends")
		}
		time.Sleep(100 * time.Millisecond)
		reply, sw = k.whole(poll(0))
	}
	c.Observe("the host asks %d times", polls)
	if sw != swDone || len(reply) < 2 || reply[0] != 0 {
		c.Errorf("makeCredential: %x, %v", reply[:min(len(reply), 16)], sw)
	}
	k.refused("asking again after the reply", k.send(poll(0)), swNotNow, swNoInstruction, iso7816.SWCommandNotAllowed)
}

func nfc27(c *C) {
	k := c.ctap2()
	request := k.creation()
	c.slowUser()
	reply, sw := k.chain(message(0, request), 240)
	if sw != swDone || len(reply) < 2 || reply[0] != 0 {
		c.Errorf("makeCredential: %x, %v", reply[:min(len(reply), 16)], sw)
	}
}

func nfc28(c *C) {
	k := c.ctap2()
	request := k.creation()
	c.user(Behaviour{Action: Ignore})
	reply, sw := k.chain(message(0x80, request), 240)
	if sw != nfc.SWWorking {
		c.NotApplicable("the card does not say that it waits: %x, %v", reply[:min(len(reply), 16)], sw)
	}
	reply, sw = k.whole(poll(0))
	if sw != nfc.SWWorking || len(reply) != 1 || reply[0] != nfc.StatusUPNeeded {
		c.Errorf("while the key waits for the user: %x, %v", reply, sw)
	}
	reply, sw = k.whole(poll(0x11))
	for began := time.Now(); sw == nfc.SWWorking && time.Since(began) < prompt; reply, sw = k.whole(poll(0x11)) {
		time.Sleep(50 * time.Millisecond)
	}
	if sw != swDone || len(reply) != 1 || ctap2.Status(reply[0]) != ctap2.StatusKeepaliveCancel {
		c.Errorf("the cancelled request: %x, %v", reply, sw)
	}
	c.user(Behaviour{})
	k.works()
	if reply, sw = k.chain(message(0, request), 240); sw != swDone || len(reply) < 2 || reply[0] != 0 {
		c.Errorf("the request after it: %x, %v", reply[:min(len(reply), 16)], sw)
	}
}

func nfc29(c *C) {
	k := c.ctap2()
	for _, p1 := range []byte{0x00, 0x11} {
		k.refused("NFCCTAP_GETRESPONSE with nothing pending", k.send(poll(p1)), swNotNow, swNoInstruction, iso7816.SWCommandNotAllowed, swP1P2)
	}
	k.works()
}

func nfc31(c *C) {
	k := c.ctap2()
	switch r := k.send(control(1)); r.SW {
	case swDone:
		if len(r.Data) > 0 {
			c.Errorf("NFCCTAP_CONTROL is answered with %x", r.Data)
		}
	default:
		c.quirk("NFCCTAP_CONTROL is answered with %v", r.SW)
		return
	}
	switch r := k.send(message(0, getInfo)); r.SW {
	case swDone:
		c.quirk("getInfo works after the end of the session")
	default:
		k.refused("getInfo after the end of the session", r, swNoInstruction, swNoClass, swNotNow)
	}
	k.choose()
	k.works()
}

func nfc38(c *C) {
	k := c.ctap2()
	for _, test := range []struct {
		name    string
		request []byte
	}{
		{"an unknown command", []byte{0x3f}},
		{"a map that breaks off", []byte{byte(ctap2.CommandMakeCredential), 0xa1}},
		{"parameters that are none", []byte{byte(ctap2.CommandGetAssertion), 0x01}},
		{"getNextAssertion out of turn", []byte{byte(ctap2.CommandGetNextAssertion)}},
		{"algorithms that nobody has", c.long(200)},
	} {
		if s, b := k.ctap(message(0, test.request)); s == ctap2.StatusSuccess || len(b) > 0 {
			c.Errorf("%s: %s, %x", test.name, s.Name(), b)
		}
	}
	k.works()
}
