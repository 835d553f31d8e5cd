package attestation

import (
	"fmt"
	"strconv"
)

// Part is the part of an attestation at which verification failed.
type Part uint8

const (
	// Statement: the attestation statement does not have the form that its format demands.
	Statement Part = iota + 1
	// AuthenticatorData: the authenticator data, or the hash of the client data, is malformed or does not go with the
	// statement.
	AuthenticatorData
	// Certificate: a certificate can't be read, or breaks a requirement of the format.
	Certificate
	// Signature: the signature does not verify, or its algorithm is not supported.
	Signature
	// Trust: the certificate does not lead to a root of the caller's.
	Trust
)

// String names the part.
func (p Part) String() string {
	switch p {
	case Statement:
		return "statement"
	case AuthenticatorData:
		return "authenticator data"
	case Certificate:
		return "certificate"
	case Signature:
		return "signature"
	case Trust:
		return "trust"
	}
	return "part " + strconv.Itoa(int(p))
}

// Error says why an attestation was refused.
type Error struct {
	Format string // the attestation statement format
	Part   Part
	Reason string // what is wrong; may be empty if Err says it
	Err    error  // what a lower layer said, such as cose.ErrSignature
}

// Error names the format, the part and the fault.
func (e *Error) Error() string {
	s := fmt.Sprintf("attestation %s: %v", quote(e.Format), e.Part)
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns what a lower layer said.
func (e *Error) Unwrap() error { return e.Err }

// UnsupportedFormatError says that an attestation statement has a format that this package does not verify. The
// credential may be in order: a relying party that does not need an attestation can go on as with the format none.
type UnsupportedFormatError struct {
	Format string
}

// Error names the format, and says whether it is a registered one.
func (e *UnsupportedFormatError) Error() string {
	switch e.Format {
	case "tpm", "android-key", "android-safetynet", "apple", "compound":
		return fmt.Sprintf("attestation %s: the format is not verified by this package", quote(e.Format))
	}
	return fmt.Sprintf("attestation %s: the format is not known", quote(e.Format))
}

// quote bounds and escapes a format, which comes from a device: format identifiers have at most 32 bytes (WebAuthn
// Level 3 section 8.1).
func quote(format string) string {
	const most = 32
	if len(format) > most {
		return strconv.QuoteToASCII(format[:most]) + "…"
	}
	return strconv.QuoteToASCII(format)
}
