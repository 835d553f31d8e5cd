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
	input  object // the extensions of a getAssertion
}

// salts encrypts n salts for the key.
func (m *messages) salts(p pinuv.Protocol, n int) *salts {
	m.c.Helper()
	s := m.agree(p)
	enc := m.encrypt(s, bytes.Repeat(m.c.hash(), n))
	return &salts{m, s, n, object{ctap2.ExtensionHMACSecret: params{1: s.platform, 2: enc, 3: s.Authenticate(enc), 4: p}}}
}

// outputs returns the outputs that an assertion has for the salts.
func (s *salts) outputs(r *ctap2.GetAssertionResponse) []byte {
	s.m.c.Helper()
	var enc []byte
	if ok, err := r.AuthData.Extensions.Get(ctap2.ExtensionHMACSecret, &enc); !ok || err != nil {
		s.m.c.Fatalf("the assertion has no output of hmac-secret: %v", err)
	}
	plain, err := s.secret.Decrypt(enc)
	if err != nil || len(plain) != 32*s.n {
		s.m.c.Fatalf("the output of hmac-secret for %d salts has %d bytes: %v", s.n, len(plain), err)
	}
	if s.n == 2 && !bytes.Equal(plain[:32], plain[32:]) {
		s.m.c.Error("the same salt twice gives two outputs")
	}
	return plain
}
