package attestation_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/attestation"
)

// FuzzVerify: every refusal is a typed error, every acceptance is consistent, and a statement that parses without
// deviations is what Append makes of it.
func FuzzVerify(f *testing.F) {
	for _, r := range readRegistrations(f).Registrations {
		f.Add(r.Fmt, []byte(r.AttStmt), []byte(r.AuthData), []byte(r.ClientDataHash))
	}
	f.Fuzz(func(t *testing.T, format string, attStmt, authData, clientDataHash []byte) {
		r, err := attestation.Verify(format, attStmt, authData, clientDataHash)
		if err != nil {
			if e, ok := errors.AsType[*attestation.Error](err); ok {
				if e.Format != format || e.Part < attestation.Statement || e.Part > attestation.Signature {
					t.Fatalf("error %+v", e)
				}
			} else if _, ok := errors.AsType[*attestation.UnsupportedFormatError](err); !ok {
				t.Fatalf("error %v has the wrong type", err)
			}
		} else {
			if (r.Type == attestation.Basic) != (len(r.TrustPath) > 0) || !bytes.Equal(r.AAGUID[:], authData[37:53]) {
				t.Fatalf("result %+v", r)
			}
			r.VerifyTrust(nil, time.Unix(0, 0))
		}
		if s, deviations, err := attestation.ParsePacked(attStmt); err == nil && deviations == nil {
			if again, err := s.Append(nil); err != nil || !bytes.Equal(again, attStmt) {
				t.Fatalf("Append = %x, %v, want %x", again, err, attStmt)
			}
		}
		if s, deviations, err := attestation.ParseFIDOU2F(attStmt); err == nil && deviations == nil {
			if again, err := s.Append(nil); err != nil || !bytes.Equal(again, attStmt) {
				t.Fatalf("Append = %x, %v, want %x", again, err, attStmt)
			}
		}
	})
}
