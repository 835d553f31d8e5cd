package virtual

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"io"

	"github.com/gofido/fido/ctap2/cose"
)

// algorithm is how a key makes, keeps and uses private keys.
type algorithm struct {
	generate func(random io.Reader) ([]byte, error) // the private key as it is kept
	parse    func(private []byte) (crypto.Signer, error)
	digest   func(message []byte) []byte
	hash     crypto.Hash
	slow     bool // generate takes so long that the host must hear of it
}

var algorithms = map[cose.Algorithm]*algorithm{
	cose.ES256: {
		generate: func(r io.Reader) ([]byte, error) { return generateScalar(r, elliptic.P256()) },
		parse:    func(b []byte) (crypto.Signer, error) { return ecdsa.ParseRawPrivateKey(elliptic.P256(), b) },
		digest:   func(m []byte) []byte { d := sha256.Sum256(m); return d[:] },
		hash:     crypto.SHA256,
	},
	cose.ES384: {
		generate: func(r io.Reader) ([]byte, error) { return generateScalar(r, elliptic.P384()) },
		parse:    func(b []byte) (crypto.Signer, error) { return ecdsa.ParseRawPrivateKey(elliptic.P384(), b) },
		digest:   func(m []byte) []byte { d := sha512.Sum384(m); return d[:] },
		hash:     crypto.SHA384,
	},
	cose.EdDSA: {
		generate: func(r io.Reader) ([]byte, error) { return readRandom(r, ed25519.SeedSize) },
		parse:    parseEd25519,
		digest:   func(m []byte) []byte { return m },
	},
	cose.RS256: {
		generate: func(io.Reader) ([]byte, error) { return generateRSA() },
		parse:    parseRSA,
		digest:   func(m []byte) []byte { d := sha256.Sum256(m); return d[:] },
		hash:     crypto.SHA256,
		slow:     true,
	},
}

func readRandom(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// generateScalar draws until the number is a private key of the curve, which
// the first one all but surely is. The standard library's own generation does
// not take a reader.
func generateScalar(r io.Reader, curve elliptic.Curve) ([]byte, error) {
	for range 16 {
		b, err := readRandom(r, (curve.Params().BitSize+7)/8)
		if err != nil {
			return nil, err
		}
		if _, err := ecdsa.ParseRawPrivateKey(curve, b); err == nil {
			return b, nil
		}
	}
	return nil, errors.New("virtual: the source of random bytes gives no usable private key")
}

func parseEd25519(b []byte) (crypto.Signer, error) {
	if len(b) != ed25519.SeedSize {
		return nil, errors.New("private key of the wrong size")
	}
	return ed25519.NewKeyFromSeed(b), nil
}

func generateRSA() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS1PrivateKey(key), nil
}

func parseRSA(b []byte) (crypto.Signer, error) { return x509.ParsePKCS1PrivateKey(b) }

// sign signs with the algorithm's form of signature; ECDSA is deterministic.
func (a *algorithm) sign(signer crypto.Signer, message []byte) ([]byte, error) {
	return signer.Sign(nil, a.digest(message), a.hash)
}
