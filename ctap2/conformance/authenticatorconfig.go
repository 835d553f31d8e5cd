package conformance

import (
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Section 19: authenticatorConfig. Some settings stay until the key is reset,
// which then may want a long touch.
var configCases = []Case{
	{ID: "CF-1", Title: "settings need a proof on a key that verifies users, and none on another", Run: cf1},
	{ID: "CF-2", Title: "toggleAlwaysUv flips alwaysUv and takes makeCredUvNotRqd along", Run: cf2},
	{ID: "CF-3", Title: "setMinPINLength raises the minimum and forces the change of a PIN", Run: cf3},
	{ID: "CF-4", Title: "setMinPINLength replaces the list of relying parties that are told", Run: cf4},
	{ID: "CF-5", Title: "enableEnterpriseAttestation can be repeated, and a reset takes it back", Needs: NeedsPowerCycle, Run: cf5},
	{ID: "CF-6", Title: "enableLongTouchForReset can be repeated, and has no parameters", Run: cf6},
	{ID: "CF-7", Title: "unknown subcommands and malformed requests are refused", Run: cf7},
	{ID: "CF-8", Title: "the proof covers 32 bytes of ff, 0d, the subcommand and its parameters", Run: cf8},
	{ID: "CF-9", Title: "authenticatorConfigCommands lists exactly what works", Run: cf9},
}

// setting returns a request that changes a setting, with the proof of a token if
// it is not nil.
func (m *messages) setting(sub ctap2.ConfigSubCommand, p params, t *pinuv.Token) params {
	m.c.Helper()
	r := params{1: sub}
	signed := ctap2.ConfigRequest{SubCommand: sub}
	if p != nil {
		r[2] = p
		var err error
		if signed.SubCommandParams, err = cbor.Marshal(p); err != nil {
			m.c.Fatal(err)
		}
	}
	if t != nil {
		r[3], r[4] = t.Protocol(), t.Authenticate(signed.Message())
	}
	return r
}

// set changes a setting.
func (m *messages) set(sub ctap2.ConfigSubCommand, p params) {
	m.c.Helper()
	m.ok(ctap2.CommandConfig, m.setting(sub, p, m.acfg()))
	m.refresh()
}

// acfg returns a token that can change settings, or nil on a key that needs none.
// It sets the first PIN if the key wants a proof and there is no other.
func (m *messages) acfg() *pinuv.Token {
	m.c.Helper()
	switch pin := m.option(ctap2.OptionClientPIN); {
	case !pin && !m.c.uv && !m.option(ctap2.OptionAlwaysUv):
		return nil
	case m.c.uv && m.option(ctap2.OptionUVAcfg):
		return m.needToken(m.tokenByUV(m.first(), ctap2.PermissionACFG, ""))
	case !pin:
		m.needPIN()
		m.mustSetPIN(m.first(), m.pin1())
		m.c.pin = m.pin1()
	}
	pin := m.c.pin
	if pin == "" {
		pin = m.pin1()
	}
	return m.acfgFor(pin)
}

// acfgFor returns a token that can change settings for the PIN that is set.
func (m *messages) acfgFor(pin string) *pinuv.Token {
	m.c.Helper()
	return m.needToken(m.token(m.first(), pin, ctap2.PermissionACFG, ""))
}

func (m *messages) needConfig() {
	m.c.Helper()
	m.needOption(ctap2.OptionAuthnrCfg)
}

// needAlwaysUV ends the case unless the key can be told to verify always, and
// there is a way to tell it.
func (m *messages) needAlwaysUV() {
	m.c.Helper()
	m.needConfig()
	if _, ok := m.info.Options[ctap2.OptionAlwaysUv]; !ok {
		m.c.NotApplicable("the key has no option %s", ctap2.OptionAlwaysUv)
	}
}

// harmless returns a subcommand that the key has, with parameters, that can be
// taken back or does nothing.
func (m *messages) harmless() (ctap2.ConfigSubCommand, params) {
	m.c.Helper()
	if m.option(ctap2.OptionSetMinPINLength) {
		least, _ := m.info.PINLengths()
		return ctap2.SetMinPINLength, params{1: least}
	}
	if m.info.LongTouchForReset == nil {
		m.c.NotApplicable("the key has no setting that every key has")
	}
	m.needLongTouch()
	return ctap2.EnableLongTouchForReset, nil
}

// needLongTouch ends the case if nobody can give the key the long touch that it
// would want for a reset from then on: no later case would get it in factory state.
func (m *messages) needLongTouch() {
	m.c.Helper()
	if m.c.Key.User == nil && !m.c.Key.Tap {
		m.c.NotApplicable("the key would want a long touch for its next reset, and the fixture can't script the user")
	}
}

func cf1(c *C) {
	m := c.open()
	m.needConfig()
	sub, p := m.harmless()
	if !c.uv && !m.option(ctap2.OptionAlwaysUv) {
		m.ok(ctap2.CommandConfig, m.setting(sub, p, nil))
	} else {
		m.refused(ctap2.CommandConfig, m.setting(sub, p, nil), ctap2.StatusPUATRequired)
	}
	c.fresh()
	c.eachProtocol(func(m *messages, protocol pinuv.Protocol) {
		m.mustSetPIN(protocol, m.pin1())
		m.refused(ctap2.CommandConfig, m.setting(sub, p, nil), ctap2.StatusPUATRequired)
		_, t := m.token(protocol, m.pin1(), ctap2.PermissionACFG, "")
		if t == nil {
			c.Fatal("the PIN gives no token for settings")
		}
		good := m.setting(sub, p, t)
		bad := slices.Clone(good[4].([]byte))
		bad[0] ^= 1
		m.refused(ctap2.CommandConfig, good.with(4, bad), ctap2.StatusPINAuthInvalid)
		m.refused(ctap2.CommandConfig, good.with(3, nil), ctap2.StatusMissingParameter)
		m.refused(ctap2.CommandConfig, good.with(3, 9), ctap2.StatusInvalidParameter)
		m.ok(ctap2.CommandConfig, good)
		if m.perms() != 0 {
			m.refused(ctap2.CommandConfig, m.setting(sub, p, m.mustToken(protocol)), ctap2.StatusPINAuthInvalid)
		}
	})
}

func cf2(c *C) {
	m := c.open()
	m.needAlwaysUV()
	if m.option(ctap2.OptionAlwaysUv) {
		c.Observe("alwaysUv is on in factory state")
		m.needAlwaysUVOff()
	}
	relaxed := m.option(ctap2.OptionMakeCredUvNotRqd)
	m.set(ctap2.ToggleAlwaysUv, nil)
	if !m.option(ctap2.OptionAlwaysUv) {
		c.Error("alwaysUv is not true")
	}
	if m.option(ctap2.OptionMakeCredUvNotRqd) {
		c.Error("makeCredUvNotRqd is still true")
	}
	switch s, _ := m.plain(ctap2.CommandMakeCredential, c.mc()); {
	case c.uv: // the key verifies its user unasked
		m.accept(s, ctap2.StatusSuccess)
	default:
		m.accept(s, ctap2.StatusPUATRequired, ctap2.StatusOperationDenied)
	}
	if !m.alwaysUVOff() {
		return
	}
	if got := m.option(ctap2.OptionMakeCredUvNotRqd); got != relaxed {
		c.Errorf("makeCredUvNotRqd was %v and is %v", relaxed, got)
	}
}

// needAlwaysUVOff switches alwaysUv off, or ends the case if it can't be.
func (m *messages) needAlwaysUVOff() {
	m.c.Helper()
	if !m.alwaysUVOff() {
		m.c.NotApplicable("alwaysUv can't be switched off")
	}
}

// alwaysUVOff switches alwaysUv off, or reports that it can't be. Where nothing
// verifies the user yet, it takes no proof.
func (m *messages) alwaysUVOff() bool {
	m.c.Helper()
	var t *pinuv.Token
	if m.option(ctap2.OptionClientPIN) || m.c.uv {
		t = m.acfg()
	}
	s, _ := m.call(ctap2.CommandConfig, m.setting(ctap2.ToggleAlwaysUv, nil, t))
	if s == ctap2.StatusOperationDenied {
		m.c.Observe("alwaysUv can't be switched off")
		if m.refresh(); !m.option(ctap2.OptionAlwaysUv) {
			m.c.Error("alwaysUv is off, although the key refused that")
		}
		return false
	}
	m.accept(s, ctap2.StatusSuccess)
	if m.refresh(); m.option(ctap2.OptionAlwaysUv) {
		m.c.Fatal("alwaysUv is still on")
	}
	return true
}

func cf3(c *C) {
	m := c.open()
	m.needOption(ctap2.OptionSetMinPINLength)
	m.needPIN()
	least, most := m.info.PINLengths()
	unchanged := func(what string) {
		c.Helper()
		m.refresh()
		if got, _ := m.info.PINLengths(); got != least || m.info.ForcePINChange {
			c.Fatalf("%s: the minimum was %d and is %d, forcePINChange %v", what, least, got, m.info.ForcePINChange)
		}
	}
	pin := ""
	send := func(p params) ctap2.Status {
		c.Helper()
		t := (*pinuv.Token)(nil)
		if pin != "" {
			t = m.acfgFor(pin)
		} else if c.uv || m.option(ctap2.OptionAlwaysUv) {
			pin = m.pin1()
			m.mustSetPIN(m.first(), pin)
			t = m.acfgFor(pin)
		}
		s, _ := m.call(ctap2.CommandConfig, m.setting(ctap2.SetMinPINLength, p, t))
		return s
	}
	m.accept(send(params{1: least}), ctap2.StatusSuccess)
	unchanged("the same minimum")
	// The minimum is checked before a PIN is missed.
	m.accept(send(params{1: least - 1, 3: true}), ctap2.StatusPINPolicyViolation)
	unchanged("a lower minimum")
	m.either(send(params{1: 64}), ctap2.StatusPINPolicyViolation, ctap2.StatusInvalidParameter)
	unchanged("a minimum of 64")
	if pin == "" {
		m.accept(send(params{1: min(least+1, most), 3: true}), ctap2.StatusPINNotSet)
		unchanged("a forced change without a PIN")
		pin = m.pin1()
		m.mustSetPIN(m.first(), pin)
	}
	length := uint(len(pin))
	if length > least {
		m.accept(send(params{1: length}), ctap2.StatusSuccess)
		least = length
		unchanged("a minimum that the PIN fulfils")
	}
	force := params{3: true}
	if length < most {
		force = params{1: length + 1}
		least = length + 1
	}
	t := m.acfgFor(pin)
	m.ok(ctap2.CommandConfig, m.setting(ctap2.SetMinPINLength, force, t))
	m.refused(ctap2.CommandConfig, m.setting(ctap2.SetMinPINLength, nil, t), ctap2.StatusPINAuthInvalid) // tokens end
	m.refresh()
	if got, _ := m.info.PINLengths(); got != least || !m.info.ForcePINChange {
		c.Errorf("after %v: the minimum is %d, forcePINChange %v", force, got, m.info.ForcePINChange)
	}
	m.accept(m.changePIN(m.first(), pin, pin), ctap2.StatusPINPolicyViolation)
	replacement := m.pin2()
	if s := m.changePIN(m.first(), pin, replacement); s != ctap2.StatusSuccess {
		c.Fatalf("changePIN: %s", s.Name())
	}
	if m.refresh().ForcePINChange {
		c.Error("forcePINChange is still true")
	}
	pin = replacement
	m.accept(send(params{3: true}), ctap2.StatusSuccess)
	if !m.refresh().ForcePINChange {
		c.Error("forceChangePin does not set forcePINChange")
	}
}

func cf4(c *C) {
	m := c.open()
	m.needOption(ctap2.OptionSetMinPINLength)
	if !m.extension(ctap2.ExtensionMinPINLength) {
		if m.extension(ctap2.ExtensionPINComplexityPolicy) {
			c.NotApplicable("the key has no extension minPinLength")
		}
		m.refused(ctap2.CommandConfig, m.setting(ctap2.SetMinPINLength, params{2: []string{rpID}}, m.acfg()), ctap2.StatusInvalidParameter)
		return
	}
	const other = "other." + rpID
	told := func(rp string, want bool) {
		c.Helper()
		k := m.make(c.mc().with(2, object{"id": rp}).with(6, object{ctap2.ExtensionMinPINLength: true}))
		got, err := k.resp.AuthData.Extensions.MinPINLength()
		if least, _ := m.info.PINLengths(); err != nil || want && got != least || !want && got != 0 {
			c.Errorf("%s is told %d, %v; it may know: %v", rp, got, err, want)
		}
	}
	told(rpID, false)
	most := uint(0)
	if m.info.MaxRPIDsForSetMinPINLength != nil {
		most = *m.info.MaxRPIDsForSetMinPINLength
	}
	many := slices.Repeat([]string{other}, int(min(most, 100))+1)
	full := func() {
		c.Helper()
		if most < 100 {
			least, longest := m.info.PINLengths()
			m.refused(ctap2.CommandConfig, m.setting(ctap2.SetMinPINLength, params{1: longest, 2: many}, m.acfg()), ctap2.StatusKeyStoreFull)
			if got, _ := m.refresh().PINLengths(); got != least {
				c.Errorf("the minimum was %d and is %d, although the key refused", least, got)
			}
		}
	}
	if most == 0 {
		full()
		return
	}
	m.set(ctap2.SetMinPINLength, params{2: []string{rpID}})
	told(rpID, true)
	told(other, false)
	full()
	told(rpID, true)
	m.set(ctap2.SetMinPINLength, params{2: []string{other}})
	told(rpID, false)
	told(other, true)
	m.set(ctap2.SetMinPINLength, params{})
	told(other, true)
}

func cf5(c *C) {
	m := c.open()
	m.needConfig()
	preset, ok := m.info.Options[ctap2.OptionEP]
	if !ok {
		c.NotApplicable("the key is not capable of enterprise attestation")
	}
	if preset {
		c.Observe("enterprise attestation is on in factory state")
	}
	for range 2 {
		m.set(ctap2.EnableEnterpriseAttestation, nil)
		if !m.option(ctap2.OptionEP) {
			c.Error("ep is not true")
		}
	}
	m = m.powerCycle()
	if !m.option(ctap2.OptionEP) {
		c.Error("ep does not outlive a power cycle")
	}
	m.reset()
	if m.option(ctap2.OptionEP) != preset {
		c.Errorf("after a reset ep is %v", !preset)
	}
}

func cf6(c *C) {
	m := c.open()
	m.needConfig()
	if m.info.LongTouchForReset == nil {
		c.NotApplicable("the key has no longTouchForReset")
	}
	m.needLongTouch()
	for _, p := range []params{nil, nil, {}} {
		m.set(ctap2.EnableLongTouchForReset, p)
		if l := m.info.LongTouchForReset; l == nil || !*l {
			c.Error("longTouchForReset is not true")
		}
	}
}

func cf7(c *C) {
	m := c.open()
	m.needConfig()
	t := m.acfg()
	for _, sub := range []ctap2.ConfigSubCommand{0x05, 0x7f, 0xfe} {
		m.refused(ctap2.CommandConfig, m.setting(sub, nil, t), ctap2.StatusInvalidSubcommand, ctap2.StatusInvalidParameter)
	}
	if len(m.info.VendorPrototypeConfigCommands) == 0 {
		m.refused(ctap2.CommandConfig, m.setting(ctap2.VendorPrototype, params{1: 1}, t), ctap2.StatusInvalidSubcommand, ctap2.StatusInvalidParameter)
	}
	m.refused(ctap2.CommandConfig, params{}, ctap2.StatusMissingParameter)
	m.refused(ctap2.CommandConfig, params{1: "2"}, ctap2.StatusCBORUnexpectedType, ctap2.StatusInvalidCBOR)
	sub, _ := m.harmless()
	m.refused(ctap2.CommandConfig, params{1: sub, 2: []int{1}}, ctap2.StatusCBORUnexpectedType, ctap2.StatusInvalidCBOR)
}

func cf8(c *C) {
	c.eachProtocol(func(m *messages, protocol pinuv.Protocol) {
		m.needConfig()
		sub, p := m.harmless()
		m.mustSetPIN(protocol, m.pin1())
		_, t := m.token(protocol, m.pin1(), ctap2.PermissionACFG, "")
		if t == nil {
			c.Fatal("the PIN gives no token for settings")
		}
		good := m.setting(sub, p, t)
		m.ok(ctap2.CommandConfig, good)
		request := ctap2.ConfigRequest{SubCommand: sub}
		if p != nil {
			var err error
			if request.SubCommandParams, err = cbor.Marshal(p); err != nil {
				c.Fatal(err)
			}
		}
		message := request.Message()
		for what, covered := range map[string][]byte{
			"without the bytes ff": message[32:],
			"of 31 bytes ff":       message[1:],
			"of another command":   slices.Concat(message[:32], []byte{byte(ctap2.CommandLargeBlobs)}, message[33:]),
			"of more parameters":   slices.Concat(message, []byte{0xa0}),
			"of nothing":           nil,
		} {
			if s, _ := m.call(ctap2.CommandConfig, good.with(4, t.Authenticate(covered))); s != ctap2.StatusPINAuthInvalid {
				c.Errorf("a proof %s: %s", what, s.Name())
			}
		}
	})
}

func cf9(c *C) {
	m := c.open()
	m.needConfig()
	if m.info.AuthenticatorConfigCommands == nil {
		c.NotApplicable("the key does not list its subcommands")
	}
	unique(c, "authenticatorConfigCommands", m.info.AuthenticatorConfigCommands)
	listed := func(sub ctap2.ConfigSubCommand) bool {
		return slices.Contains(m.info.AuthenticatorConfigCommands, uint(sub))
	}
	if listed(ctap2.EnableLongTouchForReset) {
		m.needLongTouch()
	}
	try := func(sub ctap2.ConfigSubCommand) {
		c.Helper()
		s, _ := m.call(ctap2.CommandConfig, m.setting(sub, nil, m.acfg()))
		unknown := s == ctap2.StatusInvalidSubcommand || s == ctap2.StatusInvalidParameter
		if unknown == listed(sub) {
			c.Errorf("%v is listed: %v; it ends with %s", sub, listed(sub), s.Name())
		}
		m.refresh()
	}
	// Without its parameters a vendor's command is known, but does nothing.
	for _, sub := range []ctap2.ConfigSubCommand{
		ctap2.EnableEnterpriseAttestation, ctap2.SetMinPINLength, ctap2.EnableLongTouchForReset, ctap2.VendorPrototype,
		ctap2.ToggleAlwaysUv, ctap2.ToggleAlwaysUv,
	} {
		_, known := m.info.Options[ctap2.OptionAlwaysUv]
		if sub == ctap2.ToggleAlwaysUv && known && listed(sub) && m.option(ctap2.OptionAlwaysUv) && !m.option(ctap2.OptionClientPIN) && !c.uv {
			m.alwaysUVOff()
			continue
		}
		try(sub)
	}
	for _, option := range []struct {
		name string
		sub  ctap2.ConfigSubCommand
	}{{ctap2.OptionEP, ctap2.EnableEnterpriseAttestation}, {ctap2.OptionAlwaysUv, ctap2.ToggleAlwaysUv}, {ctap2.OptionSetMinPINLength, ctap2.SetMinPINLength}} {
		if _, ok := m.info.Options[option.name]; ok != listed(option.sub) {
			c.Errorf("%v is listed: %v; the option %s is there: %v", option.sub, listed(option.sub), option.name, ok)
		}
	}
}
