package attestation

import (
	"fmt"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/cose"
)

// The attestation statement formats that [Verify] knows (WebAuthn Level 3 sections 8.2, 8.6 and 8.7): the member fmt.
const (
	FormatPacked  = "packed"
	FormatFIDOU2F = "fido-u2f"
	FormatNone    = "none"
)

// The bounds of what is read from a device.
const (
	// MaxStatementSize is the most that is read of a statement, in bytes: more than any CTAP message holds.
	MaxStatementSize = 16384
	// MaxCertificates is how many certificates x5c may have.
	MaxCertificates = 8
	// MaxCertificateSize is the most that is parsed as one certificate, in bytes.
	MaxCertificateSize = 8192
)

// PackedStatement is the attestation statement of the format packed (WebAuthn Level 3 section 8.2). Without X5C it is a
// self attestation.
type PackedStatement struct {
	Alg cose.Algorithm `cbor:"alg"`           // of the signature
	Sig []byte         `cbor:"sig"`           // over authenticator data and client data hash
	X5C [][]byte       `cbor:"x5c,omitempty"` // DER certificates, that of the attestation key first
}

// FIDOU2FStatement is the attestation statement of the format fido-u2f (WebAuthn Level 3 section 8.6), which carries a
// U2F registration into CTAP2.
type FIDOU2FStatement struct {
	Sig []byte   `cbor:"sig"` // the signature of the U2F registration response, ECDSA with SHA-256
	X5C [][]byte `cbor:"x5c"` // exactly one DER certificate
}

// Append appends the statement to dst as canonical CBOR.
func (s *PackedStatement) Append(dst []byte) ([]byte, error) { return cbor.Append(dst, s) }

// Append appends the statement to dst as canonical CBOR.
func (s *FIDOU2FStatement) Append(dst []byte) ([]byte, error) { return cbor.Append(dst, s) }

// ParsePacked reads a packed statement. It returns how the statement departs from the specification without losing its
// meaning, and an [*Error] if it has no meaning.
func ParsePacked(attStmt []byte) (*PackedStatement, []Deviation, error) {
	r := newStatementReader(FormatPacked, attStmt)
	s := new(PackedStatement)
	r.required("alg", &s.Alg)
	r.required("sig", &s.Sig)
	x5c := r.optional("x5c", &s.X5C)
	if _, ok := r.members["ecdaaKeyId"]; ok {
		r.fail(Statement, "ECDAA was removed from WebAuthn and is not supported", nil)
	}
	if x5c {
		r.checkChain(s.X5C)
	}
	deviations, err := r.finish()
	if err != nil {
		return nil, nil, err
	}
	return s, deviations, nil
}

// ParseFIDOU2F reads a fido-u2f statement. It returns how the statement departs from the specification without losing
// its meaning, and an [*Error] if it has no meaning.
func ParseFIDOU2F(attStmt []byte) (*FIDOU2FStatement, []Deviation, error) {
	r := newStatementReader(FormatFIDOU2F, attStmt)
	s := new(FIDOU2FStatement)
	r.required("sig", &s.Sig)
	r.required("x5c", &s.X5C)
	r.checkChain(s.X5C)
	if r.err == nil && len(s.X5C) != 1 {
		r.fail(Statement, fmt.Sprintf("%d certificates in x5c, want one", len(s.X5C)), nil)
	}
	deviations, err := r.finish()
	if err != nil {
		return nil, nil, err
	}
	return s, deviations, nil
}

// statementReader takes the members out of a statement and remembers the first fault.
type statementReader struct {
	format     string
	members    map[string]cbor.RawMessage
	read       int // members taken out
	deviations []Deviation
	err        error
}

func newStatementReader(format string, attStmt []byte) *statementReader {
	r := &statementReader{format: format}
	if len(attStmt) > MaxStatementSize {
		r.fail(Statement, fmt.Sprintf("%d bytes, at most %d are read", len(attStmt), MaxStatementSize), nil)
		return r
	}
	found, err := cbor.UnmarshalLenient(attStmt, &r.members)
	if err != nil {
		r.fail(Statement, "not a map with text keys", err)
		return r
	}
	for _, d := range found {
		// Two readers could take different values of a key that appears twice.
		if d.Kind == cbor.DuplicateKey || d.Kind == cbor.TrailingBytes {
			r.fail(Statement, "", &cbor.DeviationError{Deviation: d})
			return r
		}
	}
	if len(found) > 0 {
		r.deviations = append(r.deviations, NotCanonical)
	}
	return r
}

func (r *statementReader) fail(part Part, reason string, err error) {
	if r.err == nil {
		r.err = &Error{r.format, part, reason, err}
	}
}

func (r *statementReader) optional(name string, dst any) bool {
	raw, ok := r.members[name]
	if !ok || r.err != nil {
		return false
	}
	r.read++
	if _, err := cbor.UnmarshalLenient(raw, dst); err != nil {
		r.fail(Statement, "member "+name, err)
	}
	return true
}

func (r *statementReader) required(name string, dst any) {
	if !r.optional(name, dst) {
		r.fail(Statement, "member "+name+" is missing", nil)
	}
}

func (r *statementReader) checkChain(x5c [][]byte) {
	if r.err == nil && (len(x5c) == 0 || len(x5c) > MaxCertificates) {
		r.fail(Statement, fmt.Sprintf("%d certificates in x5c, want 1 to %d", len(x5c), MaxCertificates), nil)
	}
}

func (r *statementReader) finish() ([]Deviation, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.read < len(r.members) {
		r.deviations = append(r.deviations, UnknownMember)
	}
	return r.deviations, nil
}
