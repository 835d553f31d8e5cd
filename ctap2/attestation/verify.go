package attestation

import (
	"crypto/x509"
	"fmt"
	"strconv"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// Type is what a verified attestation is worth before its certificate is (WebAuthn Level 3 section 6.5.3).
type Type uint8

const (
	// None: nothing is attested.
	None Type = iota
	// Self: the statement is signed with the credential's own key, which says nothing about the model.
	Self
	// Basic: the statement is signed with an attestation key that has a certificate. AttCA and AnonCA look the same;
	// only knowledge about the root tells them apart.
	Basic
)

// String names the type.
func (t Type) String() string {
	switch t {
	case None:
		return "None"
	case Self:
		return "Self"
	case Basic:
		return "Basic"
	}
	return "attestation type " + strconv.Itoa(int(t))
}

// Result is an attestation statement whose form and signature are in order.
type Result struct {
	Format string
	Type   Type
	AAGUID ctap2.AAGUID   // the authenticator's model; all zeros for U2F keys and often with Self and None
	Alg    cose.Algorithm // of the attestation signature; zero for None

	// TrustPath is the content of x5c: the attestation certificate, then those that lead towards a root. It is empty
	// for Self and None. Nobody has vouched for it before VerifyTrust has.
	TrustPath []*x509.Certificate

	// EnterpriseSerial is the value of the certificate's extension 1.3.6.1.4.1.45724.1.1.2, which identifies the single
	// device and may appear in enterprise attestations only (WebAuthn Level 3 section 8.2.2). If it is not nil although
	// no enterprise attestation was asked for and granted (epAtt), the key gives away its user.
	EnterpriseSerial []byte

	// Deviations lists what departs from the specifications and was let pass.
	Deviations []Deviation
}

// Verify checks an attestation statement (WebAuthn Level 3 section 8, the verification procedure of each format). The
// arguments are the members fmt, attStmt and authData of a makeCredential response or an attestation object, and the
// SHA-256 of the client data JSON. For the format none, attStmt may be nil, because CTAP 2.2 allows to leave it out.
//
// It returns an [*UnsupportedFormatError] for a format that it does not verify and otherwise an [*Error]; that wraps
// [cose.ErrSignature] if the signature does not verify, and a [*cose.UnsupportedAlgorithmError] if it can't be checked.
// Verify looks neither at the RP ID hash and the flags in the authenticator data nor at the time.
func Verify(format string, attStmt, authData, clientDataHash []byte) (*Result, error) {
	var verify func(in *input) (*Result, error)
	switch format {
	case FormatNone:
		verify = verifyNone
	case FormatPacked:
		verify = verifyPacked
	case FormatFIDOU2F:
		verify = verifyFIDOU2F
	default:
		return nil, &UnsupportedFormatError{format}
	}
	in, err := newInput(authData, clientDataHash)
	if err != nil {
		return nil, &Error{format, AuthenticatorData, "", err}
	}
	in.statement = attStmt
	r, err := verify(in)
	if err != nil {
		return nil, err
	}
	r.Format = format
	r.AAGUID = in.credential.AAGUID
	return r, nil
}

// verifyNone is WebAuthn Level 3 section 8.7: the statement is an empty map.
func verifyNone(in *input) (*Result, error) {
	r := &Result{Type: None}
	if in.statement == nil {
		return r, nil
	}
	s := newStatementReader(FormatNone, in.statement)
	if n := len(s.members); s.err == nil && n != 0 {
		s.fail(Statement, fmt.Sprintf("%d members, want an empty map", n), nil)
	}
	var err error
	r.Deviations, err = s.finish()
	return r, err
}
