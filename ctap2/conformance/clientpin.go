package conformance

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Section 14: clientPIN, each case for every protocol of the key. CP-23 needs a
// power cut inside the key and is tested in package virtual.
var clientPINCases = []Case{
	{ID: "CP-1", Title: "getPINRetries needs no PIN and costs none", Run: each(cp1)},
	{ID: "CP-2", Title: "the key agreement key is a P-256 key with exactly its members", Run: each(cp2)},
	{ID: "CP-3", Title: "a used key agreement key is of no use after a wrong PIN or a power cycle", Run: each(cp3)},
	{ID: "CP-4", Title: "setPIN sets the PIN", Run: each(cp4)},
	{ID: "CP-5", Title: "setPIN is refused when a PIN is set", Run: each(cp5)},
	{ID: "CP-6", Title: "the least length of a PIN is counted in characters, not bytes", Run: each(cp6)},
	{ID: "CP-7", Title: "a PIN has at most 63 bytes", Run: each(cp7)},
	{ID: "CP-8", Title: "a padded PIN that has not 64 bytes is refused", Run: each(cp8)},
	{ID: "CP-9", Title: "padding alone is no PIN", Run: each(cp9)},
	{ID: "CP-10", Title: "changePIN needs the right PIN", Run: each(cp10)},
	{ID: "CP-11", Title: "a PIN may be changed to itself", Run: each(cp11)},
	{ID: "CP-12", Title: "a wrong PIN costs a retry, the right one gives all back", Run: each(cp12)},
	{ID: "CP-13", Title: "three wrong PINs in a row want a power cycle", Needs: NeedsPowerCycle, Run: each(cp13)},
	{ID: "CP-14", Title: "powerCycleState says so", Run: each(cp14)},
	{ID: "CP-15", Title: "after all retries the PIN is blocked, and only a reset helps", Needs: NeedsPowerCycle, Run: each(cp15)},
	{ID: "CP-16", Title: "retries survive a power cycle", Needs: NeedsPowerCycle, Run: each(cp16)},
	{ID: "CP-17", Title: "a token ends with a power cycle and with changePIN", Needs: NeedsPowerCycle, Run: each(cp17)},
	{ID: "CP-18", Title: "tampered requests are refused and cost no retry where a MAC protects them", Run: each(cp18)},
	{ID: "CP-19", Title: "the protocols do not mix", Run: cp19},
	{ID: "CP-20", Title: "protocol two has its own vectors, keys and MACs", Run: cp20},
	{ID: "CP-21", Title: "an unknown protocol is refused", Run: each(cp21)},
	{ID: "CP-22", Title: "a platform key that is not on the curve is refused", Run: each(cp22)},
	{ID: "CP-24", Title: "an unknown subcommand is refused", Run: each(cp24)},
	{ID: "CP-25", Title: "maxPINLength is kept", Run: each(cp25)},
}

// each makes a case of one that is run for each protocol.
func each(f func(m *messages, p pinuv.Protocol)) func(*C) {
	return func(c *C) { c.eachProtocol(f) }
}

func cp1(m *messages, p pinuv.Protocol) {
	n, power := m.retries()
	if n == 0 || n > 8 {
		m.c.Errorf("there are %d retries", n)
	}
	if power {
		m.c.Error("powerCycleState is true on a key in factory state")
	}
	m.mustSetPIN(p, m.pin1())
	for range 5 {
		if again, _ := m.retries(); again != n {
			m.c.Errorf("there were %d retries and are %d", n, again)
		}
	}
}

func cp2(m *messages, p pinuv.Protocol) {
	k := m.pinKey(p)
	if k.Alg != cose.ECDHESHKDF256 {
		m.c.Errorf("the algorithm is %v instead of %v", k.Alg, cose.ECDHESHKDF256)
	}
	if _, err := k.ECDH(); err != nil {
		m.c.Error(err)
	}
	if want := k.Append(nil); !bytes.Equal(k.Raw, want) {
		m.c.Errorf("the key is %x; with exactly its members it is %x", k.Raw, want)
	}
}

func cp3(m *messages, p pinuv.Protocol) {
	m.needRetries(3)
	m.mustSetPIN(p, m.pin1())
	before := m.pinKey(p)
	old := m.agree(p)
	if s, _ := m.token(p, m.wrongPIN(), m.perms(), m.permsRP()); s != ctap2.StatusPINInvalid {
		m.c.Fatalf("a wrong PIN: %s", s.Name())
	}
	if equalKeys(before, m.pinKey(p)) {
		m.c.Error("the key agreement key is the same after a wrong PIN")
	}
	s, _ := m.received(old, m.tokenParams(old, m.pin1(), m.perms(), m.permsRP()))
	m.accept(s, ctap2.StatusPINInvalid, ctap2.StatusPINAuthInvalid)
	if m.c.Key.PowerCycle == nil {
		return
	}
	before, old = m.pinKey(p), m.agree(p)
	m = m.powerCycle()
	m.takesPIN(p, m.pin1()) // gives the retries back
	if equalKeys(before, m.pinKey(p)) {
		m.c.Error("the key agreement key is the same after a power cycle")
	}
	s, _ = m.received(old, m.tokenParams(old, m.pin1(), m.perms(), m.permsRP()))
	m.accept(s, ctap2.StatusPINInvalid, ctap2.StatusPINAuthInvalid)
}

func cp4(m *messages, p pinuv.Protocol) {
	m.mustSetPIN(p, m.pin1())
	if !m.option(ctap2.OptionClientPIN) {
		m.c.Error("clientPin is not true")
	}
	m.takesPIN(p, m.pin1())
}

func cp5(m *messages, p pinuv.Protocol) {
	m.mustSetPIN(p, m.pin1())
	m.accept(m.setPIN(p, m.pin2()), ctap2.StatusPINAuthInvalid, ctap2.StatusNotAllowed)
	m.takesPIN(p, m.pin1())
}

func cp6(m *messages, p pinuv.Protocol) {
	least, _ := m.info.PINLengths()
	characters := "漢字仮名"
	if len(varied(characters, int(least))) > pinuv.MaxPINBytes {
		characters = "éäøü"
	}
	if len(varied(characters, int(least))) > pinuv.MaxPINBytes {
		m.c.NotApplicable("no PIN of %d characters beyond ASCII fits", least)
	}
	m.accept(m.setPIN(p, varied(characters, int(least)-1)), ctap2.StatusPINPolicyViolation)
	m.accept(m.setPIN(p, varied(digits, int(least)-1)), ctap2.StatusPINPolicyViolation)
	m.mustSetPIN(p, varied(characters, int(least)))
}

const digits = "2580"

// varied makes a PIN of n characters that no policy should find too simple.
func varied(characters string, n int) string {
	all := []rune(characters)
	pin := make([]rune, n)
	for i := range pin {
		pin[i] = all[i%len(all)]
	}
	return string(pin)
}

func cp7(m *messages, p pinuv.Protocol) {
	if _, most := m.info.PINLengths(); most < 63 {
		m.c.NotApplicable("maxPINLength is %d", most)
	}
	m.accept(m.setPIN(p, varied(digits, 64)), ctap2.StatusPINPolicyViolation)
	m.mustSetPIN(p, varied(digits, 63))
	m.takesPIN(p, varied(digits, 63))
}

func cp8(m *messages, p pinuv.Protocol) {
	for _, n := range []int{16, 32, 48, 80, 128} {
		long := make([]byte, n)
		copy(long, m.pin1())
		s, _ := m.pin(m.setPINParams(m.agree(p), long))
		m.accept(s, ctap2.StatusInvalidParameter, ctap2.StatusPINPolicyViolation)
	}
	if m.refresh(); m.option(ctap2.OptionClientPIN) {
		m.c.Error("a PIN is set all the same")
	}
}

func cp9(m *messages, p pinuv.Protocol) {
	m.accept(m.setPIN(p, ""), ctap2.StatusPINPolicyViolation)
	if s := m.setPIN(p, m.sample("ab\xff\xfecd-ef")); s == ctap2.StatusSuccess {
		m.c.Observe("a PIN that is not UTF-8 is accepted")
		if m.c.Key.Strict {
			m.c.Error("a PIN that is not UTF-8 is accepted")
		}
		return
	} else {
		m.accept(s, ctap2.StatusPINPolicyViolation, ctap2.StatusInvalidParameter)
	}
	m.mustSetPIN(p, m.pin1())
}

func cp10(m *messages, p pinuv.Protocol) {
	m.needRetries(2)
	m.accept(m.changePIN(p, m.pin1(), m.pin2()), ctap2.StatusPINNotSet, ctap2.StatusPUATRequired)
	m.mustSetPIN(p, m.pin1())
	m.accept(m.changePIN(p, m.wrongPIN(), m.pin2()), ctap2.StatusPINInvalid)
	m.accept(m.changePIN(p, m.pin1(), m.pin2()), ctap2.StatusSuccess)
	m.takesPIN(p, m.pin2())
	s, _ := m.token(p, m.pin1(), m.perms(), m.permsRP())
	m.accept(s, ctap2.StatusPINInvalid)
}

func cp11(m *messages, p pinuv.Protocol) {
	m.mustSetPIN(p, m.pin1())
	m.accept(m.changePIN(p, m.pin1(), m.pin1()), ctap2.StatusSuccess)
	m.takesPIN(p, m.pin1())
}

func cp12(m *messages, p pinuv.Protocol) {
	m.needRetries(2)
	m.mustSetPIN(p, m.pin1())
	most, _ := m.retries()
	for i := range min(most-1, 2) {
		s, _ := m.token(p, m.wrongPIN(), m.perms(), m.permsRP())
		m.accept(s, ctap2.StatusPINInvalid)
		if n, _ := m.retries(); n != most-1-i {
			m.c.Errorf("after %d wrong PINs %d retries are left of %d", i+1, n, most)
		}
	}
	m.takesPIN(p, m.pin1())
	if n, _ := m.retries(); n != most {
		m.c.Errorf("after the right PIN %d retries are left of %d", n, most)
	}
}

func cp13(m *messages, p pinuv.Protocol) {
	m.mustSetPIN(p, m.pin1())
	m.softBlock(p)
	before, _ := m.retries()
	s, _ := m.token(p, m.pin1(), m.perms(), m.permsRP())
	m.accept(s, ctap2.StatusPINAuthBlocked)
	m.accept(m.changePIN(p, m.pin1(), m.pin2()), ctap2.StatusPINAuthBlocked)
	if after, _ := m.retries(); after != before {
		m.c.Errorf("the retries go from %d to %d while the key is blocked", before, after)
	}
	m = m.powerCycle()
	m.takesPIN(p, m.pin1())
}

func cp14(m *messages, p pinuv.Protocol) {
	m.mustSetPIN(p, m.pin1())
	m.softBlock(p)
	if _, power := m.retries(); !power {
		if m.c.Key.Strict && m.since21() {
			m.c.Error("powerCycleState is not true")
		}
		m.c.Observe("the key has no powerCycleState")
	}
	if m.c.Key.PowerCycle == nil {
		return
	}
	m = m.powerCycle()
	if _, power := m.retries(); power {
		m.c.Error("powerCycleState is still true after a power cycle")
	}
}

func cp15(m *messages, p pinuv.Protocol) {
	m.mustSetPIN(p, m.pin1())
	most, _ := m.retries()
	misses := 0
	for left := most; left > 0; {
		left--
		misses++
		want := ctap2.StatusPINInvalid
		switch {
		case left == 0:
			want = ctap2.StatusPINBlocked
		case misses == 3:
			want = ctap2.StatusPINAuthBlocked
		}
		if s, _ := m.token(p, m.wrongPIN(), m.perms(), m.permsRP()); s != want {
			m.c.Fatalf("a wrong PIN that leaves %d retries: %s instead of %s", left, s.Name(), want.Name())
		}
		if n, _ := m.retries(); n != left {
			m.c.Fatalf("%d retries are left instead of %d", n, left)
		}
		if misses == 3 && left > 0 {
			m, misses = m.powerCycle(), 0
		}
	}
	s, _ := m.token(p, m.pin1(), m.perms(), m.permsRP())
	m.accept(s, ctap2.StatusPINBlocked)
	m.accept(m.changePIN(p, m.pin1(), m.pin2()), ctap2.StatusPINBlocked)
	m = m.powerCycle()
	s, _ = m.token(p, m.pin1(), m.perms(), m.permsRP())
	m.accept(s, ctap2.StatusPINBlocked)
	m.reset() // nothing else helps
	if n, _ := m.retries(); n != most {
		m.c.Errorf("a reset gives back %d retries of %d", n, most)
	}
	m.mustSetPIN(p, m.pin1())
	m.takesPIN(p, m.pin1())
}

func cp16(m *messages, p pinuv.Protocol) {
	m.needRetries(2)
	m.mustSetPIN(p, m.pin1())
	s, _ := m.token(p, m.wrongPIN(), m.perms(), m.permsRP())
	m.accept(s, ctap2.StatusPINInvalid)
	before, _ := m.retries()
	m = m.powerCycle()
	if after, _ := m.retries(); after != before {
		m.c.Errorf("there were %d retries and are %d", before, after)
	}
}

func cp17(m *messages, p pinuv.Protocol) {
	c := m.c
	m.mustSetPIN(p, m.pin1())
	t := m.mustToken(p)
	m = m.powerCycle()
	m.refused(ctap2.CommandMakeCredential, authorizeMC(c.mc(), t), ctap2.StatusPINAuthInvalid)
	t = m.mustToken(p)
	m.accept(m.changePIN(p, m.pin1(), m.pin2()), ctap2.StatusSuccess)
	m.refused(ctap2.CommandMakeCredential, authorizeMC(c.mc(), t), ctap2.StatusPINAuthInvalid)
}

func cp18(m *messages, p pinuv.Protocol) {
	m.needRetries(2)
	set := m.setPINParams(m.agree(p), padded(m.pin1()))
	for _, member := range []int{4, 5} {
		s, _ := m.pin(set.with(member, flip(set[member])))
		m.accept(s, ctap2.StatusPINAuthInvalid)
	}
	m.mustSetPIN(p, m.pin1())
	most, _ := m.retries()
	for _, member := range []int{4, 5, 6} {
		change := m.changePINParams(m.agree(p), m.pin1(), m.pin2())
		s, _ := m.pin(change.with(member, flip(change[member])))
		m.accept(s, ctap2.StatusPINAuthInvalid)
	}
	if n, _ := m.retries(); n != most {
		m.c.Errorf("tampered changePINs cost %d retries", most-n)
	}
	a := m.agree(p)
	get := m.tokenParams(a, m.pin1(), m.perms(), m.permsRP())
	s, _ := m.received(a, get.with(6, flip(get[6])))
	m.accept(s, ctap2.StatusPINInvalid)
	if n, _ := m.retries(); n != most-1 {
		m.c.Errorf("a garbled pinHashEnc leaves %d retries of %d", n, most)
	}
	m.takesPIN(p, m.pin1())
	a = m.agree(p)
	get = m.tokenParams(a, m.pin1(), m.perms(), m.permsRP())
	s, _ = m.received(a, get.with(6, get[6].([]byte)[:8]))
	m.either(s, ctap2.StatusPINInvalid, ctap2.StatusInvalidParameter, ctap2.StatusPINAuthInvalid)
	m.takesPIN(p, m.pin1())
}

func cp19(c *C) {
	m := c.open()
	m.needBoth()
	m.needRetries(2)
	m.mustSetPIN(pinuv.Two, m.pin1())
	s := m.agree(pinuv.One)
	get := m.tokenParams(s, m.pin1(), m.perms(), m.permsRP()).with(1, pinuv.Two)
	status, _ := m.pin(get)
	m.either(status, ctap2.StatusPINInvalid, ctap2.StatusPINAuthInvalid, ctap2.StatusInvalidParameter)
	m.notWith(pinuv.Two, pinuv.One)
}

// needBoth ends the case if the key lacks a PIN or one of the protocols.
func (m *messages) needBoth() {
	m.c.Helper()
	m.needPIN()
	if len(m.protocols()) < 2 {
		m.c.NotApplicable("the key has one protocol")
	}
}

// notWith demands that a token of one protocol is of no use with the other: not
// with its own MAC, nor with one that the other protocol would make of it.
func (m *messages) notWith(p, other pinuv.Protocol) {
	m.c.Helper()
	t := m.mustToken(p)
	request := authorizeMC(m.c.mc(), t).with(9, other)
	m.refused(ctap2.CommandMakeCredential, request, ctap2.StatusPINAuthInvalid)
	b := t.ExposeSecret()
	if len(b) < 32 {
		return // too short for protocol two
	}
	u, err := pinuv.NewToken(other, b)
	if err != nil {
		m.c.Fatal(err)
	}
	m.refused(ctap2.CommandMakeCredential, authorizeMC(m.c.mc(), u), ctap2.StatusPINAuthInvalid)
}

func cp20(c *C) {
	m, p := c.open(), pinuv.Two
	m.needPIN()
	if !slices.Contains(m.protocols(), p) {
		c.NotApplicable("the key has no protocol two")
	}
	m.mustSetPIN(p, m.pin1())
	ok := authorizeMC(m.c.mc(), m.mustToken(p))
	m.refused(ctap2.CommandMakeCredential, ok.with(8, ok[8].([]byte)[:16]), ctap2.StatusPINAuthInvalid)
	a := m.agree(p)
	_, first := m.pin(m.tokenParams(a, m.pin1(), m.perms(), m.permsRP()))
	b := m.agree(p)
	_, second := m.pin(m.tokenParams(b, m.pin1(), m.perms(), m.permsRP()))
	if first == nil || second == nil {
		m.c.Fatal("no token")
	}
	if len(first.PinUvAuthToken) != 48 {
		m.c.Errorf("an encrypted token has %d bytes instead of 48", len(first.PinUvAuthToken))
	}
	if bytes.Equal(first.PinUvAuthToken[:16], second.PinUvAuthToken[:16]) {
		m.c.Error("two tokens were encrypted with the same initialisation vector")
	}
}

func cp21(m *messages, _ pinuv.Protocol) {
	for _, n := range []uint{3, 99} {
		s, _ := m.pin(params{1: n, 2: ctap2.GetKeyAgreement})
		m.accept(s, ctap2.StatusInvalidParameter)
	}
}

func cp22(m *messages, p pinuv.Protocol) {
	s := m.agree(p)
	set := m.setPINParams(s, padded(m.pin1()))
	x := bytes.Clone(s.platform.X)
	x[31] ^= 1
	for _, bad := range []map[int]any{
		{1: 2, 3: -25, -1: 1, -2: x, -3: s.platform.Y},
		{1: 2, 3: -25, -1: 1, -2: make([]byte, 32), -3: make([]byte, 32)},
	} {
		status, _ := m.pin(set.with(3, bad))
		m.accept(status, ctap2.StatusInvalidParameter)
	}
	if m.refresh(); m.option(ctap2.OptionClientPIN) {
		m.c.Error("a PIN is set all the same")
	}
}

func cp24(m *messages, p pinuv.Protocol) {
	for _, n := range []uint{0x08, 0x0a, 0x60} {
		s, _ := m.pin(params{1: p, 2: n})
		m.accept(s, m.unknownSubCommand()...)
	}
}

func cp25(m *messages, p pinuv.Protocol) {
	most := int(m.info.MaxPINLength)
	if most == 0 {
		m.c.NotApplicable("the key states no maxPINLength")
	}
	if most < 63 {
		m.accept(m.setPIN(p, varied(digits, most+1)), ctap2.StatusPINPolicyViolation)
	}
	if enforced := m.info.PinComplexityPolicy; enforced != nil && *enforced {
		m.accept(m.setPIN(p, strings.Repeat("1", most)), ctap2.StatusPINPolicyViolation)
	}
	longest := varied(digits, min(most, 63))
	m.mustSetPIN(p, longest)
	m.takesPIN(p, longest)
}

// Tokens and permissions. TK-4 is complete when the other commands are; TK-9
// belongs to credentialManagement.
var tokenCases = []Case{
	{ID: "TK-1", Title: "a token of the old kind serves makeCredential and getAssertion, for the RP of its first use", Run: each(tk1)},
	{ID: "TK-2", Title: "permissions are demanded, complete and possible", Run: each(tk2)},
	{ID: "TK-3", Title: "a token for another RP is refused", Run: each(tk3)},
	{ID: "TK-4", Title: "each command needs its permission", Run: each(tk4)},
	{ID: "TK-5", Title: "a token is used up by a makeCredential or getAssertion", Run: each(tk5)},
	{ID: "TK-6", Title: "a token lives thirty seconds unused, and ten minutes in use", Takes: 31 * time.Second, Run: each(tk6)},
	{ID: "TK-7", Title: "built-in user verification gives a token, and blocks after its retries", Needs: NeedsVerify, Takes: 2 * time.Second, Run: tk7},
	{ID: "TK-8", Title: "noMcGaPermissionsWithClientPin keeps mc and ga from PINs", Run: each(tk8)},
	{ID: "TK-9", Title: "the persistent token reads the list of passkeys, until the PIN is changed or the key reset", Run: withPersistentToken(tk9)},
	{ID: "TK-10", Title: "where the PIN has to be changed it gives no token", Run: each(tk10)},
	{ID: "TK-11", Title: "a new token ends the one before, or is the same on a key of CTAP 2.0", Run: each(tk11)},
	{ID: "TK-12", Title: "a token is of no use with the other protocol", Run: tk12},
	{ID: "TK-13", Title: "without a PIN there is no token by PIN", Run: each(tk13)},
}

func (m *messages) needPermissions() {
	m.c.Helper()
	m.needOption(ctap2.OptionPinUvAuthToken)
}

// needPINForUse ends the case if PINs give no tokens for mc and ga.
func (m *messages) needPINForUse() {
	m.c.Helper()
	if m.option(ctap2.OptionNoMcGaPermissionsWithClientPin) {
		m.c.NotApplicable("the key gives no token for makeCredential and getAssertion by PIN")
	}
}

func tk1(m *messages, p pinuv.Protocol) {
	c := m.c
	m.needPINForUse()
	m.mustSetPIN(p, m.pin1())
	get := func() *pinuv.Token {
		return m.needToken(m.token(p, m.pin1(), 0, ""))
	}
	k := m.make(authorizeMC(c.mc(), get()))
	m.flags(k.resp.AuthData, ctap2.FlagUP|ctap2.FlagUV)
	m.flags(m.get(authorizeGA(c.ga(k), get()), k).AuthData, ctap2.FlagUP|ctap2.FlagUV)
	if !m.option(ctap2.OptionPinUvAuthToken) {
		return
	}
	// A silent assertion leaves the permissions but binds the RP.
	t := get()
	if s, _ := m.call(ctap2.CommandGetAssertion, authorizeGA(c.ga(k), t).with(5, object{"up": false})); s != ctap2.StatusSuccess {
		c.Observe("a silent assertion with a token: %s", s.Name())
		return
	}
	m.refused(ctap2.CommandMakeCredential, authorizeMC(c.mc().with(2, object{"id": "other.example", "name": "x"}), t), ctap2.StatusPINAuthInvalid)
	// getPinToken takes no permissions.
	s := m.agree(p)
	status, _ := m.pin(m.tokenParams(s, m.pin1(), 0, "").with(9, 1))
	m.accept(status, ctap2.StatusInvalidParameter)
}

func tk2(m *messages, p pinuv.Protocol) {
	m.needPermissions()
	m.mustSetPIN(p, m.pin1())
	most, _ := m.retries()
	s := m.agree(p)
	with := func(perms uint, rp string) params {
		q := m.tokenParams(s, m.pin1(), 1, rp)
		q[9] = perms
		return q
	}
	status, _ := m.pin(with(0, rpID))
	m.accept(status, ctap2.StatusInvalidParameter)
	for _, perms := range []uint{1, 2, 3} {
		status, _ := m.pin(with(perms, ""))
		m.accept(status, ctap2.StatusMissingParameter, ctap2.StatusInvalidParameter)
	}
	for _, o := range []struct {
		option string
		bit    ctap2.Permissions
	}{
		{ctap2.OptionCredMgmt, ctap2.PermissionCM}, {ctap2.OptionLargeBlobs, ctap2.PermissionLBW},
		{ctap2.OptionAuthnrCfg, ctap2.PermissionACFG}, {ctap2.OptionPerCredMgmtRO, ctap2.PermissionPCMR},
	} {
		if !m.option(o.option) {
			status, _ := m.pin(with(uint(o.bit), ""))
			m.accept(status, ctap2.StatusUnauthorizedPermission)
		}
	}
	if n, _ := m.retries(); n != most {
		m.c.Errorf("refused requests cost %d retries", most-n)
	}
}

func tk3(m *messages, p pinuv.Protocol) {
	m.needPermissions()
	c := m.c
	m.mustSetPIN(p, m.pin1())
	k := m.make(authorizeMC(c.mc(), m.mustToken(p)))
	t := m.use(p, ctap2.PermissionMC|ctap2.PermissionGA, "other.example")
	m.refused(ctap2.CommandGetAssertion, authorizeGA(c.ga(k), t), ctap2.StatusPINAuthInvalid)
	m.refused(ctap2.CommandMakeCredential, authorizeMC(c.mc(), t), ctap2.StatusPINAuthInvalid)
}

func tk4(m *messages, p pinuv.Protocol) {
	m.needPermissions()
	c := m.c
	m.mustSetPIN(p, m.pin1())
	k := m.make(authorizeMC(c.mc(), m.mustToken(p)))
	t := m.use(p, ctap2.PermissionMC, rpID)
	m.refused(ctap2.CommandGetAssertion, authorizeGA(c.ga(k), t), ctap2.StatusPINAuthInvalid)
	t = m.use(p, ctap2.PermissionGA, rpID)
	m.refused(ctap2.CommandMakeCredential, authorizeMC(c.mc(), t), ctap2.StatusPINAuthInvalid)
}

func tk5(m *messages, p pinuv.Protocol) {
	m.needPermissions()
	c := m.c
	m.mustSetPIN(p, m.pin1())
	t := m.mustToken(p)
	k := m.make(authorizeMC(c.mc(), t))
	m.refused(ctap2.CommandGetAssertion, authorizeGA(c.ga(k), t), ctap2.StatusPINAuthInvalid)
	t = m.mustToken(p)
	m.get(authorizeGA(c.ga(k), t), k)
	m.refused(ctap2.CommandGetAssertion, authorizeGA(c.ga(k), t), ctap2.StatusPINAuthInvalid)
}

func tk6(m *messages, p pinuv.Protocol) {
	m.needPermissions()
	m.mustSetPIN(p, m.pin1())
	t := m.mustToken(p)
	time.Sleep(31 * time.Second)
	m.refused(ctap2.CommandMakeCredential, authorizeMC(m.c.mc(), t), ctap2.StatusPINAuthInvalid, ctap2.StatusPINTokenExpired)
	if !m.c.fixture.VirtualTime {
		return
	}
	// In use, it lives for ten minutes. A silent assertion uses it, and leaves it.
	c := m.c
	k := m.make(authorizeMC(c.mc(), m.mustToken(p)))
	t = m.mustToken(p)
	silent := authorizeGA(c.ga(k), t).with(5, object{"up": false})
	if s, _ := m.call(ctap2.CommandGetAssertion, silent); s != ctap2.StatusSuccess {
		c.Observe("a silent assertion with a token: %s", s.Name())
		return
	}
	time.Sleep(time.Minute)
	m.flags(m.get(silent, k).AuthData, ctap2.FlagUV)
	time.Sleep(9*time.Minute + time.Second)
	m.refused(ctap2.CommandGetAssertion, authorizeGA(c.ga(k), t), ctap2.StatusPINAuthInvalid, ctap2.StatusPINTokenExpired)
}

func tk7(c *C) {
	m := c.open()
	m.needVerification()
	p := m.first()
	ask := func() ctap2.Status {
		status, _ := m.tokenByUV(p, ctap2.PermissionMC, rpID)
		return status
	}
	m.accept(ask(), ctap2.StatusSuccess)
	c.Key.Verify(false)
	for range 30 {
		s := ask()
		if s == ctap2.StatusUVBlocked {
			if _, r := m.pin(params{2: ctap2.GetUVRetries}); r == nil || r.UVRetries == nil || *r.UVRetries != 0 {
				c.Error("uvRetries is not 0 when user verification is blocked")
			}
			c.Key.Verify(true)
			m.accept(ask(), ctap2.StatusUVBlocked)
			return
		}
		if m.accept(s, ctap2.StatusUVInvalid) != ctap2.StatusUVInvalid {
			return
		}
	}
	c.Error("user verification is never blocked")
}

func tk8(m *messages, p pinuv.Protocol) {
	m.needOption(ctap2.OptionNoMcGaPermissionsWithClientPin)
	m.mustSetPIN(p, m.pin1())
	s, _ := m.token(p, m.pin1(), ctap2.PermissionMC, rpID)
	m.accept(s, ctap2.StatusUnauthorizedPermission)
}

func tk11(m *messages, p pinuv.Protocol) {
	c := m.c
	m.mustSetPIN(p, m.pin1())
	old := m.mustToken(p)
	t := m.mustToken(p)
	if s, _ := m.call(ctap2.CommandMakeCredential, authorizeMC(c.mc(), old)); s == ctap2.StatusSuccess && !m.since21() {
		c.Observe("there is one token until the power goes") // as in CTAP 2.0
	} else {
		m.accept(s, ctap2.StatusPINAuthInvalid)
	}
	m.make(authorizeMC(c.mc(), t))
}

func tk12(c *C) {
	m := c.open()
	m.needBoth()
	m.mustSetPIN(pinuv.One, m.pin1())
	m.notWith(pinuv.One, pinuv.Two)
}

func tk10(m *messages, p pinuv.Protocol) {
	m.needOption(ctap2.OptionSetMinPINLength)
	m.mustSetPIN(p, m.pin1())
	m.set(ctap2.SetMinPINLength, params{3: true})
	if !m.info.ForcePINChange {
		m.c.Error("forcePINChange is not true")
	}
	before, _ := m.retries()
	s, _ := m.token(p, m.pin1(), 0, "")
	m.accept(s, ctap2.StatusPINInvalid)
	if m.option(ctap2.OptionPinUvAuthToken) {
		s, _ = m.token(p, m.pin1(), ctap2.PermissionACFG, "")
		m.accept(s, ctap2.StatusPINPolicyViolation, ctap2.StatusPINInvalid)
	}
	if after, _ := m.retries(); after != before {
		m.c.Errorf("there were %d retries and are %d, although the PIN was right", before, after)
	}
	if s := m.changePIN(p, m.pin1(), m.pin2()); s != ctap2.StatusSuccess {
		m.c.Fatalf("changePIN: %s", s.Name())
	}
	if m.refresh().ForcePINChange {
		m.c.Error("forcePINChange is still true")
	}
	m.takesPIN(p, m.pin2())
}

func tk13(m *messages, p pinuv.Protocol) {
	s, _ := m.token(p, m.pin1(), 0, "")
	m.accept(s, ctap2.StatusPINNotSet, ctap2.StatusPUATRequired)
	if m.option(ctap2.OptionPinUvAuthToken) {
		if m.perms() != 0 {
			s, _ := m.token(p, m.pin1(), m.perms(), rpID)
			m.accept(s, ctap2.StatusPINNotSet, ctap2.StatusPUATRequired)
		}
		if !m.option(ctap2.OptionUV) {
			s, _ := m.tokenByUV(p, ctap2.PermissionMC, rpID)
			m.accept(s, ctap2.StatusNotAllowed, ctap2.StatusInvalidSubcommand, ctap2.StatusInvalidParameter)
		}
	}
}
