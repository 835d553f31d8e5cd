package conformance

import (
	"bytes"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// salts are one or two salts for hmac-secret on their way to the key.
type salts struct {
	m      *messages
	secret secret
	n      int
	params params // the input of hmac-secret and of hmac-secret-mc
	input  object // the extensions of a getAssertion
}

// salts encrypts n salts for the key.
func (m *messages) salts(p pinuv.Protocol, n int) *salts {
	m.c.Helper()
	s := m.saltsOf(p, 32*n)
	s.n = n
	return s
}

// saltsOf encrypts so many bytes of salt for the key.
func (m *messages) saltsOf(p pinuv.Protocol, bytesOfSalt int) *salts {
	m.c.Helper()
	s := m.agree(p)
	enc := m.encrypt(s, bytes.Repeat(m.c.hash(), 4)[:bytesOfSalt])
	in := params{1: s.platform, 2: enc, 3: s.Authenticate(enc), 4: p}
	return &salts{m: m, secret: s, params: in, input: object{ctap2.ExtensionHMACSecret: in}}
}

// creation are the extensions of a makeCredential that asks for the outputs at
// once.
func (s *salts) creation() object {
	return object{ctap2.ExtensionHMACSecret: true, ctap2.ExtensionHMACSecretMC: s.params}
}

// outputs returns the outputs that an assertion has for the salts.
func (s *salts) outputs(r *ctap2.GetAssertionResponse) []byte {
	s.m.c.Helper()
	return s.decrypt(r.AuthData.Extensions, ctap2.ExtensionHMACSecret)
}

// decrypt returns the outputs that an extension has for the salts.
func (s *salts) decrypt(e ctap2.Extensions, id string) []byte {
	s.m.c.Helper()
	var enc []byte
	if ok, err := e.Get(id, &enc); !ok || err != nil {
		s.m.c.Fatalf("there is no output of %s: %v", id, err)
	}
	plain, err := s.secret.Decrypt(enc)
	if err != nil || len(plain) != 32*s.n {
		s.m.c.Fatalf("the output of %s for %d salts has %d bytes: %v", id, s.n, len(plain), err)
	}
	if s.n == 2 && !bytes.Equal(plain[:32], plain[32:]) {
		s.m.c.Error("the same salt twice gives two outputs")
	}
	return plain
}

// badSalts are inputs that a key refuses: what is wrong with them, what it
// answers, and what other keys answer.
var badSalts = []struct {
	what   string
	bad    func(m *messages, p pinuv.Protocol, good params) params
	accept []ctap2.Status
}{
	{"16 bytes of salt", func(m *messages, p pinuv.Protocol, _ params) params { return m.saltsOf(p, 16).params }, saltLength},
	{"48 bytes of salt", func(m *messages, p pinuv.Protocol, _ params) params { return m.saltsOf(p, 48).params }, saltLength},
	{"96 bytes of salt", func(m *messages, p pinuv.Protocol, _ params) params { return m.saltsOf(p, 96).params }, saltLength},
	{"a wrong saltAuth", func(_ *messages, _ pinuv.Protocol, good params) params {
		mac := bytes.Clone(good[3].([]byte))
		mac[0] ^= 1
		return good.with(3, mac)
	}, saltAuth},
	{"a saltAuth cut short", func(_ *messages, _ pinuv.Protocol, good params) params {
		return good.with(3, good[3].([]byte)[:8])
	}, saltAuth},
	{"salts that were changed", func(_ *messages, _ pinuv.Protocol, good params) params {
		enc := bytes.Clone(good[2].([]byte))
		enc[0] ^= 1
		return good.with(2, enc)
	}, saltAuth},
	{"no keyAgreement", func(_ *messages, _ pinuv.Protocol, good params) params { return good.with(1, nil) }, saltMissing},
	{"no saltEnc", func(_ *messages, _ pinuv.Protocol, good params) params { return good.with(2, nil) }, saltMissing},
	{"no saltAuth", func(_ *messages, _ pinuv.Protocol, good params) params { return good.with(3, nil) }, saltMissing},
}

var (
	saltLength  = []ctap2.Status{ctap2.StatusInvalidParameter, ctap2.StatusInvalidLength}
	saltAuth    = []ctap2.Status{ctap2.StatusPINAuthInvalid, extensionFirst}
	saltMissing = []ctap2.Status{ctap2.StatusMissingParameter, ctap2.StatusCBORUnexpectedType, ctap2.StatusInvalidCBOR}
)

// extensionFirst is the first status of the range for extensions, which CTAP 2.0
// gave to hmac-secret.
const extensionFirst ctap2.Status = 0xe0
