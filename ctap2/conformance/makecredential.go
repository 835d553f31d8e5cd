package conformance

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Section 12: makeCredential. MC-2 and MC-9 are parts of CBR-4 and CBR-5.
var makeCredentialCases = []Case{
	{ID: "MC-1", Title: "a new credential has all that it needs and its attestation verifies", Run: mc1},
	{ID: "MC-3", Title: "a client data hash that has not 32 bytes is refused", Run: mc3},
	{ID: "MC-4", Title: "an RP needs an ID and no name", Run: mc4},
	{ID: "MC-5", Title: "a user ID has at most 64 bytes", Run: mc5},
	{ID: "MC-6", Title: "long names are cut between characters", Takes: 2 * time.Second, Run: mc6},
	{ID: "MC-7", Title: "names that are not UTF-8 are refused", Run: mc7},
	{ID: "MC-8", Title: "the first algorithm that the key knows is taken", Run: mc8},
	{ID: "MC-9", Title: "a malformed algorithm after a good one is refused", Run: mc9},
	{ID: "MC-10", Title: "an algorithm may be listed twice", Run: mc10},
	{ID: "MC-11", Title: "a credential on the exclude list stops a second one, after a touch", Run: mc11},
	{ID: "MC-12", Title: "an exclude list does not reveal what credProtect hides", Run: mc12},
	{ID: "MC-13", Title: "an exclude list longer than allowed is refused", Run: mc13},
	{ID: "MC-14", Title: "options are honoured or refused", Run: mc14},
	{ID: "MC-15", Title: "a passkey of the same account replaces the old one", Run: mc15},
	{ID: "MC-16", Title: "passkeys of different accounts have different IDs", Run: mc16},
	{ID: "MC-17", Title: "a full key says so and keeps what it has", Takes: 10 * time.Second, Run: mc17},
	{ID: "MC-18", Title: "without a touch the key gives up after ten seconds or more", Needs: NeedsUser, Takes: 2 * time.Minute, Run: mc18},
	{ID: "MC-19", Title: "a user who declines is obeyed", Needs: NeedsUser, Run: mc19},
	{ID: "MC-20", Title: "an empty pinUvAuthParam asks for a touch and nothing else", Run: mc20},
	{ID: "MC-21", Title: "pinUvAuthParam needs a protocol that the key knows", Run: mc21},
	{ID: "MC-22", Title: "with a PIN set, a request without one is refused or makes a credential without UV", Run: mc22},
	{ID: "MC-23", Title: "a wrong pinUvAuthParam is refused, a right one gives UV", Run: mc23},
	{ID: "MC-24", Title: "enterprise attestation is given where it is enabled", Run: mc24},
	{ID: "MC-25", Title: "attestationFormatsPreference is followed", Run: mc25},
	{ID: "MC-26", Title: "unknown extensions are ignored", Run: mc26},
	{ID: "MC-28", Title: "credentials of every algorithm verify", Takes: 10 * time.Second, Run: mc28},
	{ID: "MC-29", Title: "a response has no members that were not asked for", Run: mc29},
	{ID: "MC-30", Title: "a refused makeCredential leaves nothing", Run: mc30},
}

func mc1(c *C) {
	m := c.open()
	k := m.make(c.mc())
	a := k.resp.AuthData
	if a.RPIDHash != sha256.Sum256([]byte(rpID)) {
		c.Errorf("the rpIdHash is %x", a.RPIDHash)
	}
	m.flags(a, m.used())
	if a.Flags&ctap2.FlagED != 0 {
		c.Error("the flag ED is set without extensions")
	}
	d := a.AttestedCredentialData
	if d.AAGUID != m.info.AAGUID && d.AAGUID != (ctap2.AAGUID{}) {
		c.Errorf("the AAGUID is %v, getInfo says %v", d.AAGUID, m.info.AAGUID)
	}
	if d.PublicKey.Alg != cose.ES256 {
		c.Errorf("the algorithm is %v", d.PublicKey.Alg)
	}
	if _, err := attestation.Verify(k.resp.Fmt, k.resp.AttStmt, a.Raw, c.hash()); err != nil {
		c.Errorf("the attestation of format %s: %v", k.resp.Fmt, err)
	}
	m.get(c.ga(k), k)
}

func mc3(c *C) {
	m := c.open()
	for _, n := range []int{0, 31, 33} {
		m.failed(ctap2.CommandMakeCredential, c.mc().with(1, make([]byte, n)))
	}
}

func mc4(c *C) {
	m := c.open()
	m.failed(ctap2.CommandMakeCredential, c.mc().with(2, object{"id": "", "name": "x"}))
	m.make(c.mc().with(2, object{"id": rpID}))
	m.make(c.mc().with(2, object{"id": rpID, "icon": "https://example.com/i.png"}))
}

func mc5(c *C) {
	m := c.open()
	user := func(n int) params {
		return c.mc().with(3, object{"id": bytes.Repeat([]byte{1}, n), "name": "u", "displayName": "U"})
	}
	m.make(user(1))
	m.make(user(64))
	m.failed(ctap2.CommandMakeCredential, user(65))
	if s, _ := m.call(ctap2.CommandMakeCredential, user(0)); s != ctap2.StatusSuccess {
		c.Observe("an empty user ID: %s", s.Name())
	}
}

func mc6(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		m.needRK()
		m.mustSetPIN(p, m.pin1())
		for shift := range 3 {
			name := strings.Repeat("x", shift) + strings.Repeat("é漢", 30)
			user := object{"id": []byte{byte(shift)}, "name": name, "displayName": name}
			m.make(authorizeMC(c.passkey(0).with(3, user), m.mustToken(p)))
		}
		// The names are shown when the user is verified and there are several.
		r := m.get(authorizeGA(c.ga(), m.mustToken(p)), nil)
		for range max(r.NumberOfCredentials, 1) {
			if r.User == nil {
				c.Fatal("an assertion of a passkey has no user")
			}
			if r.User.Name == "" {
				c.Observe("the key shows no names")
			}
			for _, name := range []string{r.User.Name, r.User.DisplayName} {
				// A lenient decoder may have mended the name, so the reply itself counts.
				if cutUTF8(c, r.Raw) || !utf8.ValidString(name) || strings.ContainsRune(name, utf8.RuneError) {
					c.Errorf("the name %q is cut within a character", name)
				}
			}
			if s, b := m.call(ctap2.CommandGetNextAssertion, nil); s == ctap2.StatusSuccess {
				r = m.assertion(b, nil)
			}
		}
	})
}

// cutUTF8 reports whether a reply has text that is not UTF-8.
func cutUTF8(c *C, reply []byte) bool {
	c.Helper()
	ds, err := cbor.Check(nil, reply)
	if err != nil {
		c.Fatal(err)
	}
	return slices.ContainsFunc(ds, func(d cbor.Deviation) bool { return d.Kind == cbor.InvalidUTF8 })
}

func mc7(c *C) {
	m := c.open()
	for _, bad := range []params{
		c.mc().with(2, object{"id": rpID, "name": invalidText}),
		c.mc().with(3, object{"id": []byte{1}, "name": invalidText, "displayName": "U"}),
	} {
		b := mustCBOR(c, ctap2.CommandMakeCredential, bad)
		s, _ := m.raw(bytes.ReplaceAll(b, []byte(invalidText), []byte("ab\xffcd")))
		if s == ctap2.StatusSuccess && !c.Key.Strict {
			c.Observe("a name that is not UTF-8 is accepted")
			continue
		}
		m.accept(s, ctap2.StatusInvalidCBOR, ctap2.StatusInvalidParameter, ctap2.StatusCBORUnexpectedType)
	}
}

// invalidText stands for text of the same length that is not UTF-8, which the
// encoder would refuse.
const invalidText = "ab?cd"

func mc8(c *C) {
	m := c.open()
	m.refused(ctap2.CommandMakeCredential, c.mc().with(4, []any{}), ctap2.StatusUnsupportedAlgorithm, ctap2.StatusMissingParameter)
	unknown := []any{publicKey(-70000), object{"alg": -7, "type": "other"}}
	m.refused(ctap2.CommandMakeCredential, c.mc().with(4, unknown), ctap2.StatusUnsupportedAlgorithm)
	if a := m.make(c.mc().with(4, append(unknown, publicKey(cose.ES256)))).resp.AuthData.AttestedCredentialData.PublicKey.Alg; a != cose.ES256 {
		c.Errorf("the algorithm is %v", a)
	}
	for _, other := range m.info.Algorithms {
		if other.Alg == cose.ES256 || other.Alg == cose.RS256 {
			continue
		}
		for _, order := range [][]cose.Algorithm{{other.Alg, cose.ES256}, {cose.ES256, other.Alg}} {
			k := m.make(c.mc().with(4, []any{publicKey(order[0]), publicKey(order[1])}))
			if a := k.resp.AuthData.AttestedCredentialData.PublicKey.Alg; a != order[0] {
				c.Errorf("of %v the key takes %v", order, a)
			}
		}
	}
}

func mc9(c *C) {
	m := c.open()
	for _, bad := range []struct {
		element any
		accept  []ctap2.Status
	}{
		{object{"type": "public-key"}, nestedMissing},
		{object{"alg": -7}, nestedMissing},
		{object{"alg": "x", "type": "public-key"}, wrongType},
		{"x", wrongType},
	} {
		s, _ := m.call(ctap2.CommandMakeCredential, c.mc().with(4, []any{publicKey(cose.ES256), bad.element}))
		if s == ctap2.StatusSuccess && !c.Key.Strict {
			c.Observe("a malformed algorithm after a good one is accepted")
			continue
		}
		m.accept(s, bad.accept...)
	}
}

func mc10(c *C) {
	m := c.open()
	m.make(c.mc().with(4, []any{publicKey(cose.ES256), publicKey(cose.ES256)}))
}

func mc11(c *C) {
	m := c.open()
	m.needList(2)
	k := m.make(c.mc())
	m.refused(ctap2.CommandMakeCredential, c.mc().with(5, []any{descriptor(k.id)}), ctap2.StatusCredentialExcluded)
	if !m.prompted {
		c.Observe("the key says that a credential is excluded without waiting for a touch that shows")
		if c.Key.Strict && c.overHID() { // a card does not tell of a touch that comes at once
			c.Error("the key says that a credential is excluded before it asks for a touch")
		}
	}
	m.make(c.mc().with(5, []any{descriptor([]byte("unknown")), object{"id": k.id, "type": "other"}}))
	m.make(c.mc().with(2, object{"id": "other.example", "name": "x"}).with(5, []any{descriptor(k.id)}))
	if m.option(ctap2.OptionRK) {
		p := m.make(c.passkey(1))
		m.refused(ctap2.CommandMakeCredential, c.mc().with(5, []any{descriptor([]byte("unknown")), descriptor(p.id)}), ctap2.StatusCredentialExcluded)
	}
}

func mc12(c *C) {
	m := c.open()
	if !m.extension(ctap2.ExtensionCredProtect) {
		c.NotApplicable("the key has no credProtect")
	}
	if m.option(ctap2.OptionAlwaysUv) {
		c.NotApplicable("the key verifies its user every time")
	}
	k := m.make(c.mc().with(6, object{ctap2.ExtensionCredProtect: ctap2.CredProtectUVRequired}))
	again := c.mc().with(5, []any{descriptor(k.id)})
	m.make(again)
	m.refused(ctap2.CommandGetAssertion, c.ga(k), ctap2.StatusNoCredentials)
	if c.uv {
		m.refused(ctap2.CommandMakeCredential, again.with(7, object{"uv": true}), ctap2.StatusCredentialExcluded)
		m.get(c.ga(k).with(5, object{"uv": true}), k)
		return
	}
	m.needPIN()
	p := m.first()
	m.mustSetPIN(p, m.pin1())
	m.refused(ctap2.CommandMakeCredential, authorizeMC(again, m.mustToken(p)), ctap2.StatusCredentialExcluded)
	m.get(authorizeGA(c.ga(k), m.mustToken(p)), k)
}

func mc13(c *C) {
	m := c.open()
	n := m.info.MaxCredentialCountInList
	if n == 0 {
		c.NotApplicable("the key states no maxCredentialCountInList")
	}
	var list []any
	for i := range n + 1 {
		list = append(list, descriptor([]byte(fmt.Sprintf("unknown %d", i))))
	}
	m.refused(ctap2.CommandMakeCredential, c.mc().with(5, list), ctap2.StatusLimitExceeded, ctap2.StatusRequestTooLarge)
}

func mc14(c *C) {
	m := c.open()
	m.make(c.mc().with(7, object{"up": true}))
	m.make(c.mc().with(7, object{"rk": false}))
	m.make(c.mc().with(7, object{"unknown": true}))
	m.refused(ctap2.CommandMakeCredential, c.mc().with(7, object{"up": false}), ctap2.StatusInvalidOption)
	if c.uv {
		m.flags(m.make(c.mc().with(7, object{"uv": true})).resp.AuthData, ctap2.FlagUP|ctap2.FlagUV)
	} else {
		s, _ := m.plain(ctap2.CommandMakeCredential, c.mc().with(7, object{"uv": true}))
		m.accept(s, ctap2.StatusInvalidOption, ctap2.StatusUnsupportedOption)
	}
	if _, uv := m.info.Options[ctap2.OptionUV]; !uv {
		if s, _ := m.call(ctap2.CommandMakeCredential, c.mc().with(7, object{"uv": false})); s != ctap2.StatusSuccess {
			c.Observe("uv false on a key without uv: %s", s.Name())
		}
	}
	if m.option(ctap2.OptionRK) {
		m.make(c.passkey(1))
	} else {
		m.refused(ctap2.CommandMakeCredential, c.passkey(1), ctap2.StatusUnsupportedOption)
	}
}

func mc15(c *C) {
	m := c.open()
	m.needRK()
	old := m.make(c.passkey(1))
	before := m.refresh().RemainingDiscoverableCredentials
	replaced := m.make(c.passkey(1))
	after := m.refresh().RemainingDiscoverableCredentials
	if before != nil && after != nil && *before != *after {
		c.Errorf("room for %d before and for %d after", *before, *after)
	}
	if bytes.Equal(old.id, replaced.id) {
		c.Error("the new credential has the ID of the old one")
	}
	if r := m.get(c.ga(), replaced); r.NumberOfCredentials > 1 {
		c.Errorf("there are %d passkeys", r.NumberOfCredentials)
	}
	m.refused(ctap2.CommandGetAssertion, c.ga(old), ctap2.StatusNoCredentials)
}

func mc16(c *C) {
	m := c.open()
	m.needRK()
	a, b := m.make(c.passkey(1)), m.make(c.passkey(2))
	if bytes.Equal(a.id, b.id) {
		c.Error("both have the same ID")
	}
	if r := m.several(c.ga(), nil); r.NumberOfCredentials != 2 {
		c.Errorf("numberOfCredentials is %d instead of 2", r.NumberOfCredentials)
	}
}

func mc17(c *C) {
	m := c.open()
	m.needRK()
	if n := m.info.RemainingDiscoverableCredentials; n != nil && *n > 200 {
		c.NotApplicable("the key has room for %d passkeys", *n)
	}
	var last *credential
	for i := range 250 {
		p := c.passkey(0).with(3, object{"id": []byte{byte(i >> 8), byte(i)}, "name": "user", "displayName": "User"})
		s, b := m.call(ctap2.CommandMakeCredential, p)
		switch s {
		case ctap2.StatusSuccess:
			r, err := ctap2.ParseMakeCredentialResponse(b)
			if err != nil {
				c.Fatal(err)
			}
			last = &credential{r.AuthData.AttestedCredentialData.CredentialID, r}
			continue
		case ctap2.StatusKeyStoreFull:
			c.Observe("the key takes %d passkeys", i)
			if last == nil {
				c.Fatal("the key takes none")
			}
			m.get(c.ga(last), last)
			// One that is not discoverable needs no room on most keys.
			s, _ := m.call(ctap2.CommandMakeCredential, c.mc())
			m.either(s, ctap2.StatusSuccess, ctap2.StatusKeyStoreFull)
			return
		}
		c.Fatalf("passkey %d: %s", i, s.Name())
	}
	c.Observe("the key takes more than 250 passkeys")
}

func mc18(c *C) {
	c.user(Behaviour{Action: Ignore})
	m := c.open()
	before := m.info.RemainingDiscoverableCredentials
	start := time.Now()
	p := c.passkeyIf(m)
	m.refused(ctap2.CommandMakeCredential, p, m.untouched(p[7] != nil)...)
	d := time.Since(start)
	c.Observe("the key gives up after %v", d.Round(100*time.Millisecond))
	if d < 10*time.Second {
		c.Errorf("the key gives up after %v", d)
	}
	if after := m.refresh().RemainingDiscoverableCredentials; before != nil && (after == nil || *after != *before) {
		c.Error("something was stored")
	}
}

// untouched are the statuses for a user who does not come: built-in user
// verification, if the request asks for it or every use does, has another.
func (m *messages) untouched(uv bool) []ctap2.Status {
	if m.c.uv && (uv || m.option(ctap2.OptionAlwaysUv)) {
		return []ctap2.Status{ctap2.StatusUserActionTimeout, ctap2.StatusOperationDenied, ctap2.StatusActionTimeout}
	}
	return []ctap2.Status{ctap2.StatusOperationDenied, ctap2.StatusUserActionTimeout, ctap2.StatusActionTimeout}
}

// passkeyIf is passkey on a key that makes them, else mc.
func (c *C) passkeyIf(m *messages) params {
	if m.option(ctap2.OptionRK) {
		return c.passkey(1)
	}
	return c.mc()
}

func mc19(c *C) {
	c.user(Behaviour{Action: Decline})
	m := c.open()
	m.refused(ctap2.CommandMakeCredential, c.mc(), ctap2.StatusOperationDenied)
}

func mc20(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		probe := c.mc().with(8, []byte{}).with(9, p)
		m.refused(ctap2.CommandMakeCredential, probe, ctap2.StatusPINNotSet)
		if !m.prompted {
			c.Observe("no keepalive tells that a touch is needed")
		}
		m.mustSetPIN(p, m.pin1())
		before, _ := m.retries()
		m.refused(ctap2.CommandMakeCredential, probe, ctap2.StatusPINInvalid, ctap2.StatusPINAuthInvalid)
		if after, _ := m.retries(); after != before {
			c.Errorf("PIN retries were %d and are %d", before, after)
		}
	})
}

func mc21(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		m.mustSetPIN(p, m.pin1())
		ok := authorizeMC(c.mc(), m.mustToken(p))
		m.refused(ctap2.CommandMakeCredential, ok.with(9, nil), ctap2.StatusMissingParameter)
		m.refused(ctap2.CommandMakeCredential, ok.with(9, 99), m.unknownProtocol()...)
		m.make(ok)
	})
}

func mc22(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		m.mustSetPIN(p, m.pin1())
		rk := c.mc().with(7, object{"rk": true})
		if m.option(ctap2.OptionAlwaysUv) && c.uv { // the key verifies its user unasked
			m.flags(m.make(c.mc()).resp.AuthData, ctap2.FlagUP|ctap2.FlagUV)
			return
		}
		if m.option(ctap2.OptionRK) {
			m.refused(ctap2.CommandMakeCredential, rk, m.unverified())
		}
		if m.option(ctap2.OptionMakeCredUvNotRqd) {
			m.flags(m.make(c.mc()).resp.AuthData, ctap2.FlagUP)
		} else {
			m.refused(ctap2.CommandMakeCredential, c.mc(), m.unverified())
		}
	})
}

// unverified is the status for a request that lacks user verification: without
// a PIN that could give a token for it, asking for one is of no use.
func (m *messages) unverified() ctap2.Status {
	if m.option(ctap2.OptionNoMcGaPermissionsWithClientPin) {
		return ctap2.StatusOperationDenied
	}
	return ctap2.StatusPUATRequired
}

// unknownProtocol are the statuses for a PIN/UV auth protocol that the key does
// not have.
func (m *messages) unknownProtocol() []ctap2.Status {
	if !m.since21() {
		return []ctap2.Status{ctap2.StatusPINAuthInvalid, ctap2.StatusInvalidParameter}
	}
	return []ctap2.Status{ctap2.StatusInvalidParameter, ctap2.StatusPINAuthInvalid}
}

func mc23(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		m.mustSetPIN(p, m.pin1())
		ok := authorizeMC(c.mc(), m.mustToken(p))
		bad := bytes.Clone(ok[8].([]byte))
		bad[0] ^= 1
		m.refused(ctap2.CommandMakeCredential, ok.with(8, bad), ctap2.StatusPINAuthInvalid)
		k := m.make(authorizeMC(c.passkeyIf(m), m.mustToken(p)))
		m.flags(k.resp.AuthData, ctap2.FlagUP|ctap2.FlagUV)
	})
}

func mc24(c *C) {
	m := c.open()
	if !m.option(ctap2.OptionEP) {
		for _, v := range []int{1, 2} {
			s, _ := m.call(ctap2.CommandMakeCredential, c.mc().with(10, v))
			if s == ctap2.StatusSuccess && !m.since21() {
				c.Observe("the key does not know the member")
				continue
			}
			m.accept(s, ctap2.StatusInvalidParameter)
		}
		if _, capable := m.info.Options[ctap2.OptionEP]; !capable {
			return
		}
		m.set(ctap2.EnableEnterpriseAttestation, nil)
	}
	for _, v := range []int{0, 3} {
		m.refused(ctap2.CommandMakeCredential, c.mc().with(10, v), ctap2.StatusInvalidOption)
	}
	if m.make(c.mc()).resp.EpAtt {
		c.Error("an enterprise attestation that was not asked for")
	}
	if m.make(c.mc().with(10, 1)).resp.EpAtt {
		c.Observe("%s is on the vendor's list", rpID)
	}
	if !m.make(c.mc().with(10, 2)).resp.EpAtt {
		c.Error("no enterprise attestation, although the platform vouches for the relying party")
	}
}

func mc25(c *C) {
	m := c.open()
	if len(m.info.AttestationFormats) == 0 {
		c.NotApplicable("the key knows no attestationFormatsPreference")
	}
	k := m.make(c.mc().with(11, []any{"none"}))
	if k.resp.Fmt != "none" || len(k.resp.AttStmt) > 1 {
		c.Errorf("asked for none, got %s with a statement of %d bytes", k.resp.Fmt, len(k.resp.AttStmt))
	}
	for _, f := range m.info.AttestationFormats {
		if k := m.make(c.mc().with(11, []any{"unknown", f})); k.resp.Fmt != f {
			c.Errorf("asked for %s, got %s", f, k.resp.Fmt)
		}
	}
	m.make(c.mc().with(11, []any{"unknown"}))
	m.make(c.mc().with(11, []any{}))
}

func mc26(c *C) {
	m := c.open()
	k := m.make(c.mc().with(6, object{"unknownExtension": true}))
	if k.resp.AuthData.Flags&ctap2.FlagED != 0 {
		c.Error("the flag ED is set")
	}
}

func mc28(c *C) {
	m := c.open()
	for _, a := range m.info.Algorithms {
		if !a.Alg.CanVerify() {
			c.Observe("%v can't be verified by this suite", a.Alg)
			continue
		}
		k := m.make(c.mc().with(4, []any{publicKey(a.Alg)}))
		if _, err := attestation.Verify(k.resp.Fmt, k.resp.AttStmt, k.resp.AuthData.Raw, c.hash()); err != nil {
			c.Errorf("the attestation of a %v credential: %v", a.Alg, err)
		}
	}
}

func mc29(c *C) {
	m := c.open()
	k := m.make(c.mc())
	var members map[int64]cbor.RawMessage
	if _, err := cbor.UnmarshalLenient(k.resp.Raw, &members); err != nil {
		c.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, []int64{1, 2, 3}) {
		c.Errorf("the members of the response are %v instead of 1, 2 and 3", got)
	}
}

func mc30(c *C) {
	m := c.open()
	m.needRK()
	p := c.passkey(1)
	all := []params{
		p.with(1, make([]byte, 31)),
		p.with(4, []any{publicKey(-70000)}),
		p.with(7, object{"up": false}),
	}
	if m.since21() { // CTAP 2.0 does not know the member
		all = append(all, p.with(10, 3))
	}
	for _, bad := range all {
		m.failed(ctap2.CommandMakeCredential, bad)
	}
	m.refused(ctap2.CommandGetAssertion, c.ga(), ctap2.StatusNoCredentials)
	before := m.info.RemainingDiscoverableCredentials
	if after := m.refresh().RemainingDiscoverableCredentials; before != nil && (after == nil || *after != *before) {
		c.Error("a refused request has used room")
	}
}
