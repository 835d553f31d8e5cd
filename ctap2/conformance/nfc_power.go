package conformance

import (
	"slices"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/nfc/iso7816"
)

// Section 9: power, and the touch that it is.
var nfcPowerCases = []Case{
	{ID: "NFC-32", Title: "power-up counts as one touch, for two minutes", Needs: NeedsCard | NeedsPowerCycle, Takes: 125 * time.Second, Run: nfc32},
	{ID: "NFC-33", Title: "a card that takes no reset over its transport says so", Needs: NeedsCard | NeedsPowerCycle, Run: nfc33},
	{ID: "NFC-34", Title: "a reset later than ten seconds after power-up is refused", Needs: NeedsCard | NeedsPowerCycle, Takes: 11 * time.Second, Run: nfc34},
	{ID: "NFC-35", Title: "power loss drops assertions to come, tokens and key agreements", Needs: NeedsCard | NeedsPowerCycle, Run: nfc35},
	{ID: "NFC-36", Title: "a card that is taken away in the middle of makeCredential has made a whole credential or none", Needs: NeedsCard | NeedsPowerCycle, Run: nfc36},
	{ID: "NFC-37", Title: "a card in a contact reader works as well", Needs: NeedsCard, Run: nfc37},
}

// withoutTap are the statuses of a command that lacks the touch that power-up is:
// CTAP 2.3's, and those of keys that are older.
var withoutTap = []ctap2.Status{ctap2.StatusUPRequired, ctap2.StatusOperationDenied, ctap2.StatusUserActionTimeout}

func nfc32(c *C) {
	if !c.Key.Tap {
		c.NotApplicable("power-up is no touch of this key")
	}
	c.ctap2()
	c.close()
	// try makes a credential with what is left of the touch.
	try := func(m *messages) ctap2.Status {
		c.Helper()
		request := mustCBOR(c, ctap2.CommandMakeCredential, m.proven(ctap2.CommandMakeCredential, c.mc()))
		return ctap2.Status(m.send(request)[0])
	}
	lacks := func(what string, s ctap2.Status) {
		c.Helper()
		switch {
		case s == ctap2.StatusSuccess:
			c.quirk("%s: the key makes another credential", what)
		case !slices.Contains(withoutTap, s):
			c.Errorf("%s: %s instead of %s", what, s.Name(), names(withoutTap))
		default:
			c.Observe("%s: %s", what, s.Name())
		}
	}
	m := c.open()
	try(m) // whatever it takes to be ready: a key that wants a PIN has got one
	m = m.powerCycle()
	if s := try(m); s != ctap2.StatusSuccess {
		c.Fatalf("the first command after power-up: %s", s.Name())
	}
	lacks("the second command after power-up", try(m))
	m = m.powerCycle()
	time.Sleep(100 * time.Second)
	if s := try(m); s != ctap2.StatusSuccess {
		c.quirk("100 seconds after power-up: %s", s.Name())
	}
	m = m.powerCycle()
	time.Sleep(121 * time.Second)
	lacks("121 seconds after power-up", try(m))
	m = m.powerCycle()
	if s := try(m); s != ctap2.StatusSuccess {
		c.Errorf("after another power cycle: %s", s.Name())
	}
}

// transport is what the transport of the card is called.
func (k *card) transport() string {
	if _, _, contactless := k.card.Info(); contactless {
		return ctap2.TransportNFC
	}
	return ctap2.TransportSmartCard
}

func nfc33(c *C) {
	over := c.ctap2().transport()
	c.close()
	m := c.open()
	taken := m.info.TransportsForReset
	m = m.powerCycle()
	if len(taken) > 0 && !slices.Contains(taken, over) {
		s, _ := m.call(ctap2.CommandReset, nil)
		m.accept(s, ctap2.StatusOperationDenied, ctap2.StatusNotAllowed)
		return
	}
	switch s := m.tryReset(nil); s {
	case ctap2.StatusSuccess, ctap2.StatusOperationDenied, ctap2.StatusInvalidCommand, ctap2.StatusNotAllowed:
		c.Observe("a reset over %s: %s", over, s.Name())
		if len(taken) > 0 && s != ctap2.StatusSuccess {
			c.Errorf("the key takes resets over %q, but answers %s", taken, s.Name())
		}
	default:
		c.Errorf("a reset over %s: %s", over, s.Name())
	}
}

func nfc34(c *C) {
	over := c.ctap2().transport()
	c.close()
	m := c.open()
	if taken := m.info.TransportsForReset; len(taken) > 0 && !slices.Contains(taken, over) {
		c.NotApplicable("the key takes no reset over %s", over)
	}
	k := m.make(c.mc())
	m = m.powerCycle()
	time.Sleep(10500 * time.Millisecond)
	m.refused(ctap2.CommandReset, nil, ctap2.StatusNotAllowed, ctap2.StatusOperationDenied)
	m.get(c.ga(k), k)
}

func nfc35(c *C) {
	c.ctap2()
	c.close()
	m := c.open()
	if m.option(ctap2.OptionRK) && !m.option(ctap2.OptionAlwaysUv) && !c.uv {
		m.make(c.passkey(1))
		m.make(c.passkey(2))
		r := m.several(c.ga(), nil)
		if r.NumberOfCredentials < 2 {
			c.Errorf("numberOfCredentials is %d", r.NumberOfCredentials)
		}
		m = m.powerCycle()
		m.refused(ctap2.CommandGetNextAssertion, nil, ctap2.StatusNotAllowed)
	}
	if _, ok := m.info.Options[ctap2.OptionClientPIN]; !ok {
		c.Observe("the key has no PIN")
		return
	}
	p := m.first()
	m.mustSetPIN(p, m.pin1())
	t := m.mustToken(p)
	s := m.agree(p)
	m = m.powerCycle()
	m.refused(ctap2.CommandMakeCredential, authorizeMC(c.mc(), t), ctap2.StatusPINAuthInvalid)
	m.stale(s)
}

// stale demands that a key agreement is of no use any more: a PIN that is
// encrypted under it is wrong.
func (m *messages) stale(s secret) {
	m.c.Helper()
	status, _ := m.pin(m.tokenParams(s, m.pin1(), m.perms(), m.permsRP()))
	m.accept(status, ctap2.StatusPINInvalid, ctap2.StatusPINAuthInvalid, ctap2.StatusPINAuthBlocked, ctap2.StatusInvalidParameter)
}

// nfc36 takes the card away after each APDU of a makeCredential.
func nfc36(c *C) {
	const segment = 60
	for n := 0; ; n++ {
		if n > 0 {
			c.fresh()
		}
		m := c.open()
		if !m.option(ctap2.OptionRK) || m.option(ctap2.OptionAlwaysUv) {
			c.NotApplicable("a credential that is made can't be found without user verification")
		}
		request := mustCBOR(c, ctap2.CommandMakeCredential, c.passkey(1))
		c.close()
		k := c.selected()
		done := k.until(n, segments(message(0, request), segment))
		c.powerCycle()
		found := c.open()
		p := c.ga().with(5, object{"up": false})
		s, b := found.call(ctap2.CommandGetAssertion, p)
		switch s {
		case ctap2.StatusSuccess:
			if n < len(segments(message(0, request), segment)) {
				c.Errorf("after %d segments there is a credential already", n)
			}
			found.assertion(b, nil)
		case ctap2.StatusNoCredentials:
			if done {
				c.Error("the credential that was made is not there")
			}
		default:
			c.Errorf("after %d APDUs: %s", n, s.Name())
		}
		found.make(c.mc())
		if done || c.Failed() {
			c.Observe("makeCredential takes %d APDUs", n)
			return
		}
	}
}

// until sends the segments, and fetches the response, until n APDUs have been
// answered. It reports whether that was all.
func (k *card) until(n int, all []iso7816.Command) (done bool) {
	k.c.Helper()
	for i, cmd := range all {
		if n == 0 {
			return false
		}
		n--
		r := k.send(cmd)
		if i < len(all)-1 {
			continue
		}
		for {
			left, more := r.SW.Remaining()
			switch {
			case !more && r.SW != swDone:
				k.c.Fatalf("makeCredential: %x, %v", r.Data, r.SW)
			case !more:
				return true
			case n == 0:
				return false
			}
			n--
			r = k.rest(0x80, left)
		}
	}
	return false
}

func nfc37(c *C) {
	k := c.card()
	if _, _, contactless := k.card.Info(); contactless {
		c.NotApplicable("the card is held to the reader")
	}
	k.choose()
	k.usable()
	reply, sw := k.whole(message(0, getInfo))
	if sw == swNoInstruction || sw == swNoClass {
		return
	}
	if sw != swDone {
		c.Fatalf("getInfo: %v", sw)
	}
	k.stable(reply)
	if got, sw := k.chain(message(0, c.long(400)), 200); sw != swDone || len(got) != 1 {
		c.Errorf("a request in segments: %x, %v", got, sw)
	}
}
