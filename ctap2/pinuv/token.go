package pinuv

import (
	"crypto/hmac"
	"crypto/subtle"
)

// Token is a pinUvAuthToken, or a persistentPinUvAuthToken: the secret with which a platform authenticates commands
// after the user has entered a PIN or passed the key's own verification (CTAP 2.3 section 6.5.2). What it permits,
// and for how long, is state of the authenticator and not of the token.
//
// A Token may be used by several goroutines, except for Wipe. Use it through the pointer only: a copy of the struct
// escapes Wipe.
type Token struct {
	protocol Protocol
	size     int
	secret   [32]byte
}

// NewToken makes a token of the bytes that an authenticator drew at random or a platform has decrypted: 16 or 32 for
// protocol one, 32 for protocol two, otherwise it returns a [*SizeError]. The bytes are copied; the caller wipes its own.
func NewToken(p Protocol, secret []byte) (*Token, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if p == Two && len(secret) != 32 {
		return nil, &SizeError{"new token", len(secret), "32"}
	}
	if len(secret) != 16 && len(secret) != 32 {
		return nil, &SizeError{"new token", len(secret), "16 or 32"}
	}
	t := &Token{protocol: p, size: len(secret)}
	copy(t.secret[:], secret)
	return t, nil
}

// Protocol returns the protocol that the token belongs to.
func (t *Token) Protocol() Protocol { return t.protocol }

// Authenticate returns the pinUvAuthParam over message: 16 bytes in protocol one, 32 in protocol two. CTAP 2.3 says
// for each command what the message is; for makeCredential and getAssertion it is the clientDataHash.
func (t *Token) Authenticate(message []byte) []byte {
	return t.protocol.mac(t.secret[:t.size], message)
}

// Verify reports whether param is the pinUvAuthParam over message. It compares in constant time and takes no other
// length than the protocol's. Whether the token is in use is for the authenticator to check.
func (t *Token) Verify(message, param []byte) bool {
	return hmac.Equal(t.Authenticate(message), param)
}

// Equal reports, in constant time, whether both tokens have the same protocol and the same bytes.
func (t *Token) Equal(u *Token) bool {
	return t.protocol == u.protocol && t.size == u.size && subtle.ConstantTimeCompare(t.secret[:], u.secret[:]) == 1
}

// ExposeSecret returns a copy of the token's bytes. It is for an authenticator, which encrypts a token before it hands
// it out and stores a persistent one, and for a platform that stores a persistent one; nothing else needs it. The
// caller wipes the copy.
func (t *Token) ExposeSecret() []byte {
	b := make([]byte, t.size)
	copy(b, t.secret[:])
	return b
}

// Wipe overwrites the token with zeros. It must not be used afterwards.
func (t *Token) Wipe() { clear(t.secret[:]) }
