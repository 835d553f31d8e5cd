package attestation

import (
	"crypto"
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2/cose"
)

// SignPacked makes a packed statement: it signs the authenticator data and the client data hash with signer and alg.
// For a self attestation, signer is the credential's private key, alg the algorithm of the credential, and x5c is nil;
// otherwise x5c holds the DER certificate of the signer's key and those that lead to a root. The certificate must meet
// WebAuthn Level 3 section 8.2.1 or verifiers refuse it. Errors are those of [cose.Sign].
func SignPacked(signer crypto.Signer, alg cose.Algorithm, x5c [][]byte, authData, clientDataHash []byte) (*PackedStatement, error) {
	sig, err := cose.Sign(signer, alg, slices.Concat(authData, clientDataHash))
	if err != nil {
		return nil, err
	}
	return &PackedStatement{alg, sig, x5c}, nil
}

// verifyPacked is the verification procedure of WebAuthn Level 3 section 8.2.
func verifyPacked(in *input) (*Result, error) {
	s, deviations, err := ParsePacked(in.statement)
	if err != nil {
		return nil, err
	}
	r := &Result{Type: Self, Alg: s.Alg, Deviations: deviations}
	key := in.credential.PublicKey
	if s.X5C != nil {
		r.Type = Basic
		if r.TrustPath, err = parseChain(FormatPacked, s.X5C); err != nil {
			return nil, err
		}
		if key, err = cose.New(r.TrustPath[0].PublicKey, s.Alg); err != nil {
			return nil, &Error{FormatPacked, Signature, "the certificate's key does not serve the algorithm", err}
		}
	} else if key.Alg != s.Alg {
		reason := fmt.Sprintf("the self attestation is signed with %v but the credential is for %v", s.Alg, key.Alg)
		return nil, &Error{FormatPacked, Statement, reason, nil}
	}
	if err := key.Verify(in.signed(), s.Sig); err != nil {
		return nil, &Error{FormatPacked, Signature, "", err}
	}
	if r.Type == Basic {
		leaf := r.TrustPath[0]
		if err := checkPackedCertificate(leaf, in.credential.AAGUID); err != nil {
			return nil, err
		}
		r.EnterpriseSerial = enterpriseSerial(leaf)
	}
	return r, nil
}
