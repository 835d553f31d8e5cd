package cose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"io"
)

// Verify checks sig over message with the key and its algorithm, in the form that WebAuthn Level 3 section 6.5.5 gives
// signatures: DER for ECDSA, 64 bytes for Ed25519, the size of the modulus for RSA. The message is hashed here.
//
// It returns nil, [ErrSignature], an [*UnsupportedAlgorithmError] if the algorithm is not implemented, or the
// [*KeyError] of [Key.PublicKey].
func (k *Key) Verify(message, sig []byte) error {
	info := k.Alg.info()
	if info == nil || info.scheme == noSignature {
		return &UnsupportedAlgorithmError{k.Alg}
	}
	public, err := k.PublicKey()
	if err != nil {
		return err
	}
	ok := false
	digest := info.digest(message)
	// PublicKey has checked that the key's type is the algorithm's, so the assertions hold.
	switch info.scheme {
	case ecdsaDER:
		ok = ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), digest, sig)
	case pureEdDSA:
		ok = ed25519.Verify(public.(ed25519.PublicKey), digest, sig)
	case rsaPKCS1:
		ok = rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), info.hash, digest, sig) == nil
	case rsaPSS:
		ok = rsa.VerifyPSS(public.(*rsa.PublicKey), info.hash, digest, sig, info.options().(*rsa.PSSOptions)) == nil
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

// Sign signs message, in the form that [Key.Verify] takes, with a key whose public half [New] accepts for alg. It is
// what an authenticator does for assertions and attestation statements (CTAP 2.3 sections 6.1.2 and 6.2.2).
//
// ECDSA signatures are deterministic (RFC 6979), and so are Ed25519 and PKCS #1 v1.5; the salt of PS256 comes from
// crypto/rand. It returns an [*UnsupportedAlgorithmError], a [*KeyError], or the signer's error.
func Sign(signer crypto.Signer, alg Algorithm, message []byte) ([]byte, error) {
	info := alg.info()
	if info == nil || info.scheme == noSignature {
		return nil, &UnsupportedAlgorithmError{alg}
	}
	if _, err := New(signer.Public(), alg); err != nil {
		return nil, err
	}
	// A nil reader asks an ECDSA key for the deterministic form.
	var random io.Reader
	if info.scheme == rsaPSS {
		random = rand.Reader
	}
	return signer.Sign(random, info.digest(message), info.options())
}

// digest returns what the signature primitive takes: the hash of the message, or the message.
func (i *algorithmInfo) digest(message []byte) []byte {
	if i.hash == 0 {
		return message
	}
	h := i.hash.New()
	h.Write(message)
	return h.Sum(nil)
}

// options returns the primitive's parameters. RFC 8230 section 2 fixes the salt of PSS to the size of the hash.
func (i *algorithmInfo) options() crypto.SignerOpts {
	if i.scheme == rsaPSS {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: i.hash}
	}
	return i.hash
}
