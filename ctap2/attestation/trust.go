package attestation

import (
	"crypto/x509"
	"time"
)

// VerifyTrust looks for chains from the attestation certificate over the other certificates of x5c to one of roots,
// and returns them, each ending in the root. The certificate may itself be among the roots, as the FIDO Metadata
// Service allows. Certificates are valid if they are at the time at; the zero time means now. A relying party that does
// not mind expired certificates passes a time within their validity, such as TrustPath[0].NotBefore.
//
// It returns an [*Error] with the part [Trust] that wraps the error of crypto/x509, and also if there is no
// certificate, as with Self and None. Revocation is not checked: the FIDO Metadata Service says which models are
// compromised.
func (r *Result) VerifyTrust(roots *x509.CertPool, at time.Time) ([][]*x509.Certificate, error) {
	if len(r.TrustPath) == 0 {
		return nil, &Error{r.Format, Trust, "the statement has no certificate", nil}
	}
	if roots == nil {
		// A nil pool would mean the roots of the web to crypto/x509, which say nothing about authenticators.
		roots = x509.NewCertPool()
	}
	intermediates := x509.NewCertPool()
	for _, cert := range r.TrustPath[1:] {
		intermediates.AddCert(cert)
	}
	chains, err := r.TrustPath[0].Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, &Error{r.Format, Trust, "", err}
	}
	return chains, nil
}
