package conformance

import (
	"bytes"
	"slices"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Section 15: reset. RS-8 needs a power cut inside the key and is tested in package
// virtual.
var resetCases = []Case{
	{ID: "RS-1", Title: "a reset works within ten seconds of power-up and not later", Needs: NeedsPowerCycle, Takes: 11 * time.Second, Run: rs1},
	{ID: "RS-2", Title: "commands before a reset", Needs: NeedsPowerCycle, Run: rs2},
	{ID: "RS-3", Title: "a reset needs a touch", Needs: NeedsPowerCycle | NeedsUser, Takes: time.Minute, Run: rs3},
	{ID: "RS-4", Title: "a reset clears credentials, PIN, retries and tokens", Needs: NeedsPowerCycle, Run: rs4},
	{ID: "RS-5", Title: "the AAGUID and the attestation survive a reset", Needs: NeedsPowerCycle, Run: rs5},
	{ID: "RS-6", Title: "with longTouchForReset a short touch resets nothing", Needs: NeedsPowerCycle | NeedsUser, Takes: 10 * time.Second, Run: rs6},
	{ID: "RS-7", Title: "a transport that is missing from transportsForReset resets nothing", Needs: NeedsPowerCycle, Run: rs7},
	{ID: "RS-9", Title: "parameters of reset are ignored or refused", Needs: NeedsPowerCycle, Run: rs9},
}

func rs1(c *C) {
	m := c.open()
	k := m.make(c.mc())
	m = m.powerCycle()
	m.reset()
	m.refused(ctap2.CommandGetAssertion, c.ga(k), ctap2.StatusNoCredentials)
	k = m.make(c.mc())
	m = m.powerCycle()
	time.Sleep(10500 * time.Millisecond)
	m.refused(ctap2.CommandReset, nil, ctap2.StatusNotAllowed)
	m.get(c.ga(k), k)
}

func rs2(c *C) {
	m := c.open()
	m = m.powerCycle() // which asks for getInfo
	m.make(c.mc())
	if s := m.tryReset(nil); s != ctap2.StatusSuccess {
		m.accept(s, ctap2.StatusNotAllowed)
		c.Observe("makeCredential takes the right to reset away")
	}
}

func rs3(c *C) {
	m := c.open()
	if over := m.info.TransportsForReset; len(over) > 0 && c.overHID() && !slices.Contains(over, ctap2.TransportUSB) {
		c.NotApplicable("the key takes resets over %q alone", over)
	}
	k := m.make(c.mc())
	m = m.powerCycle()
	c.user(Behaviour{Action: Decline})
	m.refused(ctap2.CommandReset, nil, ctap2.StatusOperationDenied)
	m = m.powerCycle()
	c.user(Behaviour{Action: Ignore})
	m.refused(ctap2.CommandReset, nil, ctap2.StatusUserActionTimeout, ctap2.StatusOperationDenied)
	c.user(Behaviour{})
	m.get(c.ga(k), k)
	if c.Key.OpenReports == nil {
		return
	}
	m.powerCycle()
	c.close()
	c.user(Behaviour{Action: Ignore})
	c.cancels(ctap2.CommandReset)
	c.user(Behaviour{})
	m = c.open()
	m.get(c.ga(k), k)
}

func rs4(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		k := m.make(c.mc())
		rk := m.option(ctap2.OptionRK)
		if rk {
			m.make(c.passkey(1))
		}
		m.mustSetPIN(p, m.pin1())
		most, _ := m.retries()
		if most > 1 {
			s, _ := m.token(p, m.wrongPIN(), m.perms(), m.permsRP())
			m.accept(s, ctap2.StatusPINInvalid)
		}
		m = m.powerCycle()
		t := m.mustToken(p)
		before := m.pinKey(p)
		m.reset()
		if m.option(ctap2.OptionClientPIN) {
			c.Error("the PIN is still set")
		}
		m.refused(ctap2.CommandGetAssertion, c.ga(k), ctap2.StatusNoCredentials)
		if rk {
			m.refused(ctap2.CommandGetAssertion, c.ga(), ctap2.StatusNoCredentials)
		}
		if n, power := m.retries(); n < most || power {
			c.Errorf("%d retries are left of %d", n, most)
		}
		m.mustSetPIN(p, m.pin1())
		m.refused(ctap2.CommandMakeCredential, authorizeMC(c.mc(), t), ctap2.StatusPINAuthInvalid)
		c.Observe("the key agreement key survives a reset: %v", equalKeys(before, m.pinKey(p)))
	})
}

func rs5(c *C) {
	m := c.open()
	before, old := m.info, m.make(c.mc())
	m = m.powerCycle()
	m.reset()
	after := m.info
	if before.AAGUID != after.AAGUID {
		c.Errorf("the AAGUID was %v and is %v", before.AAGUID, after.AAGUID)
	}
	if !slices.Equal(before.Versions, after.Versions) {
		c.Errorf("the versions were %q and are %q", before.Versions, after.Versions)
	}
	again := m.make(c.mc())
	if old.resp.Fmt != again.resp.Fmt {
		c.Errorf("the attestation format was %s and is %s", old.resp.Fmt, again.resp.Fmt)
	}
	if a, b := certificates(c, old), certificates(c, again); !bytes.Equal(a, b) {
		c.Errorf("the attestation certificate was %x and is %x", a, b)
	}
}

// certificates returns the encoded certificates of the attestation statement,
// nil if there are none.
func certificates(c *C, k *credential) []byte {
	c.Helper()
	var stmt map[string]cbor.RawMessage
	if _, err := cbor.UnmarshalLenient(k.resp.AttStmt, &stmt); err != nil {
		c.Fatalf("the attestation statement %x: %v", k.resp.AttStmt, err)
	}
	return stmt["x5c"]
}

func rs6(c *C) {
	m := c.open()
	long := func() bool { return m.info.LongTouchForReset != nil && *m.info.LongTouchForReset }
	preset := long()
	if !preset {
		if m.info.LongTouchForReset == nil || !m.option(ctap2.OptionAuthnrCfg) {
			c.NotApplicable("the key can't want a long touch")
		}
		m.set(ctap2.EnableLongTouchForReset, nil)
		if !long() {
			c.Error("longTouchForReset is not true")
		}
	}
	k := m.make(c.mc())
	m = m.powerCycle()
	if !long() {
		c.Error("longTouchForReset does not outlive a power cycle")
	}
	m.refused(ctap2.CommandReset, nil, ctap2.StatusOperationDenied, ctap2.StatusUserActionTimeout)
	m.get(c.ga(k), k)
	m = m.powerCycle()
	m.reset() // with a long touch
	m.refused(ctap2.CommandGetAssertion, c.ga(k), ctap2.StatusNoCredentials)
	if long() != preset {
		c.Errorf("after the reset longTouchForReset is %v", long())
	}
}

func rs7(c *C) {
	m := c.open()
	over := m.info.TransportsForReset
	switch {
	case len(over) == 0:
		c.NotApplicable("the key names no transports for reset")
	case c.overHID() && slices.Contains(over, ctap2.TransportUSB):
		c.NotApplicable("the fixture's transport is among those for reset")
	}
	k := m.make(c.mc())
	m = m.powerCycle()
	s, _ := m.call(ctap2.CommandReset, nil)
	if s == ctap2.StatusSuccess && !c.overHID() {
		c.NotApplicable("the fixture's transport is among %q", over)
	}
	m.accept(s, ctap2.StatusOperationDenied)
	m.get(c.ga(k), k)
}

func rs9(c *C) {
	m := c.open()
	m = m.powerCycle()
	s := m.tryReset(params{1: true})
	m.either(s, ctap2.StatusSuccess, ctap2.StatusInvalidParameter, ctap2.StatusInvalidLength, ctap2.StatusInvalidCBOR)
}
