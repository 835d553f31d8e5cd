package conformance

import (
	"crypto/sha256"
	"io"
	"slices"
	"strings"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/nfc"
)

// params are the parameters of a request, by number: a form in which a case can
// leave one out or give it the wrong type.
type params map[int]any

// with returns a copy of p with one parameter set, or left out if v is nil.
func (p params) with(member int, v any) params {
	q := params{}
	for k, v := range p {
		q[k] = v
	}
	if q[member] = v; v == nil {
		delete(q, member)
	}
	return q
}

// messages is the key opened for CTAP2 messages.
type messages struct {
	c        *C
	t        ctap2.Transport
	info     *ctap2.GetInfoResponse
	power    int  // C.power when t was opened
	prompted bool // the last request asked for a touch
}

// open opens the key for CTAP2 messages, for as long as the case runs, and asks
// it for its information.
func (c *C) open() *messages {
	c.Helper()
	m := &messages{c: c, t: c.dial(), power: c.power}
	if !speaksCTAP2(m.t) {
		c.NotApplicable("the key does not speak CTAP2")
	}
	m.refresh()
	return m
}

// overHID reports whether messages go through the HID interface.
func (c *C) overHID() bool { return c.Key.OpenMessages == nil && c.Key.OpenReports != nil }

// dial opens the key for messages, for as long as the case runs.
func (c *C) dial() ctap2.Transport {
	c.Helper()
	if c.Key.OpenMessages != nil {
		t, err := c.Key.OpenMessages()
		if err != nil {
			c.Fatalf("opening the key: %v", err)
		}
		if t, ok := t.(io.Closer); ok {
			c.closers = append(c.closers, t.Close)
		}
		return t
	}
	if c.Key.OpenReports == nil {
		return c.dialCard()
	}
	dev, err := c.Key.OpenReports()
	if err != nil {
		c.Fatalf("opening the key: %v", err)
	}
	conn, err := ctaphid.Open(c.ctx, dev, nil)
	if err != nil {
		c.Fatalf("opening the key: %v", err)
	}
	c.closers = append(c.closers, conn.Close)
	return conn
}

// dialCard opens the card for messages.
func (c *C) dialCard() ctap2.Transport {
	c.Helper()
	if c.Key.OpenCard == nil {
		c.Fatal("the fixture opens neither reports nor a card nor messages")
	}
	card, err := c.Key.OpenCard()
	if err != nil {
		c.Fatalf("opening the card: %v", err)
	}
	conn, err := nfc.Open(c.ctx, card, nil)
	if err != nil {
		c.Fatalf("opening the card: %v", err)
	}
	c.closers = append(c.closers, conn.Close)
	return conn
}

// speaksCTAP2 reports whether the key takes CTAP2 requests, as far as the transport
// knows: an *nfc.Conn has asked.
func speaksCTAP2(t ctap2.Transport) bool {
	switch t := t.(type) {
	case *ctaphid.Conn:
		return t.Info().Capabilities&ctaphid.CapabilityCBOR != 0
	case interface{ CTAP2() bool }:
		return t.CTAP2()
	}
	return true
}

// carriesMSG reports whether the key takes U2F messages, as far as the transport
// knows.
func carriesMSG(t ctap2.Transport) bool {
	switch t := t.(type) {
	case *ctaphid.Conn:
		return t.Info().Capabilities&ctaphid.CapabilityNMSG == 0
	case interface{ U2F() bool }:
		return t.U2F()
	}
	return true
}

// refresh asks the key for its information again.
func (m *messages) refresh() *ctap2.GetInfoResponse {
	m.c.Helper()
	s, b := m.raw(getInfo)
	if s != ctap2.StatusSuccess {
		m.c.Fatalf("getInfo: %s", s.Name())
	}
	info, err := ctap2.ParseGetInfoResponse(b)
	if err != nil {
		m.c.Fatal(err)
	}
	m.info = info
	m.c.uv = info.Options[ctap2.OptionUV]
	return info
}

// send sends a request and returns the reply, which is not empty. A connection
// from before a power cycle is opened again.
func (m *messages) send(request []byte) []byte {
	m.c.Helper()
	if m.power != m.c.power {
		m.t, m.power = m.c.dial(), m.c.power
	}
	m.prompted = false
	reply, err := m.t.CBOR(m.c.ctx, nil, request, func(status byte) {
		if status == ctap2.WaitingUPNeeded {
			m.prompted = true
		}
	})
	if err != nil {
		m.c.Fatalf("request %x: %v", request[:min(len(request), 64)], err)
	}
	if len(reply) == 0 {
		m.c.Fatalf("request %x: the reply has no status", request[:min(len(request), 64)])
	}
	return reply
}

// raw sends a request, command byte first, and returns the status and what
// follows it.
func (m *messages) raw(request []byte) (ctap2.Status, []byte) {
	m.c.Helper()
	m.c.tapBefore(request)
	reply := m.send(request)
	if ctap2.Status(reply[0]) == ctap2.StatusUPRequired && m.c.tapAgain() {
		reply = m.send(request)
	}
	s := ctap2.Status(reply[0])
	m.c.tapAfter(request, s)
	if s != ctap2.StatusSuccess && len(reply) > 1 {
		m.c.Errorf("request %x: data follows the status %s: %x", request[:min(len(request), 64)], s.Name(), reply[1:])
	}
	if s == ctap2.StatusSuccess && len(reply) > 1 {
		if ds, err := cbor.Check(nil, reply[1:]); err != nil {
			m.c.Errorf("the reply %x: %v", reply[1:], err)
		} else {
			m.c.canonical(ctap2.Command(request[0]).String(), ds)
		}
	}
	return s, reply[1:]
}

// canonical takes the deviations from canonical CBOR that a reply has.
func (c *C) canonical(what string, ds []cbor.Deviation) {
	c.Helper()
	if len(ds) == 0 {
		return
	}
	c.deviations += len(ds)
	if c.Key.Strict {
		c.Errorf("the reply to %s is not canonical: %v", what, ds)
	}
	c.Observe("the reply to %s is not canonical: %v", what, ds)
}

// call sends a command with parameters, or none if p is nil. On a key that
// can't be used without a PIN it adds the proof of one: see proven.
func (m *messages) call(cmd ctap2.Command, p params) (ctap2.Status, []byte) {
	m.c.Helper()
	return m.plain(cmd, m.proven(cmd, p))
}

// plain sends a command as it is.
func (m *messages) plain(cmd ctap2.Command, p params) (ctap2.Status, []byte) {
	m.c.Helper()
	if p == nil {
		return m.raw([]byte{byte(cmd)})
	}
	return m.raw(mustCBOR(m.c, cmd, p))
}

// ok sends a command that must succeed.
func (m *messages) ok(cmd ctap2.Command, p params) []byte {
	m.c.Helper()
	s, b := m.call(cmd, p)
	if s != ctap2.StatusSuccess {
		m.c.Fatalf("%v: %s", cmd, s.Name())
	}
	return b
}

// refused sends a command that must end with one of these statuses.
func (m *messages) refused(cmd ctap2.Command, p params, accept ...ctap2.Status) ctap2.Status {
	m.c.Helper()
	s, _ := m.call(cmd, p)
	return m.accept(s, accept...)
}

// accept demands that s is among the accepted statuses. A strict key must
// answer with the first, which is the specification's; others are observed.
func (m *messages) accept(s ctap2.Status, accept ...ctap2.Status) ctap2.Status {
	m.c.Helper()
	switch i := slices.Index(accept, s); {
	case i < 0:
		m.c.Errorf("the status is %s instead of %s", s.Name(), names(accept))
	case i > 0 && m.c.Key.Strict:
		m.c.Errorf("the status is %s instead of %s", s.Name(), accept[0].Name())
	case i > 0:
		m.c.Observe("%s instead of %s", s.Name(), accept[0].Name())
	}
	return s
}

// either demands that s is among statuses that are equally right.
func (m *messages) either(s ctap2.Status, accept ...ctap2.Status) {
	m.c.Helper()
	if !slices.Contains(accept, s) {
		m.c.Errorf("the status is %s instead of %s", s.Name(), names(accept))
	}
	m.c.Observe("of %s the key answers %s", names(accept), s.Name())
}

// names lists statuses.
func names(statuses []ctap2.Status) string {
	var all []string
	for _, s := range statuses {
		all = append(all, s.Name())
	}
	return strings.Join(all, " or ")
}

// failed sends a command that must not succeed.
func (m *messages) failed(cmd ctap2.Command, p params) ctap2.Status {
	m.c.Helper()
	s, b := m.call(cmd, p)
	if s == ctap2.StatusSuccess {
		m.c.Errorf("%v succeeds: %x", cmd, b)
	}
	return s
}

func (m *messages) option(name string) bool { return m.info.Options[name] }

func (m *messages) extension(id string) bool { return slices.Contains(m.info.Extensions, id) }

// used are the flags UP and UV of a use that does not ask for user verification.
func (m *messages) used() ctap2.Flags {
	if m.option(ctap2.OptionAlwaysUv) {
		return ctap2.FlagUP | ctap2.FlagUV
	}
	return ctap2.FlagUP
}

// needList ends the case if the key takes no lists of n credentials.
func (m *messages) needList(n uint) {
	m.c.Helper()
	if most := m.info.MaxCredentialCountInList; most > 0 && most < n {
		m.c.NotApplicable("the key takes lists of at most %d", most)
	}
}

func (m *messages) needOption(name string) {
	m.c.Helper()
	if !m.option(name) {
		m.c.NotApplicable("the key has no option %s", name)
	}
}

// hash is the client data hash of the case.
func (c *C) hash() []byte {
	h := sha256.Sum256([]byte(c.id))
	return h[:]
}

type object = map[string]any

func publicKey(alg cose.Algorithm) object { return object{"alg": alg, "type": "public-key"} }

func descriptor(id []byte) object { return object{"id": id, "type": "public-key"} }

// mc returns the parameters of a makeCredential that every key can serve.
func (c *C) mc() params {
	return params{
		1: c.hash(),
		2: object{"id": rpID, "name": "Conformance"},
		3: object{"id": []byte{1, 2, 3, 4}, "name": "user", "displayName": "User"},
		4: []any{publicKey(cose.ES256)},
	}
}

// passkey returns the parameters of a makeCredential for the n-th account's
// discoverable credential. A key that recognises its user makes none without.
func (c *C) passkey(n int) params {
	options := object{"rk": true}
	if c.uv {
		options["uv"] = true
	}
	return c.mc().with(3, object{"id": []byte{byte(n), 0xaa}, "name": "user" + string(rune('a'+n%26)), "displayName": "User"}).
		with(7, options)
}

// ga returns the parameters of a getAssertion, for the listed credentials if
// there are any.
func (c *C) ga(credentials ...*credential) params {
	p := params{1: rpID, 2: c.hash()}
	if len(credentials) > 0 {
		var list []any
		for _, k := range credentials {
			list = append(list, descriptor(k.id))
		}
		p[3] = list
	}
	return p
}

// A credential is one that the case has made.
type credential struct {
	id   []byte
	resp *ctap2.MakeCredentialResponse
}

// make makes a credential.
func (m *messages) make(p params) *credential {
	m.c.Helper()
	b := m.ok(ctap2.CommandMakeCredential, p)
	r, err := ctap2.ParseMakeCredentialResponse(b)
	if err != nil {
		m.c.Fatal(err)
	}
	m.c.canonical("makeCredential, in authData,", r.AuthData.Deviations)
	if r.AuthData.AttestedCredentialData == nil {
		m.c.Fatal("a new credential comes without attested credential data")
	}
	return &credential{r.AuthData.AttestedCredentialData.CredentialID, r}
}

// get gets an assertion and verifies it with the credential, if one is given.
func (m *messages) get(p params, by *credential) *ctap2.GetAssertionResponse {
	m.c.Helper()
	return m.assertion(m.ok(ctap2.CommandGetAssertion, p), by)
}

func (m *messages) assertion(b []byte, by *credential) *ctap2.GetAssertionResponse {
	m.c.Helper()
	r, err := ctap2.ParseGetAssertionResponse(b)
	if err != nil {
		m.c.Fatal(err)
	}
	if r.AuthData.RPIDHash != sha256.Sum256([]byte(rpID)) {
		m.c.Errorf("the rpIdHash is %x", r.AuthData.RPIDHash)
	}
	if r.AuthData.Flags&ctap2.FlagAT != 0 {
		m.c.Error("the flag AT is set in an assertion")
	}
	m.c.canonical("getAssertion, in authData,", r.AuthData.Deviations)
	if by != nil {
		m.signed(r, by)
	}
	return r
}

// signed demands that the credential has signed the assertion.
func (m *messages) signed(r *ctap2.GetAssertionResponse, by *credential) {
	m.c.Helper()
	signed := slices.Concat(r.AuthData.Raw, m.c.hash())
	if err := by.resp.AuthData.AttestedCredentialData.PublicKey.Verify(signed, r.Signature); err != nil {
		m.c.Errorf("the assertion's signature: %v", err)
	}
}

// several gets the first of several assertions. A key with a display lets the
// user choose one instead.
func (m *messages) several(p params, by *credential) *ctap2.GetAssertionResponse {
	m.c.Helper()
	r := m.get(p, nil)
	if r.UserSelected {
		m.c.NotApplicable("the user chooses the account on the key")
	}
	if by != nil {
		m.signed(r, by)
	}
	return r
}

// flags demands that of the flags UP and UV exactly these are set.
func (m *messages) flags(a ctap2.AuthenticatorData, want ctap2.Flags) {
	m.c.Helper()
	if got := a.Flags & (ctap2.FlagUP | ctap2.FlagUV); got != want {
		m.c.Errorf("the flags are %q instead of %q", got, want)
	}
}

// needRK ends the case if the key makes no passkey without more ado.
func (m *messages) needRK() {
	m.c.Helper()
	m.needOption(ctap2.OptionRK)
}
