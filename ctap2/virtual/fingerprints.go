package virtual

import (
	"fmt"

	"github.com/gofido/fido/ctap2"
)

// Fingerprints says what the fingerprint sensor of a key with [FingerprintUV] is
// like.
type Fingerprints struct {
	Max           int                   // that can be enrolled; 0: 5
	Samples       int                   // good samples that an enrolment takes; 0: 4
	MaxNameLength int                   // bytes of UTF-8, at most 255; 0: 15
	Kind          ctap2.FingerprintKind // 0: touch
}

// fingerprint is an enrolled one. What the finger looks like is the user's
// business: see User.Verify.
type fingerprint struct {
	sequence uint64
	id       []byte
	name     string
}

// record is the name of a fingerprint's record.
func (f *fingerprint) record() string { return fmt.Sprintf(prefixFingerprint+"%016x", f.sequence) }

// hasSensor reports whether the key can enrol fingerprints.
func (k *Key) hasSensor() bool { return k.config.UV == FingerprintUV }
