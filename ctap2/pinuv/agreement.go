package pinuv

import (
	"crypto/ecdh"
	"errors"
	"io"

	"github.com/gofido/fido/ctap2/cose"
)

// KeyAgreement is an authenticator's key agreement key (CTAP 2.3 section 6.5.4, initialize and regenerate). An
// authenticator holds one per protocol, makes it at power-up and again after each wrong PIN.
type KeyAgreement struct {
	private *ecdh.PrivateKey
	public  *cose.Key
}

// GenerateKeyAgreement makes a new key from random, or crypto/rand if random is nil.
func GenerateKeyAgreement(random io.Reader) (*KeyAgreement, error) {
	private, err := generateKey(random)
	if err != nil {
		return nil, err
	}
	public, err := cose.New(private.PublicKey(), cose.ECDHESHKDF256)
	if err != nil {
		return nil, &KeyAgreementError{err}
	}
	return &KeyAgreement{private, public}, nil
}

// PublicKey returns the key as getKeyAgreement answers it. Callers must not modify it.
func (k *KeyAgreement) PublicKey() *cose.Key { return k.public }

// Decapsulate derives the shared secret from the platform's key agreement key, which must have exactly the members
// that CTAP 2.3 section 6.5.6 lists and be a point on P-256; otherwise it returns a [*KeyAgreementError], for which an
// authenticator answers CTAP1_ERR_INVALID_PARAMETER. The specification's name is decapsulate.
func (k *KeyAgreement) Decapsulate(p Protocol, peer *cose.Key) (*SharedSecret, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	public, err := peer.KeyAgreement()
	if err != nil {
		return nil, &KeyAgreementError{err}
	}
	return p.agree(k.private, public)
}

// Encapsulate makes a key pair of the platform's from random, or crypto/rand if random is nil, and derives the shared
// secret from it and the authenticator's key, the answer to getKeyAgreement. It returns the public key to send, and the
// secret, which the caller wipes. The authenticator's key must be a point on P-256, or the error is a
// [*KeyAgreementError]; other members of it are ignored. The specification's name is encapsulate (CTAP 2.3 sections
// 6.5.6 and 6.5.7).
func (p Protocol) Encapsulate(random io.Reader, peer *cose.Key) (*cose.Key, *SharedSecret, error) {
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	public, err := peer.ECDH()
	if err != nil {
		return nil, nil, &KeyAgreementError{err}
	}
	k, err := GenerateKeyAgreement(random)
	if err != nil {
		return nil, nil, err
	}
	s, err := p.agree(k.private, public)
	if err != nil {
		return nil, nil, err
	}
	return k.public, s, nil
}

// agree is the function ecdh of CTAP 2.3 section 6.5.6 and the key derivation after it.
func (p Protocol) agree(private *ecdh.PrivateKey, public *ecdh.PublicKey) (*SharedSecret, error) {
	// The result always has 32 bytes, leading zeros included: the protocol hashes Z in its fixed length.
	z, err := private.ECDH(public)
	if err != nil {
		return nil, &KeyAgreementError{err}
	}
	defer clear(z)
	return p.derive(z)
}

// maxDraws bounds how often generateKey draws. One draw in 2^32 is out of range, so that a second one already means
// that the reader is broken.
const maxDraws = 16

// generateKey draws a private key on P-256 by rejection. The key generation of the standard library ignores the
// reader it is given, and an exchange with given random bytes must be repeatable.
func generateKey(random io.Reader) (*ecdh.PrivateKey, error) {
	var scalar [32]byte
	defer clear(scalar[:])
	for range maxDraws {
		if err := fill(random, scalar[:]); err != nil {
			return nil, err
		}
		// The only errors left are zero and the order of the group or more.
		if private, err := ecdh.P256().NewPrivateKey(scalar[:]); err == nil {
			return private, nil
		}
	}
	return nil, errors.New("pinuv: key agreement: the source of random bytes gives no usable private key")
}
