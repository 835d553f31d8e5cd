package webauthn

import (
	"errors"
	"fmt"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
)

// An AttestationObject is a new credential with the authenticator's statement
// about itself (WebAuthn L3 section 6.5.4). Package attestation verifies
// statements.
type AttestationObject struct {
	Fmt      string                  `cbor:"fmt"`
	AttStmt  cbor.RawMessage         `cbor:"attStmt"`
	AuthData ctap2.AuthenticatorData `cbor:"authData"` // with AttestedCredentialData
}

// ParseAttestationObject decodes an attestation object. It is lenient, as the
// parsers of package ctap2 are.
func ParseAttestationObject(b []byte) (*AttestationObject, error) {
	o, err := parseAttestationObject(b)
	if err != nil {
		return nil, fmt.Errorf("webauthn: %w", err)
	}
	return o, nil
}

func parseAttestationObject(b []byte) (*AttestationObject, error) {
	o := new(AttestationObject)
	if _, err := cbor.UnmarshalLenient(b, o); err != nil {
		return nil, fmt.Errorf("attestation object: %w", err)
	}
	if o.Fmt == "" || o.AttStmt == nil || o.AuthData.AttestedCredentialData == nil {
		return nil, errors.New("attestation object: fmt, attStmt or the credential is missing")
	}
	return o, nil
}

// Append appends the object as canonical CBOR to dst.
func (o *AttestationObject) Append(dst []byte) ([]byte, error) { return cbor.Append(dst, o) }

// conveyAttestation takes away what the site did not ask for, by its preference:
// the statement, unless it is one that tells nothing (WebAuthn L3 section
// 5.1.3). The AAGUID stays; since Level 3 it is no secret.
func conveyAttestation(preference Attestation, object []byte) ([]byte, *ctap2.AuthenticatorData, error) {
	o, err := parseAttestationObject(object)
	if err != nil {
		return nil, nil, err
	}
	if preference != AttestationNone || o.Fmt == attestation.FormatNone || isAnonymousSelf(o) {
		return object, &o.AuthData, nil
	}
	o.Fmt, o.AttStmt = attestation.FormatNone, cbor.RawMessage{0xa0}
	object, err = o.Append(nil)
	return object, &o.AuthData, err
}

// isAnonymousSelf reports whether a statement is a self attestation of an
// authenticator that does not tell its model.
func isAnonymousSelf(o *AttestationObject) bool {
	if o.Fmt != attestation.FormatPacked || o.AuthData.AttestedCredentialData.AAGUID != (ctap2.AAGUID{}) {
		return false
	}
	s, _, err := attestation.ParsePacked(o.AttStmt)
	return err == nil && s.X5C == nil
}
