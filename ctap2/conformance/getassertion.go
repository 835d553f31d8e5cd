package conformance

import (
	"bytes"
	"fmt"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Section 13: getAssertion and getNextAssertion. GA-5 is a part of CBR-4 and
// CBR-5; GNA-6 is HID-B7.
var getAssertionCases = []Case{
	{ID: "GA-1", Title: "an assertion for a credential on the allow list verifies and the counter grows", Run: ga1},
	{ID: "GA-2", Title: "an empty allow list is refused or like none", Run: ga2},
	{ID: "GA-3", Title: "an unknown credential is refused without a touch", Run: ga3},
	{ID: "GA-4", Title: "a credential of another RP is refused", Run: ga4},
	{ID: "GA-6", Title: "entries of an unknown type are ignored, malformed ones refused", Run: ga6},
	{ID: "GA-7", Title: "the option rk is refused", Run: ga7},
	{ID: "GA-8", Title: "up false makes a silent assertion with the same key", Needs: NeedsUser, Run: ga8},
	{ID: "GA-9", Title: "the option uv verifies the user, or is refused where there is no built-in user verification", Run: ga9},
	{ID: "GA-10", Title: "the user's names are told only after user verification", Run: ga10},
	{ID: "GA-11", Title: "an empty user ID is left out", Run: ga11},
	{ID: "GA-12", Title: "a passkey on the allow list comes with its user, another credential without", Run: ga12},
	{ID: "GA-13", Title: "the credential is named, or the allow list has one entry", Run: ga13},
	{ID: "GA-14", Title: "without a touch, or when the user declines, there is no assertion", Needs: NeedsUser, Takes: 2 * time.Minute, Run: ga14},
	{ID: "GA-15", Title: "credentials survive a power cycle", Needs: NeedsPowerCycle, Run: ga15},
	{ID: "GA-16", Title: "the counter never goes back", Run: ga16},
	{ID: "GA-17", Title: "one touch serves one request", Needs: NeedsUser, Takes: 3 * time.Second, Run: ga17},
	{ID: "GA-18", Title: "with a PIN set, a request without one makes an assertion without UV", Run: ga18},
	{ID: "GA-19", Title: "with alwaysUv every use needs user verification but silent ones", Run: ga19},
	{ID: "GA-20", Title: "an allow list longer than allowed is refused", Run: ga20},
	{ID: "GA-21", Title: "an empty pinUvAuthParam asks for a touch and nothing else", Run: ga21},
	{ID: "GA-22", Title: "userSelected is told only by keys with a display", Run: ga22},
	{ID: "GNA-1", Title: "getNextAssertion gives the other passkeys, newest first", Run: gna1},
	{ID: "GNA-2", Title: "after the last passkey there is no next", Run: gna2},
	{ID: "GNA-2b", Title: "a power cycle ends the list", Needs: NeedsPowerCycle, Run: gna2b},
	{ID: "GNA-3", Title: "getNextAssertion without getAssertion is refused", Run: gna3},
	{ID: "GNA-4", Title: "after another command there is no next, or the right one", Run: gna4},
	{ID: "GNA-5", Title: "after thirty seconds there is no next", Takes: 31 * time.Second, Run: gna5},
	{ID: "GNA-7", Title: "the flags and extensions of the first assertion are those of the next", Run: gna7},
	{ID: "GNA-8", Title: "numberOfCredentials is left out for one passkey and for allow lists", Run: gna8},
	{ID: "GNA-9", Title: "passkeys of other RPs are not offered", Run: gna9},
	{ID: "GNA-10", Title: "a passkey that was replaced meanwhile is not the next", Run: gna10},
}

func ga1(c *C) {
	m := c.open()
	k := m.make(c.mc())
	first := m.get(c.ga(k), k)
	m.flags(first.AuthData, m.used())
	second := m.get(c.ga(k), k)
	if a, b := first.AuthData.SignCount, second.AuthData.SignCount; b <= a && (a != 0 || b != 0) {
		c.Errorf("the counter goes from %d to %d", a, b)
	}
}

func ga2(c *C) {
	m := c.open()
	s, _ := m.call(ctap2.CommandGetAssertion, c.ga().with(3, []any{}))
	if s == ctap2.StatusSuccess {
		c.Error("an empty allow list gives an assertion on a key without passkeys")
	}
	c.Observe("an empty allow list, no passkey: %s", s.Name())
	if m.option(ctap2.OptionRK) {
		m.make(c.passkey(1))
		s, _ := m.call(ctap2.CommandGetAssertion, c.ga().with(3, []any{}))
		c.Observe("an empty allow list, one passkey: %s", s.Name())
	}
}

func ga3(c *C) {
	m := c.open()
	k := m.make(c.mc())
	for i, id := range [][]byte{[]byte("unknown"), append([]byte{k.id[0] ^ 1}, k.id[1:]...), k.id[:len(k.id)/2], append(bytes.Clone(k.id), 0)} {
		m.refused(ctap2.CommandGetAssertion, c.ga().with(3, []any{descriptor(id)}), ctap2.StatusNoCredentials, ctap2.StatusInvalidCredential)
		if m.prompted {
			c.Observe("credential %d: the key asks for a touch first", i)
		}
	}
	if m.option(ctap2.OptionRK) {
		m.refused(ctap2.CommandGetAssertion, c.ga(), ctap2.StatusNoCredentials)
	}
}

func ga4(c *C) {
	m := c.open()
	k := m.make(c.mc())
	m.refused(ctap2.CommandGetAssertion, c.ga(k).with(1, "other.example"), ctap2.StatusNoCredentials)
}

func ga6(c *C) {
	m := c.open()
	m.needList(2)
	k := m.make(c.mc())
	other := object{"id": k.id, "type": "other"}
	m.refused(ctap2.CommandGetAssertion, c.ga().with(3, []any{other}), ctap2.StatusNoCredentials)
	m.get(c.ga().with(3, []any{other, descriptor(k.id)}), k)
	for _, bad := range []struct {
		entry  any
		accept []ctap2.Status
	}{
		{object{"id": k.id}, nestedMissing},
		{object{"type": "public-key"}, nestedMissing},
		{"x", wrongType},
	} {
		s, _ := m.call(ctap2.CommandGetAssertion, c.ga().with(3, []any{descriptor(k.id), bad.entry}))
		if s == ctap2.StatusSuccess && !c.Key.Strict {
			c.Observe("a malformed entry after a good one is accepted")
			continue
		}
		m.accept(s, bad.accept...)
	}
}

func ga7(c *C) {
	m := c.open()
	k := m.make(c.mc())
	for _, v := range []bool{true, false} {
		m.refused(ctap2.CommandGetAssertion, c.ga(k).with(5, object{"rk": v}), ctap2.StatusUnsupportedOption, ctap2.StatusInvalidOption)
	}
}

func ga8(c *C) {
	m := c.open()
	k := m.make(c.mc())
	c.user(Behaviour{Action: Ignore})
	r := m.get(c.ga(k).with(5, object{"up": false}), k)
	if m.prompted {
		c.Error("the key asks for a touch")
	}
	m.flags(r.AuthData, 0)
	m.refused(ctap2.CommandGetAssertion, c.ga().with(3, []any{descriptor([]byte("unknown"))}).with(5, object{"up": false}), ctap2.StatusNoCredentials, ctap2.StatusInvalidCredential)
	if m.extension(ctap2.ExtensionHMACSecret) {
		h := m.salts(m.first(), 1)
		m.refused(ctap2.CommandGetAssertion, c.ga(k).with(4, h.input).with(5, object{"up": false}), ctap2.StatusUnsupportedOption, ctap2.StatusInvalidOption)
	}
}

func ga9(c *C) {
	m := c.open()
	k := m.make(c.mc())
	if c.uv {
		m.flags(m.get(c.ga(k).with(5, object{"uv": true}), k).AuthData, ctap2.FlagUP|ctap2.FlagUV)
	} else {
		s, _ := m.plain(ctap2.CommandGetAssertion, c.ga(k).with(5, object{"uv": true}))
		m.accept(s, ctap2.StatusInvalidOption, ctap2.StatusUnsupportedOption)
	}
	m.get(c.ga(k).with(5, object{"unknown": true}), k)
}

func ga10(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		m.needRK()
		m.make(c.passkey(1))
		m.make(c.passkey(2))
		r := m.get(c.ga(), nil)
		switch {
		case r.User == nil || len(r.User.ID) == 0:
			c.Error("an assertion of a passkey has no user ID")
		case r.AuthData.Flags&ctap2.FlagUV == 0 && (r.User.Name != "" || r.User.DisplayName != ""):
			c.Errorf("names are told without user verification: %q, %q", r.User.Name, r.User.DisplayName)
		}
		m.mustSetPIN(p, m.pin1())
		r = m.get(authorizeGA(c.ga(), m.mustToken(p)), nil)
		m.flags(r.AuthData, ctap2.FlagUP|ctap2.FlagUV)
		if r.User == nil || r.User.Name == "" {
			c.Error("names are not told after user verification")
		}
	})
}

func ga11(c *C) {
	m := c.open()
	m.needRK()
	s, b := m.call(ctap2.CommandMakeCredential, c.passkey(1).with(3, object{"id": []byte{}, "name": "user", "displayName": "User"}))
	if s != ctap2.StatusSuccess {
		c.NotApplicable("the key makes no passkey for an empty user ID: %s", s.Name())
	}
	r, err := ctap2.ParseMakeCredentialResponse(b)
	if err != nil {
		c.Fatal(err)
	}
	if r.AuthData.AttestedCredentialData == nil {
		c.Fatal("a new credential comes without attested credential data")
	}
	a := m.get(c.ga(), &credential{r.AuthData.AttestedCredentialData.CredentialID, r})
	var members map[int64]cbor.RawMessage
	if _, err := cbor.UnmarshalLenient(a.Raw, &members); err != nil {
		c.Fatal(err)
	}
	if members[4] == nil {
		return
	}
	var user map[string]cbor.RawMessage
	if _, err := cbor.UnmarshalLenient(members[4], &user); err != nil {
		c.Fatal(err)
	}
	if id := user["id"]; id != nil {
		c.Observe("an empty user ID is told: %x", []byte(id))
		if c.Key.Strict {
			c.Error("an empty user ID is told")
		}
	}
}

func ga12(c *C) {
	m := c.open()
	m.needRK()
	p, k := m.make(c.passkey(1)), m.make(c.mc())
	if r := m.get(c.ga(p), p); r.User == nil || len(r.User.ID) == 0 {
		c.Error("a passkey on the allow list comes without its user")
	} else if r.AuthData.Flags&ctap2.FlagUV == 0 && (r.User.Name != "" || r.User.DisplayName != "") {
		c.Errorf("names are told without user verification: %q, %q", r.User.Name, r.User.DisplayName)
	}
	if r := m.get(c.ga(k), k); r.User != nil {
		c.Observe("a credential that is not discoverable comes with a user")
	}
}

func ga13(c *C) {
	m := c.open()
	m.needList(2)
	a, b := m.make(c.mc()), m.make(c.mc())
	one := m.get(c.ga(a), a)
	c.Observe("the credential is named for an allow list of one: %v", one.Credential.ID != nil)
	if one.Credential.ID != nil && !bytes.Equal(one.Credential.ID, a.id) {
		c.Error("the credential named is another")
	}
	two := m.get(c.ga(a, b), nil)
	switch {
	case bytes.Equal(two.Credential.ID, a.id), bytes.Equal(two.Credential.ID, b.id):
	default:
		c.Errorf("the credential named is %x", two.Credential.ID)
	}
}

func ga14(c *C) {
	m := c.open()
	k := m.make(c.mc())
	c.user(Behaviour{Action: Ignore})
	m.refused(ctap2.CommandGetAssertion, c.ga(k), m.untouched(false)...)
	c.user(Behaviour{Action: Decline})
	m.refused(ctap2.CommandGetAssertion, c.ga(k), ctap2.StatusOperationDenied)
	c.user(Behaviour{})
	m.get(c.ga(k), k)
}

func ga15(c *C) {
	m := c.open()
	k := m.make(c.mc())
	var p *credential
	if m.option(ctap2.OptionRK) {
		p = m.make(c.passkey(1))
	}
	m = m.powerCycle()
	m.get(c.ga(k), k)
	if p != nil {
		m.get(c.ga(), p)
	}
}

func ga16(c *C) {
	m := c.open()
	k := m.make(c.mc())
	last := k.resp.AuthData.SignCount
	for i := range 20 {
		if i == 10 && c.Key.PowerCycle != nil {
			m = m.powerCycle()
		}
		n := m.get(c.ga(k), k).AuthData.SignCount
		if n < last || n == last && n != 0 {
			c.Fatalf("the counter goes from %d to %d", last, n)
		}
		last = n
	}
}

func ga17(c *C) {
	m := c.open()
	k := m.make(c.mc())
	c.user(Behaviour{Action: Touch, After: 500 * time.Millisecond})
	for range 2 {
		start := time.Now()
		m.get(c.ga(k), k)
		if d := time.Since(start); d < 400*time.Millisecond {
			c.Errorf("the assertion took %v: the key did not wait for its own touch", d)
		}
	}
}

func ga18(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		k := m.make(c.mc())
		m.mustSetPIN(p, m.pin1())
		if !m.option(ctap2.OptionAlwaysUv) { // else see GA-19
			m.flags(m.get(c.ga(k), k).AuthData, ctap2.FlagUP)
		}
		m.flags(m.get(authorizeGA(c.ga(k), m.mustToken(p)), k).AuthData, ctap2.FlagUP|ctap2.FlagUV)
		ok := authorizeGA(c.ga(k), m.mustToken(p))
		bad := bytes.Clone(ok[6].([]byte))
		bad[0] ^= 1
		m.refused(ctap2.CommandGetAssertion, ok.with(6, bad), ctap2.StatusPINAuthInvalid)
		m.refused(ctap2.CommandGetAssertion, ok.with(7, nil), ctap2.StatusMissingParameter)
		m.refused(ctap2.CommandGetAssertion, ok.with(7, 99), m.unknownProtocol()...)
	})
}

func ga19(c *C) {
	m := c.open()
	if !m.option(ctap2.OptionAlwaysUv) {
		m.needAlwaysUV()
		m.set(ctap2.ToggleAlwaysUv, nil)
	}
	k := m.make(c.mc())
	m.flags(m.get(c.ga(k).with(5, object{"up": false}), k).AuthData, 0)
	s, b := m.plain(ctap2.CommandGetAssertion, c.ga(k))
	if c.uv {
		m.accept(s, ctap2.StatusSuccess)
		m.flags(m.assertion(b, k).AuthData, ctap2.FlagUP|ctap2.FlagUV)
		return
	}
	m.accept(s, m.unverified())
}

func ga20(c *C) {
	m := c.open()
	n := m.info.MaxCredentialCountInList
	if n == 0 {
		c.NotApplicable("the key states no maxCredentialCountInList")
	}
	var list []any
	for i := range n + 1 {
		list = append(list, descriptor([]byte(fmt.Sprintf("unknown %d", i))))
	}
	m.refused(ctap2.CommandGetAssertion, c.ga().with(3, list), ctap2.StatusLimitExceeded, ctap2.StatusRequestTooLarge)
}

func ga21(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		k := m.make(c.mc())
		probe := c.ga(k).with(6, []byte{}).with(7, p)
		if c.pin == "" {
			m.refused(ctap2.CommandGetAssertion, probe, ctap2.StatusPINNotSet)
		}
		m.mustSetPIN(p, m.pin1())
		m.refused(ctap2.CommandGetAssertion, probe, ctap2.StatusPINInvalid, ctap2.StatusPINAuthInvalid)
	})
}

func ga22(c *C) {
	m := c.open()
	m.needRK()
	m.make(c.passkey(1))
	m.make(c.passkey(2))
	if r := m.get(c.ga(), nil); r.UserSelected && r.NumberOfCredentials > 1 {
		c.Error("the user has chosen, and yet there are several credentials")
	}
}

// passkeys makes n passkeys and returns them, newest first, as the assertions
// are due.
func (m *messages) passkeys(n int) []*credential {
	m.c.Helper()
	m.needRK()
	ks := make([]*credential, n)
	for i := range ks {
		ks[n-1-i] = m.make(m.c.passkey(i))
	}
	return ks
}

func gna1(c *C) {
	m := c.open()
	ks := m.passkeys(3)
	r := m.several(c.ga(), ks[0])
	if r.NumberOfCredentials != 3 {
		c.Errorf("numberOfCredentials is %d instead of 3", r.NumberOfCredentials)
	}
	for _, k := range ks[1:] {
		r := m.assertion(m.ok(ctap2.CommandGetNextAssertion, nil), k)
		if !bytes.Equal(r.Credential.ID, k.id) {
			c.Errorf("the next credential is %x instead of %x", r.Credential.ID, k.id)
		}
		if m.prompted {
			c.Error("getNextAssertion asks for a touch")
		}
	}
}

func gna2(c *C) {
	m := c.open()
	m.passkeys(2)
	m.several(c.ga(), nil)
	m.ok(ctap2.CommandGetNextAssertion, nil)
	m.refused(ctap2.CommandGetNextAssertion, nil, ctap2.StatusNotAllowed)
}

func gna3(c *C) {
	m := c.open()
	m.refused(ctap2.CommandGetNextAssertion, nil, ctap2.StatusNotAllowed)
	k := m.make(c.mc())
	m.get(c.ga(k), k)
	m.refused(ctap2.CommandGetNextAssertion, nil, ctap2.StatusNotAllowed)
}

func gna4(c *C) {
	m := c.open()
	ks := m.passkeys(2)
	m.several(c.ga(), ks[0])
	m.refresh()
	s, b := m.call(ctap2.CommandGetNextAssertion, nil)
	switch s {
	case ctap2.StatusNotAllowed:
		c.Observe("another command ends the list")
	case ctap2.StatusSuccess:
		m.assertion(b, ks[1])
		c.Observe("another command does not end the list")
	default:
		c.Errorf("the status is %s", s.Name())
	}
}

func gna5(c *C) {
	m := c.open()
	m.passkeys(2)
	m.several(c.ga(), nil)
	time.Sleep(31 * time.Second)
	m.refused(ctap2.CommandGetNextAssertion, nil, ctap2.StatusNotAllowed)
}

func gna7(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		m.passkeys(2)
		m.mustSetPIN(p, m.pin1())
		request := authorizeGA(c.ga(), m.mustToken(p))
		var h *salts
		if m.extension(ctap2.ExtensionHMACSecret) {
			h = m.salts(p, 1)
			request = request.with(4, h.input)
		}
		r := m.several(request, nil)
		m.flags(r.AuthData, ctap2.FlagUP|ctap2.FlagUV)
		next := m.assertion(m.ok(ctap2.CommandGetNextAssertion, nil), nil)
		if h != nil && bytes.Equal(h.outputs(r), h.outputs(next)) {
			c.Error("hmac-secret gives two credentials the same output")
		}
		m.flags(next.AuthData, ctap2.FlagUP|ctap2.FlagUV)
		if next.User == nil || next.User.Name == "" {
			c.Error("the next assertion comes without the user's name")
		}
		if next.NumberOfCredentials != 0 {
			c.Error("the next assertion has numberOfCredentials")
		}
	})
}

func gna8(c *C) {
	m := c.open()
	m.needList(2)
	ks := m.passkeys(1)
	if r := m.get(c.ga(), ks[0]); r.NumberOfCredentials != 0 {
		c.Errorf("numberOfCredentials is %d for one passkey", r.NumberOfCredentials)
	}
	two := m.make(c.passkey(7))
	if r := m.get(c.ga(ks[0], two), nil); r.NumberOfCredentials != 0 {
		c.Errorf("numberOfCredentials is %d for an allow list", r.NumberOfCredentials)
	}
}

func gna9(c *C) {
	m := c.open()
	ks := m.passkeys(2)
	m.make(c.passkey(3).with(2, object{"id": "other.example", "name": "Other"}))
	if r := m.several(c.ga(), ks[0]); r.NumberOfCredentials != 2 {
		c.Errorf("numberOfCredentials is %d instead of 2", r.NumberOfCredentials)
	}
}

func gna10(c *C) {
	m := c.open()
	ks := m.passkeys(3)
	m.several(c.ga(), ks[0])
	replaced := m.make(c.passkey(1)) // takes the place of ks[1], which would be next
	s, b := m.call(ctap2.CommandGetNextAssertion, nil)
	if s != ctap2.StatusSuccess {
		m.accept(s, ctap2.StatusNotAllowed)
		c.Observe("the change ends the list")
		return
	}
	r := m.assertion(b, nil)
	switch {
	case bytes.Equal(r.Credential.ID, ks[2].id):
		m.signed(r, ks[2])
	case bytes.Equal(r.Credential.ID, replaced.id):
		m.signed(r, replaced)
	default:
		c.Errorf("the next credential is %x, neither %x nor %x", r.Credential.ID, ks[2].id, replaced.id)
	}
}

func gna2b(c *C) {
	m := c.open()
	m.passkeys(2)
	m.several(c.ga(), nil)
	m = m.powerCycle()
	m.refused(ctap2.CommandGetNextAssertion, nil, ctap2.StatusNotAllowed)
}
