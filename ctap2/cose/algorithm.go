package cose

import (
	"crypto"
	"crypto/elliptic"
	_ "crypto/sha256" // SHA-256, for the table below
	_ "crypto/sha512" // SHA-384 and SHA-512
	"strconv"
)

// Algorithm is an entry of the IANA registry "COSE Algorithms": member 3 of a COSE key, member "alg" of a public key
// credential parameter (CTAP 2.3 section 6.1) and of a packed attestation statement. Zero, which the registry reserves,
// stands for a key that names no algorithm.
type Algorithm int64

// The algorithms that CTAP 2.3 and WebAuthn Level 3 name. The fully specified ones (ESP…, Ed25519, Ed448) come from
// RFC 9864; WebAuthn advises relying parties not to ask for them alone.
const (
	ES256         Algorithm = -7     // ECDSA with SHA-256; in WebAuthn on P-256 only
	EdDSA         Algorithm = -8     // EdDSA; in WebAuthn on Ed25519 only
	ESP256        Algorithm = -9     // ECDSA with SHA-256 on P-256
	Ed25519       Algorithm = -19    // EdDSA on Ed25519
	ECDHESHKDF256 Algorithm = -25    // ECDH-ES + HKDF-256: marks the keys of PIN/UV auth protocols, which derive otherwise
	ES384         Algorithm = -35    // ECDSA with SHA-384; in WebAuthn on P-384 only
	ES512         Algorithm = -36    // ECDSA with SHA-512; in WebAuthn on P-521 only
	PS256         Algorithm = -37    // RSASSA-PSS with SHA-256
	ES256K        Algorithm = -47    // ECDSA with SHA-256 on secp256k1; carried, not verified
	MLDSA44       Algorithm = -48    // ML-DSA-44; carried, not verified
	MLDSA65       Algorithm = -49    // ML-DSA-65; carried, not verified
	MLDSA87       Algorithm = -50    // ML-DSA-87; carried, not verified
	ESP384        Algorithm = -51    // ECDSA with SHA-384 on P-384
	ESP512        Algorithm = -52    // ECDSA with SHA-512 on P-521
	Ed448         Algorithm = -53    // EdDSA on Ed448; carried, not verified
	RS256         Algorithm = -257   // RSASSA-PKCS1-v1_5 with SHA-256
	RS1           Algorithm = -65535 // RSASSA-PKCS1-v1_5 with SHA-1; carried, not verified: SHA-1 is broken
)

// KeyType is member 1 of a COSE key, kty (RFC 9053 section 7).
type KeyType int64

// The key types of CTAP2 and WebAuthn.
const (
	OKP KeyType = 1 // octet key pair: Ed25519, Ed448
	EC2 KeyType = 2 // elliptic curve with x and y
	RSA KeyType = 3 // RSA (RFC 8230)
	AKP KeyType = 7 // algorithm key pair: ML-DSA
)

// Curve is member -1 of an EC2 or OKP key, crv (RFC 9053 section 7.1).
type Curve int64

// The curves of CTAP2 and WebAuthn. Constants of curves carry the prefix Curve because Ed25519 and Ed448 name
// algorithms too.
const (
	CurveP256      Curve = 1
	CurveP384      Curve = 2
	CurveP521      Curve = 3
	CurveX25519    Curve = 4
	CurveEd25519   Curve = 6
	CurveEd448     Curve = 7
	CurveSecp256k1 Curve = 8
)

// scheme is how an algorithm turns a message into what the signature primitive takes.
type scheme uint8

const (
	noSignature scheme = iota // not a signature algorithm, or one that the standard library does not have
	ecdsaDER
	pureEdDSA
	rsaPKCS1
	rsaPSS
)

// algorithmInfo says what a key for an algorithm must look like and how it signs.
type algorithmInfo struct {
	alg    Algorithm
	name   string
	kty    KeyType
	crv    Curve // zero: the key type has none
	scheme scheme
	hash   crypto.Hash // zero: the message is signed as it is
}

var algorithms = [...]algorithmInfo{
	{ES256, "ES256", EC2, CurveP256, ecdsaDER, crypto.SHA256},
	{EdDSA, "EdDSA", OKP, CurveEd25519, pureEdDSA, 0},
	{ESP256, "ESP256", EC2, CurveP256, ecdsaDER, crypto.SHA256},
	{Ed25519, "Ed25519", OKP, CurveEd25519, pureEdDSA, 0},
	{ECDHESHKDF256, "ECDH-ES+HKDF-256", EC2, CurveP256, noSignature, 0},
	{ES384, "ES384", EC2, CurveP384, ecdsaDER, crypto.SHA384},
	{ES512, "ES512", EC2, CurveP521, ecdsaDER, crypto.SHA512},
	{PS256, "PS256", RSA, 0, rsaPSS, crypto.SHA256},
	{ES256K, "ES256K", EC2, CurveSecp256k1, noSignature, crypto.SHA256},
	{MLDSA44, "ML-DSA-44", AKP, 0, noSignature, 0},
	{MLDSA65, "ML-DSA-65", AKP, 0, noSignature, 0},
	{MLDSA87, "ML-DSA-87", AKP, 0, noSignature, 0},
	{ESP384, "ESP384", EC2, CurveP384, ecdsaDER, crypto.SHA384},
	{ESP512, "ESP512", EC2, CurveP521, ecdsaDER, crypto.SHA512},
	{Ed448, "Ed448", OKP, CurveEd448, noSignature, 0},
	{RS256, "RS256", RSA, 0, rsaPKCS1, crypto.SHA256},
	{RS1, "RS1", RSA, 0, noSignature, 0},
}

// info returns the table's entry, or nil for an algorithm that is not in it.
func (a Algorithm) info() *algorithmInfo {
	for i := range algorithms {
		if algorithms[i].alg == a {
			return &algorithms[i]
		}
	}
	return nil
}

// String returns the registered name ("ES256"), or "COSE algorithm -12345" for one that is not known here.
func (a Algorithm) String() string {
	if i := a.info(); i != nil {
		return i.name
	}
	return "COSE algorithm " + strconv.FormatInt(int64(a), 10)
}

// CanVerify reports whether [Key.Verify] and [Sign] implement the algorithm. The standard library has no secp256k1,
// no Ed448 and no ML-DSA, and RS1 is refused because it signs SHA-1 digests.
func (a Algorithm) CanVerify() bool {
	i := a.info()
	return i != nil && i.scheme != noSignature
}

// String returns the registered name ("EC2"), or "COSE key type 12" for one that is not known here.
func (t KeyType) String() string {
	switch t {
	case OKP:
		return "OKP"
	case EC2:
		return "EC2"
	case RSA:
		return "RSA"
	case AKP:
		return "AKP"
	}
	return "COSE key type " + strconv.FormatInt(int64(t), 10)
}

// curveInfo says what a key on a curve must look like.
type curveInfo struct {
	crv      Curve
	name     string
	kty      KeyType
	size     int                   // of a coordinate, or of the one value of an OKP key, in bytes
	elliptic func() elliptic.Curve // nil: not an ECDSA curve of the standard library
}

var curves = [...]curveInfo{
	{CurveP256, "P-256", EC2, 32, elliptic.P256},
	{CurveP384, "P-384", EC2, 48, elliptic.P384},
	{CurveP521, "P-521", EC2, 66, elliptic.P521},
	{CurveX25519, "X25519", OKP, 32, nil},
	{CurveEd25519, "Ed25519", OKP, 32, nil},
	{CurveEd448, "Ed448", OKP, 57, nil},
	{CurveSecp256k1, "secp256k1", EC2, 32, nil},
}

// info returns the table's entry, or nil for a curve that is not in it.
func (c Curve) info() *curveInfo {
	for i := range curves {
		if curves[i].crv == c {
			return &curves[i]
		}
	}
	return nil
}

// String returns the registered name ("P-256"), or "COSE curve 12" for one that is not known here.
func (c Curve) String() string {
	if i := c.info(); i != nil {
		return i.name
	}
	return "COSE curve " + strconv.FormatInt(int64(c), 10)
}
