package virtual

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
)

// An Attestation makes the attestation statement of a new credential: its
// format and the statement, which is encoded as CBOR. If it fails, so does
// makeCredential, with CTAP1_ERR_OTHER.
type Attestation func(AttestationInput) (format string, statement any, err error)

// AttestationInput is what an attestation statement is about.
type AttestationInput struct {
	AuthData       []byte // authenticator data with the new credential
	ClientDataHash []byte // 32 bytes
	Algorithm      cose.Algorithm
	Key            crypto.Signer // the new credential's private key
}

// AttestNone attests nothing: the format is none.
func AttestNone(AttestationInput) (string, any, error) { return "none", struct{}{}, nil }

// AttestSelf signs with the new credential's own key: the format is packed,
// without certificates.
func AttestSelf(in AttestationInput) (string, any, error) {
	return in.packed(in.Key, in.Algorithm, nil)
}

// AttestPacked signs with a key of the maker's: the format is packed, with the
// certificates, in DER, of the key and its issuers.
func AttestPacked(key crypto.Signer, alg cose.Algorithm, x5c ...[]byte) Attestation {
	return func(in AttestationInput) (string, any, error) { return in.packed(key, alg, x5c) }
}

func (in *AttestationInput) packed(key crypto.Signer, alg cose.Algorithm, x5c [][]byte) (string, any, error) {
	s, err := attestation.SignPacked(key, alg, x5c, in.AuthData, in.ClientDataHash)
	return attestation.FormatPacked, s, err
}

// attest is step 19 of makeCredential. A host that prefers no attestation, and
// nothing else, gets none; otherwise the key uses the one that it has.
func (k *Key) attest(c *creation, authData []byte, signer crypto.Signer) error {
	in := AttestationInput{authData, c.request.ClientDataHash, c.algorithm, signer}
	attest := k.config.Attestation
	if c.enterprise {
		attest = k.config.Enterprise.Attestation
	}
	switch {
	case k.profile.info23 && slices.Equal(c.request.AttestationFormatsPreference, []string{"none"}):
		attest, c.enterprise = AttestNone, false
	case attest == nil:
		b, err := k.builtInAttestation(c.enterprise)
		if err != nil {
			return err
		}
		attest = AttestPacked(b.key, cose.ES256, b.certificate)
	}
	format, statement, err := attest(in)
	if err != nil {
		return err
	}
	if p, ok := statement.(*attestation.PackedStatement); ok && k.faults.BadSignature {
		spoil(p.Sig)
	}
	c.response.Fmt = format
	c.response.EpAtt = c.enterprise
	c.response.AttStmt, err = cbor.Marshal(statement)
	return err
}

// spoil makes a signature wrong and leaves its form right.
func spoil(sig []byte) {
	if len(sig) > 0 {
		sig[len(sig)-1] ^= 1
	}
}

// builtIn is the attestation of keys that are not given another.
type builtIn struct {
	key         *ecdsa.PrivateKey
	certificate []byte
}

func (k *Key) builtInAttestation(enterprise bool) (b *builtIn, err error) {
	made := &k.made.attestation
	if enterprise {
		made = &k.made.enterprise
	}
	if *made != nil {
		return *made, nil
	}
	if enterprise {
		b, err = issueEnterprise(k.config.AAGUID, k.config.Enterprise.SerialNumber)
	} else {
		b, err = issue(k.config.AAGUID, leafKeyName, 2)
	}
	if err != nil {
		return nil, err
	}
	*made = b
	return b, nil
}

// The keys of the built-in attestation are known to everybody, as they must be
// for tests that repeat: they attest that a key is a test double.
const (
	rootKeyName       = "gofido virtual key: attestation root"
	leafKeyName       = "gofido virtual key: attestation"
	enterpriseKeyName = "gofido virtual key: enterprise attestation"
)

func publicKnownKey(name string) (*ecdsa.PrivateKey, error) {
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), digest([]byte(name)))
}

func digest(b []byte) []byte {
	d := sha256.Sum256(b)
	return d[:]
}

var (
	oidAAGUID       = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}
	oidSerialNumber = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 2}

	notBefore = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2124, 1, 1, 0, 0, 0, 0, time.UTC)
)

func rootTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Virtual Key Attestation Root", Organization: []string{"gofido"}, Country: []string{"AA"}},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		BasicConstraintsValid: true,
		IsCA:                  true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
}

// AttestationRoot returns the certificate that has issued the attestation
// certificates of keys whose Config names no Attestation. Its private key is no
// secret.
func AttestationRoot() (*x509.Certificate, error) {
	key, err := publicKnownKey(rootKeyName)
	if err != nil {
		return nil, err
	}
	template := rootTemplate()
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), deterministic{key})
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// issueEnterprise makes the certificate of enterprise attestations, which tells
// keys of an AAGUID apart (WebAuthn L3 section 8.2.2).
func issueEnterprise(aaguid ctap2.AAGUID, serial []byte) (*builtIn, error) {
	if serial == nil {
		serial = []byte("virtual")
	}
	value, err := asn1.Marshal(serial)
	if err != nil {
		return nil, err
	}
	return issue(aaguid, enterpriseKeyName, 3, pkix.Extension{Id: oidSerialNumber, Value: value})
}

// issue makes the attestation certificate with a number for an AAGUID, with what
// WebAuthn L3 section 8.2.1 demands of it. It is the same each time.
func issue(aaguid ctap2.AAGUID, keyName string, number int64, more ...pkix.Extension) (*builtIn, error) {
	root, err := publicKnownKey(rootKeyName)
	if err != nil {
		return nil, err
	}
	leaf, err := publicKnownKey(keyName)
	if err != nil {
		return nil, err
	}
	value, err := asn1.Marshal(aaguid[:])
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number),
		Subject: pkix.Name{
			Country:            []string{"AA"}, // for private use
			Organization:       []string{"gofido"},
			OrganizationalUnit: []string{"Authenticator Attestation"},
			CommonName:         "Virtual Key",
		},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		BasicConstraintsValid: true,
		ExtraExtensions:       append([]pkix.Extension{{Id: oidAAGUID, Value: value}}, more...),
	}
	der, err := x509.CreateCertificate(nil, template, rootTemplate(), leaf.Public(), deterministic{root})
	return &builtIn{leaf, der}, err
}

// deterministic signs without random numbers.
type deterministic struct{ *ecdsa.PrivateKey }

func (d deterministic) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return d.PrivateKey.Sign(nil, digest, opts)
}
