package pinuv

// For the known-answer tests: the raw shared secret, one made of given bytes, and the key derivation alone.

func RawSecret(s *SharedSecret) []byte {
	if s.protocol == One {
		return s.aesKey[:]
	}
	return append(s.hmacKey[:], s.aesKey[:]...)
}

func NewSharedSecret(p Protocol, key []byte) *SharedSecret {
	return &SharedSecret{p, [32]byte(key), [32]byte(key[len(key)-32:])}
}

func (p Protocol) Derive(z []byte) (*SharedSecret, error) { return p.derive(z) }
