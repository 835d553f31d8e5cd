package pinuv

import (
	"crypto/sha256"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MinPINCodePoints is the shortest PIN of any authenticator, in Unicode code points (CTAP 2.3 section 6.5.1).
	// getInfo's minPINLength may ask for more.
	MinPINCodePoints = 4
	// MaxPINBytes is the longest PIN of any authenticator, in bytes of UTF-8 (CTAP 2.3 section 6.5.1). getInfo's
	// maxPINLength may allow fewer code points.
	MaxPINBytes = 63
	// PaddedPINSize is the size of a PIN padded for setPIN and changePIN, in bytes.
	PaddedPINSize = 64
	// PINHashSize is the size of a PIN's hash, in bytes.
	PINHashSize = 16
)

// PINRule is a rule for the composition of PINs (CTAP 2.3 section 6.5.1).
type PINRule uint8

const (
	// PINTooShort: fewer code points than the authenticator's minPINLength.
	PINTooShort PINRule = iota + 1
	// PINTooLong: more code points than the authenticator's maxPINLength.
	PINTooLong
	// PINTooManyBytes: more than 63 bytes of UTF-8.
	PINTooManyBytes
	// PINNotUTF8: the bytes are not UTF-8.
	PINNotUTF8
	// PINTrailingNUL: the last byte is zero, which padding would swallow.
	PINTrailingNUL
)

// String names the rule.
func (r PINRule) String() string {
	switch r {
	case PINTooShort:
		return "PIN too short"
	case PINTooLong:
		return "PIN too long"
	case PINTooManyBytes:
		return "PIN too long in UTF-8"
	case PINNotUTF8:
		return "PIN is not UTF-8"
	case PINTrailingNUL:
		return "PIN ends in NUL"
	}
	return fmt.Sprintf("PIN rule %d", uint8(r))
}

// PINError says which rule a PIN breaks. It does not hold the PIN.
type PINError struct {
	Rule  PINRule
	Have  uint // the PIN's length, in code points, or in bytes for PINTooManyBytes; zero if the rule is not about length
	Limit uint // the least or the most that is allowed, in the same unit
}

// Error tells a person what to change.
func (e *PINError) Error() string {
	switch e.Rule {
	case PINTooShort:
		return fmt.Sprintf("the PIN is too short: it has %d characters and the key asks for at least %d", e.Have, e.Limit)
	case PINTooLong:
		return fmt.Sprintf("the PIN is too long: it has %d characters and the key takes at most %d", e.Have, e.Limit)
	case PINTooManyBytes:
		return fmt.Sprintf("the PIN is too long: it takes %d bytes in UTF-8, and a key takes at most %d", e.Have, e.Limit)
	case PINNotUTF8:
		return "the PIN is not valid UTF-8 text: enter it as plain characters"
	case PINTrailingNUL:
		return "the PIN ends in a NUL character: leave it out"
	}
	return e.Rule.String()
}

// NormalizePIN returns the PIN in Unicode Normalization Form C, the form in which a platform sends every PIN, old or
// new (CTAP 2.3 section 6.5.1); it returns a [*PINError] if the PIN is not UTF-8. The result never shares memory with
// pin, and the caller wipes both.
func NormalizePIN(pin []byte) ([]byte, error) {
	if !utf8.Valid(pin) {
		return nil, &PINError{Rule: PINNotUTF8}
	}
	// Room for what normalisation can make of it, so that append leaves no copies behind while it grows: UTF-8 becomes
	// at most three times as long (Unicode Standard Annex 15).
	return norm.NFC.Append(make([]byte, 0, max(3*len(pin), PaddedPINSize)), pin...), nil
}

// CheckPIN returns a [*PINError] if the PIN breaks a rule: it must be UTF-8, have at least minCodePoints and at most
// maxCodePoints code points, at most 63 bytes, and no NUL at the end. The limits are getInfo's minPINLength and
// maxPINLength; zero stands for a member that is absent, which means 4 and 63, and less than 4 counts as 4. A platform
// checks a new PIN after [NormalizePIN], and leaves the check of an existing one to the key; an authenticator checks
// what [UnpadPIN] returns. CTAP 2.3 section 6.5.1.
func CheckPIN(pin []byte, minCodePoints, maxCodePoints uint) error {
	if !utf8.Valid(pin) {
		return &PINError{Rule: PINNotUTF8}
	}
	minCodePoints = max(minCodePoints, MinPINCodePoints)
	if maxCodePoints == 0 {
		maxCodePoints = MaxPINBytes
	}
	n := uint(utf8.RuneCount(pin))
	switch {
	case n < minCodePoints:
		return &PINError{PINTooShort, n, minCodePoints}
	case n > maxCodePoints:
		return &PINError{PINTooLong, n, maxCodePoints}
	case len(pin) > MaxPINBytes:
		return &PINError{PINTooManyBytes, uint(len(pin)), MaxPINBytes}
	case pin[len(pin)-1] == 0:
		return &PINError{Rule: PINTrailingNUL}
	}
	return nil
}

// PadPIN returns the PIN followed by zeros up to 64 bytes, which is what newPinEnc encrypts (CTAP 2.3 section 6.5.5.5).
// A PIN of more than 63 bytes is a [*PINError]. The caller wipes the result.
func PadPIN(pin []byte) ([]byte, error) {
	if len(pin) > MaxPINBytes {
		return nil, &PINError{PINTooManyBytes, uint(len(pin)), MaxPINBytes}
	}
	b := make([]byte, PaddedPINSize)
	copy(b, pin)
	return b, nil
}

// UnpadPIN returns what a decrypted newPinEnc holds before its trailing zeros, as a part of the same memory. It returns
// a [*SizeError] unless padded has 64 bytes, for which an authenticator answers CTAP1_ERR_INVALID_PARAMETER.
func UnpadPIN(padded []byte) ([]byte, error) {
	if len(padded) != PaddedPINSize {
		return nil, &SizeError{"unpad PIN", len(padded), "64"}
	}
	n := len(padded)
	for n > 0 && padded[n-1] == 0 {
		n--
	}
	return padded[:n:n], nil
}

// HashPIN returns LEFT(SHA-256(pin), 16), which pinHashEnc encrypts and an authenticator stores (CTAP 2.3 section
// 6.5.5.6). The PIN is normalised and not padded. The caller wipes the result.
func HashPIN(pin []byte) [PINHashSize]byte {
	sum := sha256.Sum256(pin)
	defer clear(sum[:])
	return [PINHashSize]byte(sum[:PINHashSize])
}
