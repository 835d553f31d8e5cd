package pinuv

import (
	"crypto/hkdf"
	"crypto/sha256"
	"strconv"
)

// Protocol is a PIN/UV auth protocol: the member pinUvAuthProtocol of a request and an element of getInfo's
// pinUvAuthProtocols (CTAP 2.3 section 6.5.4).
type Protocol uint

// The protocols of CTAP 2.3 sections 6.5.6 and 6.5.7. Others come back as a [*ProtocolError].
const (
	One Protocol = 1
	Two Protocol = 2
)

// String returns "PIN/UV auth protocol one", or the number for one that is not known.
func (p Protocol) String() string {
	switch p {
	case One:
		return "PIN/UV auth protocol one"
	case Two:
		return "PIN/UV auth protocol two"
	}
	return "PIN/UV auth protocol " + strconv.FormatUint(uint64(p), 10)
}

// check returns a *ProtocolError if p is not implemented.
func (p Protocol) check() error {
	if p != One && p != Two {
		return &ProtocolError{p}
	}
	return nil
}

// overhead is how many bytes longer a ciphertext is than its plaintext: the initialisation vector of protocol two.
func (p Protocol) overhead() int {
	if p == Two {
		return blockSize
	}
	return 0
}

// The info strings of the key derivation in protocol two (CTAP 2.3 section 6.5.7).
const (
	hmacKeyInfo = "CTAP2 HMAC key"
	aesKeyInfo  = "CTAP2 AES key"
)

// derive turns Z, the x coordinate of the shared point, into a shared secret: the function kdf of CTAP 2.3 sections
// 6.5.6 and 6.5.7.
func (p Protocol) derive(z []byte) (*SharedSecret, error) {
	s := &SharedSecret{protocol: p}
	if p == One {
		s.hmacKey = sha256.Sum256(z)
		s.aesKey = s.hmacKey
		return s, nil
	}
	var salt [32]byte
	pseudorandom, err := hkdf.Extract(sha256.New, z, salt[:])
	if err != nil {
		return nil, err
	}
	defer clear(pseudorandom)
	for _, k := range []struct {
		info string
		dst  *[32]byte
	}{{hmacKeyInfo, &s.hmacKey}, {aesKeyInfo, &s.aesKey}} {
		key, err := hkdf.Expand(sha256.New, pseudorandom, k.info, len(k.dst))
		if err != nil {
			s.Wipe()
			return nil, err
		}
		copy(k.dst[:], key)
		clear(key)
	}
	return s, nil
}
