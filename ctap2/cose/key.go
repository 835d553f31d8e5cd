package cose

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"math/big"
)

// Key is a COSE key (RFC 9052 section 7): the credentialPublicKey of authenticator data and the keyAgreement member of
// clientPIN and hmac-secret. A Key must not be modified once others use it.
type Key struct {
	Kty KeyType   // member 1
	Alg Algorithm // member 3; zero if absent

	Crv Curve  // member -1 of EC2 and OKP keys
	X   []byte // member -2 of EC2 keys, a coordinate of fixed size, leading zeros included; of OKP keys the whole public key
	Y   []byte // member -3 of EC2 keys, as X; always there, compressed points are refused

	N []byte // member -1 of RSA keys: the modulus, big-endian
	E []byte // member -2 of RSA keys: the public exponent, big-endian

	// Raw is the encoded key as Parse read it, with the members that this package does not know. If it is set,
	// Append writes it and ignores the fields.
	Raw []byte

	extra bool // Parse met members beside the five of an EC2 key
}

// The bounds of RSA keys. CTAP has none; these are what the standard library and every relying party can work with.
const (
	MinRSABits = 1024
	MaxRSABits = 8192
)

// New returns the COSE key for a public key of the standard library and the algorithm it is to be used with. An
// [*ecdsa.PublicKey] on P-256, P-384 or P-521, an [ed25519.PublicKey] and an [*rsa.PublicKey] go with the signature
// algorithms; an [*ecdh.PublicKey] on P-256 goes with [ECDHESHKDF256]. Any other pair is a [*KeyError], and an
// algorithm not known here an [*UnsupportedAlgorithmError].
func New(pub crypto.PublicKey, alg Algorithm) (*Key, error) {
	if alg.info() == nil {
		return nil, &UnsupportedAlgorithmError{alg}
	}
	k := &Key{Alg: alg}
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		if err != nil {
			return nil, &KeyError{Reason: "not a point on its curve", Err: err}
		}
		k.Kty = EC2
		for _, c := range curves {
			if c.elliptic != nil && c.elliptic() == pub.Curve {
				k.Crv = c.crv
			}
		}
		k.setPoint(point)
	case *ecdh.PublicKey:
		if pub.Curve() != ecdh.P256() || alg != ECDHESHKDF256 {
			return nil, &KeyError{Reason: fmt.Sprintf("an ECDH key on %v does not go with %v", pub.Curve(), alg)}
		}
		k.Kty, k.Crv = EC2, CurveP256
		k.setPoint(pub.Bytes())
	case ed25519.PublicKey:
		k.Kty, k.Crv, k.X = OKP, CurveEd25519, append([]byte(nil), pub...)
	case *rsa.PublicKey:
		k.Kty, k.N, k.E = RSA, pub.N.Bytes(), big.NewInt(int64(pub.E)).Bytes()
	default:
		return nil, &KeyError{Reason: fmt.Sprintf("a %T can't be a COSE key", pub)}
	}
	if _, err := k.PublicKey(); err != nil {
		return nil, err
	}
	return k, nil
}

// setPoint takes X and Y from an uncompressed point: 04, X, Y.
func (k *Key) setPoint(point []byte) {
	size := len(point) / 2
	k.X, k.Y = point[1:1+size:1+size], point[1+size:]
}

// point returns the uncompressed point after checking the sizes of its coordinates.
func (k *Key) point(size int) ([]byte, error) {
	if err := checkSize(-2, k.X, size); err != nil {
		return nil, err
	}
	if err := checkSize(-3, k.Y, size); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 1+2*size)
	return append(append(append(b, 4), k.X...), k.Y...), nil
}

func checkSize(label int64, b []byte, size int) error {
	if len(b) != size {
		return &KeyError{Label: label, Reason: fmt.Sprintf("%d bytes, want %d", len(b), size)}
	}
	return nil
}

// PublicKey returns the key as the standard library knows it: an [*ecdsa.PublicKey] for EC2, an [ed25519.PublicKey] for
// OKP, or an [*rsa.PublicKey]. It returns a [*KeyError] if a value has the wrong size, a point is not on its curve, an
// RSA number is out of bounds, the type or curve is not the algorithm's, or the standard library has no such keys.
func (k *Key) PublicKey() (crypto.PublicKey, error) {
	if k == nil {
		return nil, &KeyError{Reason: "no key"}
	}
	if info := k.Alg.info(); info != nil && (info.kty != k.Kty || info.crv != k.Crv) {
		s := k.Kty.String()
		if k.Crv != 0 {
			s += " on " + k.Crv.String()
		}
		return nil, &KeyError{Reason: fmt.Sprintf("%s does not go with %v", s, k.Alg)}
	}
	curve := k.Crv.info()
	switch {
	case k.Kty == EC2 && curve != nil && curve.elliptic != nil:
		point, err := k.point(curve.size)
		if err != nil {
			return nil, err
		}
		pub, err := ecdsa.ParseUncompressedPublicKey(curve.elliptic(), point)
		if err != nil {
			return nil, &KeyError{Reason: "not a point on " + curve.name, Err: err}
		}
		return pub, nil
	case k.Kty == OKP && k.Crv == CurveEd25519:
		if err := checkSize(-2, k.X, curve.size); err != nil {
			return nil, err
		}
		return ed25519.PublicKey(append([]byte(nil), k.X...)), nil
	case k.Kty == RSA:
		return k.rsa()
	case k.Kty == EC2 || k.Kty == OKP:
		return nil, &KeyError{Label: -1, Reason: fmt.Sprintf("%v on %v is not supported", k.Kty, k.Crv)}
	}
	return nil, &KeyError{Label: 1, Reason: k.Kty.String() + " is not supported"}
}

// rsa checks both numbers. RFC 8230 section 4 asks for them without leading zeros.
func (k *Key) rsa() (*rsa.PublicKey, error) {
	if len(k.N) > MaxRSABits/8 || len(k.N) == 0 || k.N[0] == 0 {
		return nil, &KeyError{Label: -1, Reason: fmt.Sprintf("modulus of %d bytes, empty, too long or with a leading zero", len(k.N))}
	}
	n := new(big.Int).SetBytes(k.N)
	if n.BitLen() < MinRSABits || n.Bit(0) == 0 {
		return nil, &KeyError{Label: -1, Reason: fmt.Sprintf("modulus of %d bits, even or under %d bits", n.BitLen(), MinRSABits)}
	}
	// An exponent beyond 31 bits is refused by crypto/rsa too, and keeps the cost of a check bounded.
	if len(k.E) > 4 || len(k.E) == 0 || k.E[0] == 0 {
		return nil, &KeyError{Label: -2, Reason: fmt.Sprintf("exponent of %d bytes, empty, too long or with a leading zero", len(k.E))}
	}
	e := new(big.Int).SetBytes(k.E).Int64()
	if e < 3 || e > 1<<31-1 || e&1 == 0 {
		return nil, &KeyError{Label: -2, Reason: fmt.Sprintf("exponent %d, even or out of range", e)}
	}
	return &rsa.PublicKey{N: n, E: int(e)}, nil
}

// ECDH returns the key for a key agreement on P-256. It checks the type, the curve, the sizes and that the point is on
// the curve, which is what safety asks for, and leaves alg and further members alone: a platform uses it for the keys
// that authenticators send. Errors are [*KeyError].
func (k *Key) ECDH() (*ecdh.PublicKey, error) {
	if k == nil {
		return nil, &KeyError{Reason: "no key"}
	}
	if k.Kty != EC2 {
		return nil, &KeyError{Label: 1, Reason: k.Kty.String() + " instead of EC2"}
	}
	if k.Crv != CurveP256 {
		return nil, &KeyError{Label: -1, Reason: k.Crv.String() + " instead of P-256"}
	}
	point, err := k.point(32)
	if err != nil {
		return nil, err
	}
	pub, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, &KeyError{Reason: "not a point on P-256", Err: err}
	}
	return pub, nil
}

// KeyAgreement is [Key.ECDH] with the checks that CTAP 2.3 section 6.5.6 asks of an authenticator: the key must have
// exactly the members 1, 3, -1, -2 and -3, and alg must be [ECDHESHKDF256]. Errors are [*KeyError].
func (k *Key) KeyAgreement() (*ecdh.PublicKey, error) {
	pub, err := k.ECDH()
	if err != nil {
		return nil, err
	}
	if k.Alg != ECDHESHKDF256 {
		return nil, &KeyError{Label: 3, Reason: fmt.Sprintf("%v instead of %v", k.Alg, ECDHESHKDF256)}
	}
	if k.extra {
		return nil, &KeyError{Reason: "members other than 1, 3, -1, -2 and -3"}
	}
	return pub, nil
}
