package conformance

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

// Section 21: U2F, over CTAPHID's MSG or whatever Key.OpenMessages opens.
var u2fCases = []Case{
	{ID: "U-1", Title: "U2F_VERSION says U2F_V2", Run: u1},
	{ID: "U-2", Title: "U2F_REGISTER makes a key pair and attests it", Run: u2},
	{ID: "U-3", Title: "U2F_AUTHENTICATE checks, signs with a touch, and signs without", Needs: NeedsUser, Run: u3},
	{ID: "U-4", Title: "a key handle that is not the key's, or another application's, is unknown", Run: u4},
	{ID: "U-5", Title: "requests that make no sense have their status words", Run: u5},
	{ID: "U-6", Title: "the counter grows", Run: u6},
	{ID: "U-7", Title: "U2F never waits, and a touch counts for one command within some ten seconds", Needs: NeedsUser, Takes: 50 * time.Second, Run: u7},
	{ID: "U-8", Title: "credentials are the same in U2F and CTAP2", Run: u8},
	{ID: "U-9", Title: "U2F does not see credentials of credProtect's level 3", Run: u9},
	{ID: "U-10", Title: "with alwaysUv there is no U2F", Run: u10},
	{ID: "U-11", Title: "a registration survives a power cycle", Needs: NeedsPowerCycle, Run: u11},
}

const (
	swDone        = iso7816.SWNoError
	swNotTouched  = iso7816.SWConditionsOfUseNotSatisfied
	swUnknown     = iso7816.SWWrongData
	swSwitchedOff = iso7816.SWCommandNotAllowed
	swLength      = iso7816.SWWrongLength
)

// patient is how long a user who wants to may take to touch a U2F key.
const patient = 40 * time.Second

// u2fKey is the key opened for U2F messages.
type u2fKey struct {
	c     *C
	t     ctap2.U2FTransport
	power int // C.power when t was opened
}

// openU2F opens the key for U2F messages, for as long as the case runs.
func (c *C) openU2F() *u2fKey {
	c.Helper()
	return c.u2f(c.dial())
}

// u2f uses a transport for U2F messages, or ends the case if the key has none.
func (c *C) u2f(t ctap2.Transport) *u2fKey {
	c.Helper()
	u, ok := t.(ctap2.U2FTransport)
	if !ok {
		c.NotApplicable("the fixture's transport carries no U2F messages")
	}
	if !carriesMSG(t) {
		c.NotApplicable("the key does not speak U2F")
	}
	k := &u2fKey{c, u, c.power}
	if _, sw := k.send([]byte{0, byte(u2f.INSVersion), 0, 0, 0, 0, 0}); sw == iso7816.SWInstructionNotSupported {
		c.NotApplicable("the key does not speak U2F")
	}
	return k
}

// send sends an APDU and returns the data of the response and its status word.
func (k *u2fKey) send(apdu []byte) ([]byte, iso7816.StatusWord) {
	k.c.Helper()
	if k.power != k.c.power {
		k.t, k.power = k.c.openU2F().t, k.c.power
	}
	reply, err := k.t.MSG(k.c.ctx, nil, apdu)
	if err != nil {
		k.c.Fatalf("APDU %x: %v", apdu[:min(len(apdu), 64)], err)
	}
	r, err := iso7816.ParseResponse(reply)
	if err != nil {
		k.c.Fatalf("APDU %x: %v", apdu[:min(len(apdu), 64)], err)
	}
	if r.SW != swDone && len(r.Data) > 0 {
		k.c.Errorf("APDU %x: data before the status word %v: %x", apdu[:min(len(apdu), 64)], r.SW, r.Data)
	}
	return r.Data, r.SW
}

// ask sends a request once.
func (k *u2fKey) ask(r u2f.Request) ([]byte, iso7816.StatusWord) {
	k.c.Helper()
	apdu, err := r.Append(nil, iso7816.Extended)
	if err != nil {
		k.c.Fatal(err)
	}
	return k.send(apdu)
}

// touched sends a request until the user has touched the key. On a card reader
// the touch is power-up, which a case that can brings about.
func (k *u2fKey) touched(r u2f.Request) []byte {
	k.c.Helper()
	b, sw := k.ask(r)
	if sw == swNotTouched && k.c.tapAgain() {
		b, sw = k.ask(r)
	}
	for began := time.Now(); sw == swNotTouched && time.Since(began) < patient; b, sw = k.ask(r) {
		time.Sleep(u2f.PollInterval)
	}
	k.c.tap.used = true
	switch sw {
	case swDone:
	case swSwitchedOff:
		k.c.NotApplicable("U2F is switched off")
	default:
		k.c.Fatalf("%T is answered with %v", r, sw)
	}
	return b
}

// accept demands that a status word is among the accepted ones. A strict key
// must answer with the first; others are observed.
func (k *u2fKey) accept(what string, got iso7816.StatusWord, accept ...iso7816.StatusWord) {
	k.c.Helper()
	switch i := slices.Index(accept, got); {
	case i < 0, i > 0 && k.c.Key.Strict:
		k.c.Errorf("%s: %v instead of %v", what, got, accept)
	case i > 0:
		k.c.Observe("%s: %v instead of %v", what, got, accept[0])
	}
}

func (k *u2fKey) powerCycle() {
	k.c.Helper()
	k.c.powerCycle()
	k.t, k.power = k.c.openU2F().t, k.c.power
}

// registration is the request of the case, for the conformance relying party.
func (c *C) registration() *u2f.RegisterRequest {
	return &u2f.RegisterRequest{Challenge: [32]byte(c.hash()), Application: sha256.Sum256([]byte(rpID))}
}

// A registered key pair.
type registered struct {
	handle []byte
	public *ecdsa.PublicKey
}

// register makes a key pair and verifies the response.
func (k *u2fKey) register() registered {
	k.c.Helper()
	q := k.c.registration()
	r, err := u2f.ParseRegisterResponse(k.touched(q))
	if err != nil {
		k.c.Fatal(err)
	}
	if err := r.Verify(q); err != nil {
		k.c.Error(err)
	}
	public, err := r.PublicKey()
	if err != nil {
		k.c.Fatal(err)
	}
	return registered{r.KeyHandle, public}
}

// using returns a request to use a key handle.
func (c *C) using(handle []byte, control u2f.Control) *u2f.AuthenticateRequest {
	q := c.registration()
	return &u2f.AuthenticateRequest{Control: control, Challenge: q.Challenge, Application: q.Application, KeyHandle: handle}
}

// check asks whether the key knows a key handle.
func (k *u2fKey) check(handle []byte) iso7816.StatusWord {
	k.c.Helper()
	_, sw := k.ask(k.c.using(handle, u2f.CheckOnly))
	return sw
}

// signed verifies the data of a response that the key pair has signed.
func (k *u2fKey) signed(data []byte, r registered) *u2f.AuthenticateResponse {
	k.c.Helper()
	response, err := u2f.ParseAuthenticateResponse(data)
	if err != nil {
		k.c.Fatal(err)
	}
	if err := response.Verify(k.c.using(r.handle, 0), r.public); err != nil {
		k.c.Error(err)
	}
	return response
}

// authenticate gets a signature with a touch.
func (k *u2fKey) authenticate(r registered) *u2f.AuthenticateResponse {
	k.c.Helper()
	response := k.signed(k.touched(k.c.using(r.handle, u2f.EnforceUserPresence)), r)
	if !response.UserPresent() {
		k.c.Error("the key says that nobody has touched it")
	}
	return response
}

func u1(c *C) {
	k := c.openU2F()
	for _, apdu := range [][]byte{
		{0, 3, 0, 0, 0, 0, 0},       // with an Le, or an Lc as some say
		{0, 3, 0, 0, 0, 0, 0, 0, 0}, // with an Lc that must not be there, as hosts send it
	} {
		if data, sw := k.send(apdu); sw != swDone || string(data) != u2f.Version2 {
			c.Errorf("%x is answered with %q %v", apdu, data, sw)
		}
	}
	_, sw := k.send([]byte{0, 3, 0, 0, 0, 0, 1, 0xff, 0, 0})
	k.accept("U2F_VERSION with data", sw, swLength, swDone)
}

func u2(c *C) {
	k := c.openU2F()
	first, second := k.register(), k.register()
	if bytes.Equal(first.handle, second.handle) || first.public.Equal(second.public) {
		c.Error("two registrations are the same")
	}
	c.Observe("key handles have %d bytes", len(first.handle))
	for _, p1 := range []byte{0x03, 0x80} { // as some hosts have it
		q := c.registration()
		q.P1 = p1
		switch _, sw := k.ask(q); sw {
		case swDone, swNotTouched:
		default:
			k.accept(fmt.Sprintf("U2F_REGISTER with P1 %02x", p1), sw, swDone, iso7816.SWIncorrectP1P2)
		}
	}
}

func u3(c *C) {
	k := c.openU2F()
	own := k.register()
	c.user(Behaviour{Action: Ignore})
	k.accept("a check of the key's own key handle", k.check(own.handle), swNotTouched)
	if !c.Key.Tap { // there being at the reader is a touch
		_, sw := k.ask(c.using(own.handle, u2f.EnforceUserPresence))
		k.accept("nobody touches the key", sw, swNotTouched)
	}
	data, sw := k.ask(c.using(own.handle, u2f.DontEnforceUserPresence))
	if k.accept("without a touch", sw, swDone, swNotTouched, iso7816.SWIncorrectP1P2); sw == swDone {
		if k.signed(data, own).UserPresent() {
			c.Error("the key says that it was touched")
		}
	}
	c.user(Behaviour{Action: Touch})
	k.authenticate(own)
	k.accept("a check of the key's own key handle", k.check(own.handle), swNotTouched)
}

func u4(c *C) {
	k := c.openU2F()
	own := k.register()
	unknown := func(what string, q *u2f.AuthenticateRequest) {
		c.Helper()
		_, sw := k.ask(q)
		k.accept(what, sw, swUnknown, swLength)
	}
	for i := range own.handle {
		bad := bytes.Clone(own.handle)
		bad[i] ^= 0x40
		unknown(fmt.Sprintf("byte %d changed", i), c.using(bad, u2f.CheckOnly))
	}
	for name, handle := range map[string][]byte{
		"half of it": own.handle[:len(own.handle)/2], "nothing": nil, "a byte": {1}, "255 bytes": make([]byte, 255),
	} {
		unknown(name, c.using(handle, u2f.CheckOnly))
	}
	elsewhere := c.using(own.handle, u2f.CheckOnly)
	elsewhere.Application[0] ^= 1
	unknown("another application", elsewhere)
	k.accept("the key handle itself", k.check(own.handle), swNotTouched)
}

func u5(c *C) {
	k := c.openU2F()
	for _, test := range []struct {
		name   string
		apdu   []byte
		accept []iso7816.StatusWord
	}{
		{"an instruction that nobody knows", []byte{0, 0x3f, 0, 0, 0, 0, 0}, []iso7816.StatusWord{iso7816.SWInstructionNotSupported}},
		{"another class", []byte{0x40, 3, 0, 0, 0, 0, 0}, []iso7816.StatusWord{iso7816.SWClassNotSupported, iso7816.SWInstructionNotSupported}},
		{"U2F_REGISTER without data", []byte{0, 1, 0, 0, 0, 0, 0}, []iso7816.StatusWord{swLength}},
		{"U2F_REGISTER with 63 bytes", append([]byte{0, 1, 0, 0, 0, 0, 63}, make([]byte, 63+2)...), []iso7816.StatusWord{swLength}},
		{"U2F_REGISTER with 65 bytes", append([]byte{0, 1, 0, 0, 0, 0, 65}, make([]byte, 65+2)...), []iso7816.StatusWord{swLength}},
		{"U2F_AUTHENTICATE without data", []byte{0, 2, 7, 0, 0, 0, 0}, []iso7816.StatusWord{swLength}},
		{"U2F_AUTHENTICATE without a key handle", append([]byte{0, 2, 7, 0, 0, 0, 64}, make([]byte, 64+2)...), []iso7816.StatusWord{swLength, swUnknown}},
		{"an unknown control byte", append([]byte{0, 2, 9, 0, 0, 0, 66}, append(append(make([]byte, 64), 1, 1), 0, 0)...),
			[]iso7816.StatusWord{iso7816.SWIncorrectP1P2, swUnknown, iso7816.SWWrongP1P2}},
	} {
		_, sw := k.send(test.apdu)
		if sw == swSwitchedOff {
			c.Observe("%s: U2F is switched off", test.name)
			continue
		}
		k.accept(test.name, sw, test.accept...)
	}
	if data, sw := k.ask(new(u2f.VersionRequest)); sw != swDone || string(data) != u2f.Version2 {
		c.Errorf("U2F_VERSION is answered with %q %v afterwards", data, sw)
	}
}

func u6(c *C) {
	k := c.openU2F()
	own, other := k.register(), k.register()
	before := k.authenticate(own).Counter
	k.authenticate(other) // which may have a counter of its own
	switch after := k.authenticate(own).Counter; {
	case before == 0 && after == 0:
		c.Observe("the key has no counter")
	case after <= before:
		c.Errorf("the counter goes from %d to %d", before, after)
	case after-before > 1<<16:
		c.Errorf("the counter leaps from %d to %d: are its bytes in order?", before, after)
	}
}

func u7(c *C) {
	if c.Key.Tap {
		c.NotApplicable("the key can't be touched for each command")
	}
	k := c.openU2F()
	own := k.register()
	sign := c.using(own.handle, u2f.EnforceUserPresence)
	ask := func() iso7816.StatusWord {
		c.Helper()
		began := time.Now()
		_, sw := k.ask(sign)
		if took := time.Since(began); took > prompt {
			c.Errorf("the answer %v takes %v", sw, took)
		}
		return sw
	}
	c.user(Behaviour{Action: Ignore})
	for range 5 {
		if sw := ask(); sw != swNotTouched {
			c.Errorf("nobody touches the key: %v", sw)
		}
		time.Sleep(u2f.PollInterval)
	}
	c.user(Behaviour{Action: Touch, After: time.Second})
	for range 2 { // each takes a touch of its own
		began := time.Now()
		k.authenticate(own)
		if took := time.Since(began); took < time.Second-u2f.PollInterval {
			c.Errorf("a touch after a second counts after %v", took)
		}
	}
	// A touch counts for a command that comes a little later, not much later.
	ask()
	time.Sleep(6 * time.Second)
	k.accept("five seconds after the touch", ask(), swDone, swNotTouched)
	ask()
	time.Sleep(16 * time.Second)
	c.user(Behaviour{Action: Ignore})
	k.accept("fifteen seconds after the touch", ask(), swNotTouched, swDone)
}

func u8(c *C) {
	m := c.open()
	k := c.u2f(m.t)
	own := k.register()
	public, err := cose.New(own.public, cose.ES256)
	if err != nil {
		c.Fatal(err)
	}
	m.get(c.ga(&credential{id: own.handle}), &credential{own.handle, &ctap2.MakeCredentialResponse{
		AuthData: ctap2.AuthenticatorData{AttestedCredentialData: &ctap2.AttestedCredentialData{PublicKey: public}},
	}})
	made := m.make(c.mc())
	if len(made.id) > u2f.MaxKeyHandleLength {
		c.Observe("credential IDs of %d bytes are no key handles", len(made.id))
		return
	}
	key, err := made.resp.AuthData.AttestedCredentialData.PublicKey.PublicKey()
	if err != nil {
		c.Fatal(err)
	}
	k.authenticate(registered{made.id, key.(*ecdsa.PublicKey)})
}

func u9(c *C) {
	m := c.open()
	k := c.u2f(m.t)
	m.needExtension(ctap2.ExtensionCredProtect)
	m.needUnverified()
	for _, made := range m.protectedCredentials() {
		if len(made.id) > u2f.MaxKeyHandleLength {
			c.NotApplicable("credential IDs of %d bytes are no key handles", len(made.id))
		}
		q := c.using(made.id, u2f.CheckOnly)
		q.Application = sha256.Sum256([]byte(made.rp))
		_, sw := k.ask(q)
		if made.level == 3 {
			k.accept(made.String(), sw, swUnknown)
		} else {
			k.accept(made.String(), sw, swNotTouched)
		}
	}
}

func u10(c *C) {
	m := c.open()
	k := c.u2f(m.t)
	if !m.option(ctap2.OptionAlwaysUv) {
		m.needAlwaysUV()
		if !slices.Contains(m.info.Versions, ctap2.VersionU2F) {
			c.Errorf("the versions are %q without U2F", m.info.Versions)
		}
		m.set(ctap2.ToggleAlwaysUv, nil)
	}
	if slices.Contains(m.info.Versions, ctap2.VersionU2F) {
		c.Errorf("the versions are %q with U2F", m.info.Versions)
	}
	_, sw := k.ask(c.registration())
	k.accept("U2F_REGISTER", sw, swSwitchedOff)
	for _, control := range []u2f.Control{u2f.CheckOnly, u2f.EnforceUserPresence, u2f.DontEnforceUserPresence} {
		_, sw := k.ask(c.using([]byte{1}, control))
		k.accept(control.String(), sw, swSwitchedOff)
	}
	_, sw = k.ask(new(u2f.VersionRequest))
	c.Observe("U2F_VERSION is answered with %v", sw)
}

func u11(c *C) {
	k := c.openU2F()
	own := k.register()
	before := k.authenticate(own)
	k.powerCycle()
	k.accept("a check of the key handle", k.check(own.handle), swNotTouched)
	if after := k.authenticate(own); after.Counter < before.Counter {
		c.Errorf("the counter goes from %d to %d", before.Counter, after.Counter)
	}
}
