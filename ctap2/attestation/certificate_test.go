package attestation_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
)

func TestPackedCertificateRequirements(t *testing.T) {
	aaguid := ctap2.AAGUID{0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	withAAGUID := func(critical bool, value ...byte) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: oidAAGUID, Critical: critical, Value: value}}
		}
	}
	octets := append([]byte{4, 16}, aaguid[:]...)
	signer := ecdsaKey(t, elliptic.P256())
	authData := newAuthData(t, ecdsaKey(t, elliptic.P256()), cose.ES256, aaguid)
	hash := make([]byte, 32)
	for _, c := range []struct {
		name   string
		change func(*x509.Certificate)
		fault  string
	}{
		{"in order", nil, ""},
		{"the right AAGUID", withAAGUID(false, octets...), ""},
		{"expired", func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Hour) }, ""},
		{"a second O", func(c *x509.Certificate) { c.Subject.Organization = []string{"a", "b"} }, ""},

		{"another AAGUID", withAAGUID(false, append([]byte{4, 16}, make([]byte, 16)...)...), "issued for the AAGUID 00000000-"},
		{"a critical AAGUID", withAAGUID(true, octets...), "critical"},
		{"an AAGUID without its OCTET STRING", withAAGUID(false, aaguid[:]...), "does not hold 16 bytes"},
		{"an AAGUID of 15 bytes", withAAGUID(false, append([]byte{4, 15}, aaguid[1:]...)...), "does not hold 16 bytes"},
		{"bytes behind the AAGUID", withAAGUID(false, append(bytes.Clone(octets), 0)...), "does not hold 16 bytes"},
		{"no C", func(c *x509.Certificate) { c.Subject.Country = nil }, "subject's C"},
		{"C of three letters", func(c *x509.Certificate) { c.Subject.Country[0] = "DEU" }, "subject's C"},
		{"C of digits", func(c *x509.Certificate) { c.Subject.Country[0] = "12" }, "subject's C"},
		{"no O", func(c *x509.Certificate) { c.Subject.Organization = nil }, "no O"},
		{"empty O", func(c *x509.Certificate) { c.Subject.Organization[0] = "" }, "no O"},
		{"no OU", func(c *x509.Certificate) { c.Subject.OrganizationalUnit = nil }, "subject's OU"},
		{"another OU", func(c *x509.Certificate) { c.Subject.OrganizationalUnit[0] = "authenticator attestation" }, "subject's OU"},
		{"no CN", func(c *x509.Certificate) { c.Subject.CommonName = "" }, "no CN"},
		{"no basic constraints", func(c *x509.Certificate) { c.BasicConstraintsValid = false }, "basic constraints are missing"},
		{"a certification authority", func(c *x509.Certificate) { c.IsCA = true }, "certification authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := attestation.SignPacked(signer, cose.ES256, [][]byte{newCertificate(t, signer, c.change)}, authData, hash)
			if err != nil {
				t.Fatal(err)
			}
			got, err := attestation.Verify(attestation.FormatPacked, encode(t, s), authData, hash)
			if c.fault != "" {
				wantError(t, err, attestation.Certificate, c.fault)
				return
			}
			if err != nil || got.Type != attestation.Basic || got.EnterpriseSerial != nil {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	t.Run("version 1", func(t *testing.T) {
		cert := versionOne(t, newCertificate(t, signer, nil))
		s, err := attestation.SignPacked(signer, cose.ES256, [][]byte{cert}, authData, hash)
		if err != nil {
			t.Fatal(err)
		}
		_, err = attestation.Verify(attestation.FormatPacked, encode(t, s), authData, hash)
		wantError(t, err, attestation.Certificate, "version 1, want 3")
	})
}

func TestEnterpriseSerial(t *testing.T) {
	signer := ecdsaKey(t, elliptic.P256())
	authData := newAuthData(t, signer, cose.ES256, ctap2.AAGUID{})
	hash := make([]byte, 32)
	for name, c := range map[string]struct{ value, want []byte }{
		"an OCTET STRING": {[]byte{4, 3, 1, 2, 3}, []byte{1, 2, 3}},
		"anything else":   {[]byte{1, 2, 3}, []byte{1, 2, 3}},
	} {
		cert := newCertificate(t, signer, func(template *x509.Certificate) {
			template.ExtraExtensions = []pkix.Extension{{Id: oidSerial, Value: c.value}}
		})
		s, err := attestation.SignPacked(signer, cose.ES256, [][]byte{cert}, authData, hash)
		if err != nil {
			t.Fatal(err)
		}
		got, err := attestation.Verify(attestation.FormatPacked, encode(t, s), authData, hash)
		if err != nil || !bytes.Equal(got.EnterpriseSerial, c.want) {
			t.Errorf("%s: %x, %v, want %x", name, got.EnterpriseSerial, err, c.want)
		}
	}
}

func TestAttestationKeyMustServeAlgorithm(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	credential := ecdsaKey(t, elliptic.P256())
	authData := newAuthData(t, credential, cose.ES256, ctap2.AAGUID{})
	hash := make([]byte, 32)
	for _, c := range []struct {
		name   string
		signer crypto.Signer
		alg    cose.Algorithm // with which it signs
		stated cose.Algorithm
		fault  string
	}{
		{"Ed25519", edwards, cose.EdDSA, cose.EdDSA, ""},
		{"P-384", ecdsaKey(t, elliptic.P384()), cose.ES384, cose.ES384, ""},
		{"Ed25519 said to be ES256", edwards, cose.EdDSA, cose.ES256, "does not serve the algorithm"},
		{"P-384 said to be ES256", ecdsaKey(t, elliptic.P384()), cose.ES384, cose.ES256, "does not serve the algorithm"},
		{"an unknown algorithm", edwards, cose.EdDSA, -12345, "COSE algorithm -12345 is not supported"},
		{"a key agreement algorithm", credential, cose.ES256, cose.ECDHESHKDF256, "ECDH-ES+HKDF-256 is not supported"},
	} {
		s, err := attestation.SignPacked(c.signer, c.alg, [][]byte{newCertificate(t, c.signer, nil)}, authData, hash)
		if err != nil {
			t.Fatal(err)
		}
		s.Alg = c.stated
		_, err = attestation.Verify(attestation.FormatPacked, encode(t, s), authData, hash)
		if c.fault == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		wantError(t, err, attestation.Signature, c.fault)
	}
}

func TestVerifyTrust(t *testing.T) {
	file := readRegistrations(t)
	root, err := x509.ParseCertificate(file.Root)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	within := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	trusted := 0
	for _, r := range file.Registrations {
		got, err := r.verify()
		if err != nil || got.Type != attestation.Basic {
			continue
		}
		_, err = got.VerifyTrust(roots, within)
		if got.TrustPath[0].Issuer.String() != root.Subject.String() {
			wantError(t, err, attestation.Trust, "")
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		trusted++
		_, err = got.VerifyTrust(nil, within)
		wantError(t, err, attestation.Trust, "unknown authority")
		_, err = got.VerifyTrust(roots, root.NotBefore.Add(-time.Second))
		wantError(t, err, attestation.Trust, "not yet valid")
		if _, ok := errors.AsType[x509.CertificateInvalidError](err); !ok {
			t.Errorf("error %v does not wrap that of crypto/x509", err)
		}
		own := x509.NewCertPool()
		own.AddCert(got.TrustPath[0])
		if _, err := got.VerifyTrust(own, within); err != nil {
			t.Errorf("%s, with its own certificate as the root: %v", r.Name, err)
		}
	}
	if trusted != 7 {
		t.Errorf("%d certificates of the appendix's root, want 7", trusted)
	}
	got, err := file.find(t, "Self Attestation").verify()
	if err != nil {
		t.Fatal(err)
	}
	_, err = got.VerifyTrust(roots, within)
	wantError(t, err, attestation.Trust, "no certificate")
}

func TestVerifyTrustOverIntermediate(t *testing.T) {
	rootKey, middleKey, leafKey := ecdsaKey(t, elliptic.P256()), ecdsaKey(t, elliptic.P256()), ecdsaKey(t, elliptic.P256())
	authority := func(name string) *x509.Certificate {
		template := newTemplate()
		template.Subject = pkix.Name{CommonName: name}
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
		return template
	}
	issue := func(template, parent *x509.Certificate, key, by crypto.Signer) *x509.Certificate {
		template.SerialNumber = big.NewInt(2)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	root := issue(authority("root"), authority("root"), rootKey, rootKey)
	middle := issue(authority("middle"), root, middleKey, rootKey)
	leaf := issue(newTemplate(), middle, leafKey, middleKey)

	authData, hash := newAuthData(t, leafKey, cose.ES256, ctap2.AAGUID{}), make([]byte, 32)
	s, err := attestation.SignPacked(leafKey, cose.ES256, [][]byte{leaf.Raw, middle.Raw}, authData, hash)
	if err != nil {
		t.Fatal(err)
	}
	got, err := attestation.Verify(attestation.FormatPacked, encode(t, s), authData, hash)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	chains, err := got.VerifyTrust(roots, leaf.NotBefore)
	if err != nil || len(chains) != 1 || len(chains[0]) != 3 {
		t.Errorf("chains = %v, %v", chains, err)
	}
	got.TrustPath = got.TrustPath[:1]
	_, err = got.VerifyTrust(roots, leaf.NotBefore)
	wantError(t, err, attestation.Trust, "unknown authority")
}
