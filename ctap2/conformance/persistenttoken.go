package conformance

import (
	"bytes"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// persistent gets a persistent token.
func (g *manager) persistent() *pinuv.Token {
	g.c.Helper()
	return g.authorize(ctap2.PermissionPCMR, "")
}

// withPersistentToken makes a case of one that needs the persistent token, for
// each protocol.
func withPersistentToken(f func(g *manager)) func(*C) {
	return func(c *C) {
		m := c.open()
		m.needOption(ctap2.OptionPerCredMgmtRO)
		c.managed(m, ctap2.CommandCredentialManagement, f)
	}
}

// identity asks for getInfo and decrypts what the persistent token can.
func (g *manager) identity(t *pinuv.Token) (identifier, state [16]byte) {
	g.c.Helper()
	info := g.refresh()
	var err error
	if info.EncIdentifier != nil {
		if identifier, err = info.DeviceIdentifier(t); err != nil {
			g.c.Fatal(err)
		}
	}
	if info.EncCredStoreState != nil {
		if state, err = info.CredentialStoreState(t); err != nil {
			g.c.Fatal(err)
		}
	}
	return identifier, state
}

func gi13(g *manager) {
	if g.info.EncIdentifier == nil {
		g.c.NotApplicable("the key has no encIdentifier")
	}
	t := g.persistent()
	id, _ := g.identity(t)
	before := g.info.EncIdentifier
	for range 3 {
		again, _ := g.identity(t)
		if bytes.Equal(before, g.info.EncIdentifier) {
			g.c.Errorf("encIdentifier is %x each time", before)
		}
		if again != id {
			g.c.Errorf("the identifier was %x and is %x", id, again)
		}
	}
	g.make(rpID, 1, nil)
	g.messages = g.powerCycle()
	if again, _ := g.identity(t); again != id {
		g.c.Errorf("the identifier was %x and is %x after a power cycle", id, again)
	}
	g.reset()
	g.prepare()
	if again, _ := g.identity(g.persistent()); again == id {
		g.c.Error("the identifier is the same after a reset")
	}
}

func gi14(g *manager) {
	if g.info.EncCredStoreState == nil {
		g.c.NotApplicable("the key has no encCredStoreState")
	}
	t := g.persistent()
	_, state := g.identity(t)
	seen := map[[16]byte]bool{state: true}
	var k *credential
	for _, step := range []struct {
		name    string
		changes bool
		do      func()
	}{
		{"nothing", false, func() {}},
		{"a new passkey", true, func() { k = g.make(rpID, 1, nil) }},
		{"an assertion", false, func() { g.asserts(k) }},
		{"another passkey", true, func() { g.make(rpID, 2, nil) }},
		{"a credential that is no passkey", false, func() {
			g.messages.make(authorizeMC(g.c.mc(), g.authorize(ctap2.PermissionMC, rpID)))
		}},
		{"a list", false, func() { g.passkeys(t, rpID) }},
		{"new names", true, func() {
			g.must(g.manages(), ctap2.UpdateUserInformation, ofUser(k.id, object{"id": []byte{1, 0xaa}, "name": "x"}))
		}},
		{"a deletion", true, func() { g.must(g.manages(), ctap2.DeleteCredential, ofCredential(k.id)) }},
		{"a deletion of nothing", false, func() {
			g.denied(g.manages(), ctap2.DeleteCredential, ofCredential(k.id), ctap2.StatusNoCredentials, ctap2.StatusInvalidCredential)
		}},
	} {
		step.do()
		_, now := g.identity(t)
		switch {
		case step.changes && seen[now]:
			g.c.Errorf("%s: the state of the credential store is %x again", step.name, now)
		case !step.changes && now != state:
			g.c.Errorf("%s: the state of the credential store has changed", step.name)
		}
		state = now
		seen[state] = true
	}
}

func tk9(g *manager) {
	const refused = ctap2.StatusPINAuthInvalid
	k, other := g.make(rpID, 1, nil), g.make(site(1), 2, nil)
	s := g.agree(g.p)
	for _, more := range []ctap2.Permissions{ctap2.PermissionMC, ctap2.PermissionCM} {
		if !g.option(ctap2.OptionClientPIN) {
			break
		}
		status, _ := g.pin(g.tokenParams(s, g.pin1(), ctap2.PermissionPCMR|more, rpID))
		g.accept(status, ctap2.StatusUnauthorizedPermission)
	}
	t := g.persistent()
	reads := func() {
		g.c.Helper()
		if n, _ := g.counts(t); n != 2 {
			g.c.Errorf("%d passkeys are counted", n)
		}
		if n := len(g.rps(t)); n != 2 {
			g.c.Errorf("%d relying parties are listed", n)
		}
		g.holds(t, rpID, k)
		g.holds(t, site(1), other)
	}
	reads()
	g.denied(t, ctap2.DeleteCredential, ofCredential(k.id), refused)
	g.denied(t, ctap2.UpdateUserInformation, ofUser(k.id, object{"id": []byte{1, 0xaa}, "name": "x"}), refused)
	g.refused(ctap2.CommandMakeCredential, authorizeMC(g.c.mc(), t), refused)
	g.refused(ctap2.CommandGetAssertion, authorizeGA(g.c.ga(k), t), refused)
	g.asserts(k)
	g.manages() // other tokens come and go
	reads()
	if g.c.Key.PowerCycle != nil {
		g.messages = g.powerCycle()
		reads()
	}
	if g.option(ctap2.OptionClientPIN) {
		if s := g.changePIN(g.p, g.pin1(), g.pin2()); s != ctap2.StatusSuccess {
			g.c.Fatalf("changePIN: %s", s.Name())
		}
		g.denied(t, ctap2.GetCredsMetadata, nil, refused)
		if s := g.changePIN(g.p, g.pin2(), g.pin1()); s != ctap2.StatusSuccess {
			g.c.Fatalf("changePIN: %s", s.Name())
		}
		g.denied(t, ctap2.GetCredsMetadata, nil, refused)
		t = g.persistent()
		reads()
	}
	if g.c.Key.PowerCycle == nil {
		return
	}
	g.messages = g.powerCycle()
	g.reset()
	g.prepare()
	g.denied(t, ctap2.GetCredsMetadata, nil, refused)
}
