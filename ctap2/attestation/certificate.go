package attestation

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2"
)

// Extensions of attestation certificates (WebAuthn Level 3 sections 8.2.1 and 8.2.2).
var (
	oidAAGUID           = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}
	oidEnterpriseSerial = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 2}
)

// parseChain parses the certificates of x5c, which ParsePacked and ParseFIDOU2F have counted.
func parseChain(format string, x5c [][]byte) ([]*x509.Certificate, error) {
	chain := make([]*x509.Certificate, len(x5c))
	for i, der := range x5c {
		if len(der) > MaxCertificateSize {
			reason := fmt.Sprintf("number %d of x5c has %d bytes, at most %d are read", i+1, len(der), MaxCertificateSize)
			return nil, &Error{format, Certificate, reason, nil}
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, &Error{format, Certificate, fmt.Sprintf("number %d of x5c", i+1), err}
		}
		chain[i] = cert
	}
	return chain, nil
}

// checkPackedCertificate checks the requirements of WebAuthn Level 3 section 8.2.1.
func checkPackedCertificate(cert *x509.Certificate, aaguid ctap2.AAGUID) error {
	fail := func(reason string) error { return &Error{FormatPacked, Certificate, reason, nil} }
	subject := cert.Subject
	switch {
	case cert.Version != 3:
		return fail(fmt.Sprintf("version %d, want 3", cert.Version))
	case len(subject.Country) != 1 || !isCountry(subject.Country[0]):
		return fail("the subject's C is not a country code of two letters")
	case len(subject.Organization) == 0 || subject.Organization[0] == "":
		return fail("the subject has no O")
	case !slices.Equal(subject.OrganizationalUnit, []string{"Authenticator Attestation"}):
		return fail(`the subject's OU is not "Authenticator Attestation"`)
	case subject.CommonName == "":
		return fail("the subject has no CN")
	case !cert.BasicConstraintsValid:
		return fail("basic constraints are missing")
	case cert.IsCA:
		return fail("basic constraints make it a certification authority")
	}
	ext := extension(cert, oidAAGUID)
	if ext == nil {
		return nil
	}
	if ext.Critical {
		return fail("the AAGUID extension is critical")
	}
	// The value is an OCTET STRING of 16 bytes, inside the OCTET STRING that every extension is.
	value, ok := bytes.CutPrefix(ext.Value, []byte{0x04, 0x10})
	if !ok || len(value) != len(aaguid) {
		return fail("the AAGUID extension does not hold 16 bytes")
	}
	if !bytes.Equal(value, aaguid[:]) {
		return fail(fmt.Sprintf("issued for the AAGUID %v, but the authenticator data has %v", ctap2.AAGUID(value), aaguid))
	}
	return nil
}

func isCountry(s string) bool {
	letter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	return len(s) == 2 && letter(s[0]) && letter(s[1])
}

// enterpriseSerial returns the value of the extension that identifies a single device, or nil.
func enterpriseSerial(cert *x509.Certificate) []byte {
	ext := extension(cert, oidEnterpriseSerial)
	if ext == nil {
		return nil
	}
	var value []byte
	if rest, err := asn1.Unmarshal(ext.Value, &value); err != nil || len(rest) != 0 {
		return ext.Value
	}
	return value
}

// extension returns the certificate's extension, or nil. A certificate with two of the same does not parse.
func extension(cert *x509.Certificate, oid asn1.ObjectIdentifier) *pkix.Extension {
	for i := range cert.Extensions {
		if cert.Extensions[i].Id.Equal(oid) {
			return &cert.Extensions[i]
		}
	}
	return nil
}
