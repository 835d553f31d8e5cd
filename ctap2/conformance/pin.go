package conformance

import (
	"bytes"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// pin1 and pin2 are PINs that the key takes, wrongPIN is never set.
func (m *messages) pin1() string     { return m.sample("1234-abcd") }
func (m *messages) pin2() string     { return m.sample("5678-efgh") }
func (m *messages) wrongPIN() string { return m.sample("9999-zzzz") }

// sample makes a PIN as long as the key wants it.
func (m *messages) sample(pin string) string {
	least, most := m.info.PINLengths()
	for uint(len(pin)) < least {
		pin += "x"
	}
	return pin[:min(uint(len(pin)), most)]
}

// eachProtocol runs f for each PIN/UV auth protocol of the key, each time with
// a key in factory state.
func (c *C) eachProtocol(f func(m *messages, p pinuv.Protocol)) {
	c.Helper()
	m := c.open()
	m.needPIN()
	protocols := m.protocols()
	for i, p := range protocols {
		if i > 0 {
			c.fresh()
			m = c.open()
		}
		f(m, p)
		if c.Failed() {
			c.Logf("with %v", p)
			return
		}
	}
}

func (m *messages) needPIN() {
	m.c.Helper()
	if _, ok := m.info.Options[ctap2.OptionClientPIN]; !ok {
		m.c.NotApplicable("the key has no PIN")
	}
}

// needRetries ends the case if the key allows fewer than n wrong PINs.
func (m *messages) needRetries(n uint) {
	m.c.Helper()
	if most, _ := m.retries(); most < n {
		m.c.NotApplicable("the key allows %d wrong PINs", most)
	}
}

// protocols returns those of the key's protocols that this suite knows.
func (m *messages) protocols() []pinuv.Protocol {
	m.c.Helper()
	ps := m.info.PinUvAuthProtocols
	if len(ps) == 0 {
		ps = []pinuv.Protocol{pinuv.One}
	}
	ps = slices.DeleteFunc(slices.Clone(ps), func(p pinuv.Protocol) bool { return p != pinuv.One && p != pinuv.Two })
	if len(ps) == 0 {
		m.c.Fatalf("the key's protocols are %v", m.info.PinUvAuthProtocols)
	}
	return ps
}

// first returns the key's preferred protocol.
func (m *messages) first() pinuv.Protocol { return m.protocols()[0] }

// pin sends a clientPIN subcommand.
func (m *messages) pin(p params) (ctap2.Status, *ctap2.ClientPINResponse) {
	m.c.Helper()
	s, b := m.call(ctap2.CommandClientPIN, p)
	if s != ctap2.StatusSuccess {
		return s, nil
	}
	r, err := ctap2.ParseClientPINResponse(b)
	if err != nil {
		m.c.Fatal(err)
	}
	return s, r
}

// pinKey returns the key's key agreement key.
func (m *messages) pinKey(p pinuv.Protocol) *cose.Key {
	m.c.Helper()
	s, r := m.pin(params{1: p, 2: ctap2.GetKeyAgreement})
	if s != ctap2.StatusSuccess || r.KeyAgreement == nil {
		m.c.Fatalf("getKeyAgreement for %v: %s", p, s.Name())
	}
	return r.KeyAgreement
}

// A secret is what the platform and the key have agreed on.
type secret struct {
	*pinuv.SharedSecret
	p        pinuv.Protocol
	platform *cose.Key
}

func (m *messages) agree(p pinuv.Protocol) secret {
	m.c.Helper()
	platform, s, err := p.Encapsulate(nil, m.pinKey(p))
	if err != nil {
		m.c.Fatal(err)
	}
	return secret{s, p, platform}
}

func (m *messages) encrypt(s secret, plain []byte) []byte {
	m.c.Helper()
	b, err := s.Encrypt(nil, plain)
	if err != nil {
		m.c.Fatal(err)
	}
	return b
}

// setPINParams returns a setPIN of 64 bytes of padded PIN.
func (m *messages) setPINParams(s secret, padded []byte) params {
	m.c.Helper()
	enc := m.encrypt(s, padded)
	return params{1: s.p, 2: ctap2.SetPIN, 3: s.platform, 4: s.Authenticate(enc), 5: enc}
}

func padded(pin string) []byte { return append([]byte(pin), make([]byte, max(0, 64-len(pin)))...) }

func (m *messages) setPIN(p pinuv.Protocol, pin string) ctap2.Status {
	m.c.Helper()
	s, _ := m.pin(m.setPINParams(m.agree(p), padded(pin)))
	return s
}

// mustSetPIN sets a PIN on a key that has none, or the one that proven has set.
func (m *messages) mustSetPIN(p pinuv.Protocol, pin string) {
	m.c.Helper()
	if m.c.pin != "" && m.option(ctap2.OptionClientPIN) {
		if m.c.pin != pin {
			m.c.Fatal("the PIN is another already")
		}
		return
	}
	if s := m.setPIN(p, pin); s != ctap2.StatusSuccess {
		m.c.Fatalf("setPIN: %s", s.Name())
	}
	m.refresh()
}

func (m *messages) pinHashEnc(s secret, pin string) []byte {
	m.c.Helper()
	h := pinuv.HashPIN([]byte(pin))
	return m.encrypt(s, h[:])
}

func (m *messages) changePINParams(s secret, old, new string) params {
	m.c.Helper()
	enc, hash := m.encrypt(s, padded(new)), m.pinHashEnc(s, old)
	return params{1: s.p, 2: ctap2.ChangePIN, 3: s.platform, 4: s.Authenticate(slices.Concat(enc, hash)), 5: enc, 6: hash}
}

func (m *messages) changePIN(p pinuv.Protocol, old, new string) ctap2.Status {
	m.c.Helper()
	s, _ := m.pin(m.changePINParams(m.agree(p), old, new))
	return s
}

// tokenParams returns a request for a token by PIN: the legacy one if no
// permissions are given.
func (m *messages) tokenParams(s secret, pin string, perms ctap2.Permissions, rp string) params {
	m.c.Helper()
	p := params{1: s.p, 2: ctap2.GetPINToken, 3: s.platform, 6: m.pinHashEnc(s, pin)}
	if perms != 0 {
		p[2], p[9] = ctap2.GetPinUvAuthTokenUsingPinWithPermissions, perms
	}
	if rp != "" {
		p[10] = rp
	}
	return p
}

// token asks for a token by PIN.
func (m *messages) token(p pinuv.Protocol, pin string, perms ctap2.Permissions, rp string) (ctap2.Status, *pinuv.Token) {
	m.c.Helper()
	s := m.agree(p)
	return m.received(s, m.tokenParams(s, pin, perms, rp))
}

// received sends a request for a token and decrypts it.
func (m *messages) received(s secret, p params) (ctap2.Status, *pinuv.Token) {
	m.c.Helper()
	status, r := m.pin(p)
	if status != ctap2.StatusSuccess {
		return status, nil
	}
	plain, err := s.Decrypt(r.PinUvAuthToken)
	if err != nil {
		m.c.Fatalf("decrypting the token: %v", err)
	}
	t, err := pinuv.NewToken(s.p, plain)
	if err != nil {
		m.c.Fatal(err)
	}
	return status, t
}

// mustToken gets a token for mc and ga of rpID.
func (m *messages) mustToken(p pinuv.Protocol) *pinuv.Token {
	m.c.Helper()
	return m.use(p, ctap2.PermissionMC|ctap2.PermissionGA, rpID)
}

// use gets a token for the relying party rp, by the way that the key has for mc
// and ga.
func (m *messages) use(p pinuv.Protocol, perms ctap2.Permissions, rp string) *pinuv.Token {
	m.c.Helper()
	switch {
	case m.option(ctap2.OptionNoMcGaPermissionsWithClientPin):
		return m.needToken(m.tokenByUV(p, perms, rp))
	case !m.option(ctap2.OptionPinUvAuthToken):
		perms, rp = 0, ""
	}
	return m.needToken(m.token(p, m.pin1(), perms, rp))
}

// needToken ends the case if there is no token.
func (m *messages) needToken(s ctap2.Status, t *pinuv.Token) *pinuv.Token {
	m.c.Helper()
	if s != ctap2.StatusSuccess || t == nil {
		m.c.Fatalf("getting a token: %s", s.Name())
	}
	return t
}

// takesPIN demands that the key takes the PIN.
func (m *messages) takesPIN(p pinuv.Protocol, pin string) {
	m.c.Helper()
	m.needToken(m.token(p, pin, m.perms(), m.permsRP()))
}

// tokenByUV asks for a token by built-in user verification.
func (m *messages) tokenByUV(p pinuv.Protocol, perms ctap2.Permissions, rp string) (ctap2.Status, *pinuv.Token) {
	m.c.Helper()
	s := m.agree(p)
	r := params{1: p, 2: ctap2.GetPinUvAuthTokenUsingUvWithPermissions, 3: s.platform, 9: perms}
	if rp != "" {
		r[10] = rp
	}
	return m.received(s, r)
}

// proven adds the proof of a PIN to a makeCredential or getAssertion that has
// none, on a key that can't be used otherwise: one with alwaysUv and without
// built-in user verification. The first time it sets that PIN. Requests that are
// malformed, or silent, stay as they are.
func (m *messages) proven(cmd ctap2.Command, p params) params {
	m.c.Helper()
	if m.info == nil || !m.option(ctap2.OptionAlwaysUv) || m.option(ctap2.OptionUV) {
		return p
	}
	hash, options, param := 1, 7, 8
	if cmd == ctap2.CommandGetAssertion {
		hash, options, param = 2, 5, 6
	}
	if cmd != ctap2.CommandMakeCredential && cmd != ctap2.CommandGetAssertion || p[param] != nil {
		return p
	}
	if b, ok := p[hash].([]byte); !ok || len(b) != 32 {
		return p
	}
	if o, ok := p[options].(object); ok && o["up"] == false {
		return p
	}
	rp, _ := p[1].(string)
	if o, ok := p[2].(object); ok {
		rp, _ = o["id"].(string)
	}
	if rp == "" {
		return p
	}
	if !m.option(ctap2.OptionClientPIN) {
		m.needPIN()
		m.mustSetPIN(m.first(), m.pin1())
		m.c.pin = m.pin1()
	}
	if m.c.pin == "" {
		return p // the case has set its own and knows what it wants to see
	}
	own := m.c.tap.token
	t := m.use(m.first(), ctap2.PermissionMC|ctap2.PermissionGA, rp)
	m.c.tap.token = own // this one is for this request alone
	return p.with(param, t.Authenticate(p[hash].([]byte))).with(param+1, t.Protocol())
}

// needVerification ends the case if built-in user verification is not set up, and
// enrols a finger if that is all that is missing.
func (m *messages) needVerification() {
	m.c.Helper()
	m.needOption(ctap2.OptionPinUvAuthToken)
	if m.option(ctap2.OptionUV) {
		return
	}
	if _, sensor := m.info.Options[ctap2.OptionBioEnroll]; !sensor || m.c.Key.Sample == nil {
		m.c.NotApplicable("built-in user verification is not set up")
	}
	b := &biometrics{messages: m, command: ctap2.CommandBioEnrollment}
	b.authorize(m.first())
	b.enroll()
}

func (m *messages) retries() (uint, bool) {
	m.c.Helper()
	s, r := m.pin(params{2: ctap2.GetPINRetries})
	if s != ctap2.StatusSuccess || r.PINRetries == nil {
		m.c.Fatalf("getPINRetries: %s", s.Name())
	}
	return *r.PINRetries, r.PowerCycleState != nil && *r.PowerCycleState
}

// authorizeMC adds the proof of user verification to a makeCredential.
func authorizeMC(p params, t *pinuv.Token) params {
	return p.with(8, t.Authenticate(p[1].([]byte))).with(9, t.Protocol())
}

// authorizeGA adds the proof of user verification to a getAssertion.
func authorizeGA(p params, t *pinuv.Token) params {
	return p.with(6, t.Authenticate(p[2].([]byte))).with(7, t.Protocol())
}

// reset resets the key, which has just been powered up.
func (m *messages) reset() {
	m.c.Helper()
	if s := m.tryReset(nil); s != ctap2.StatusSuccess {
		m.c.Fatalf("reset: %s", s.Name())
	}
	m.c.pin = ""
	m.refresh()
}

// tryReset sends a reset, with a touch as long as the key wants it. It ends the
// case if the key takes no reset over the fixture's transport.
func (m *messages) tryReset(p params) ctap2.Status {
	m.c.Helper()
	if long := m.info.LongTouchForReset; long != nil && *long {
		m.c.user(Behaviour{Action: LongTouch})
		defer m.c.user(Behaviour{})
	}
	s, _ := m.call(ctap2.CommandReset, p)
	if over := m.info.TransportsForReset; s == ctap2.StatusOperationDenied && len(over) > 0 &&
		(!m.c.overHID() || !slices.Contains(over, ctap2.TransportUSB)) {
		m.c.NotApplicable("the key takes resets over %q alone", over)
	}
	return s
}

// powerCycle cycles the power and opens the key again.
func (m *messages) powerCycle() *messages {
	m.c.Helper()
	if m.c.Key.PowerCycle == nil {
		m.c.NotApplicable("the fixture can't cycle the power")
	}
	m.c.powerCycle()
	return m.c.open()
}

// softBlock enters wrong PINs until the key wants its power cycled.
func (m *messages) softBlock(p pinuv.Protocol) {
	m.c.Helper()
	m.needRetries(4) // the last one blocks the PIN for good
	for i, want := range []ctap2.Status{ctap2.StatusPINInvalid, ctap2.StatusPINInvalid, ctap2.StatusPINAuthBlocked} {
		if s, _ := m.token(p, m.wrongPIN(), m.perms(), m.permsRP()); s != want {
			m.c.Fatalf("wrong PIN %d: %s instead of %s", i+1, s.Name(), want.Name())
		}
	}
}

// perms and permsRP are the permissions that a token is asked with by PIN: none
// on a key that knows only the legacy way or gives none for mc and ga.
func (m *messages) perms() ctap2.Permissions {
	if m.option(ctap2.OptionPinUvAuthToken) && !m.option(ctap2.OptionNoMcGaPermissionsWithClientPin) {
		return ctap2.PermissionMC | ctap2.PermissionGA
	}
	return 0
}

func (m *messages) permsRP() string {
	if m.perms() != 0 {
		return rpID
	}
	return ""
}

// flip returns a byte string with one bit changed.
func flip(v any) []byte {
	b := bytes.Clone(v.([]byte))
	b[len(b)-1] ^= 1
	return b
}

func equalKeys(a, b *cose.Key) bool { return bytes.Equal(a.X, b.X) && bytes.Equal(a.Y, b.Y) }
