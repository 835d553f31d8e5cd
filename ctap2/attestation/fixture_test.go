package attestation_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

func ecdsaKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newAuthData returns authenticator data with a credential of signer's.
func newAuthData(t testing.TB, signer crypto.Signer, alg cose.Algorithm, aaguid ctap2.AAGUID) []byte {
	t.Helper()
	key, err := cose.New(signer.Public(), alg)
	if err != nil {
		t.Fatal(err)
	}
	data := ctap2.AuthenticatorData{
		RPIDHash: [32]byte{1, 2, 3},
		Flags:    ctap2.FlagUP,
		AttestedCredentialData: &ctap2.AttestedCredentialData{
			AAGUID: aaguid, CredentialID: []byte("credential"), PublicKey: key,
		},
	}
	b, err := data.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encode(t testing.TB, statement any) []byte {
	t.Helper()
	b, err := cbor.Marshal(statement)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	oidAAGUID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}
	oidSerial = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 2}
)

// newTemplate returns a template that meets WebAuthn Level 3 section 8.2.1.
func newTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject: pkix.Name{
			Country: []string{"DE"}, Organization: []string{"gofido"},
			OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "test key",
		},
		NotBefore:             time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
		BasicConstraintsValid: true,
	}
}

// newCertificate returns a self-signed certificate for signer, after change has been at the template.
func newCertificate(t testing.TB, signer crypto.Signer, change func(*x509.Certificate)) []byte {
	t.Helper()
	template := newTemplate()
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// versionOne takes the version and the extensions out of a certificate, which leaves one of version 1. Its own
// signature is wrong then.
func versionOne(t testing.TB, der []byte) []byte {
	t.Helper()
	var cert struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &cert); err != nil {
		t.Fatal(err)
	}
	var kept []byte
	for rest := cert.TBS.Bytes; len(rest) > 0; {
		var field asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &field); err != nil {
			t.Fatal(err)
		}
		if field.Class != asn1.ClassContextSpecific {
			kept = append(kept, field.FullBytes...)
		}
	}
	cert.TBS = asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: kept}
	b, err := asn1.Marshal(cert)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
