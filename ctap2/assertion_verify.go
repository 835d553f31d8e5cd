package ctap2

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2/cose"
)

// An AssertionError says why an assertion proves nothing.
type AssertionError struct {
	Reason string // such as "the signature is not of this key"
	Err    error  // what package cose says; nil if the key was not asked
}

// Error says what is wrong with the assertion.
func (e *AssertionError) Error() string {
	if e.Err == nil {
		return "ctap2: bad assertion: " + e.Reason
	}
	return "ctap2: bad assertion: " + e.Reason + ": " + e.Err.Error()
}

// Unwrap returns Err: [cose.ErrSignature], a *[cose.KeyError] or a
// *[cose.UnsupportedAlgorithmError].
func (e *AssertionError) Unwrap() error { return e.Err }

// Verify checks that key, the credential's public key from its
// AttestedCredentialData, has signed the assertion for the relying party and
// clientDataHash, 32 bytes, and returns an *[AssertionError] if not (WebAuthn L3
// section 7.2, the steps on rpIdHash and the signature). rpID is what the request
// said, the AppID if the extension appid was used.
//
// It is not all that a relying party checks: whether the credential is the
// account's, the flags UP and UV in AuthData, and the signature counter are for
// the caller to judge.
func (r *GetAssertionResponse) Verify(key *cose.Key, rpID string, clientDataHash []byte) error {
	want := sha256.Sum256([]byte(rpID))
	switch {
	case key == nil:
		return &AssertionError{Reason: "there is no public key to check it with"}
	case len(clientDataHash) != sha256.Size:
		return &AssertionError{Reason: fmt.Sprintf("clientDataHash has %d bytes instead of %d", len(clientDataHash), sha256.Size)}
	}
	authData, err := r.AuthData.Append(nil)
	if err != nil {
		return &AssertionError{"the authenticator data can't be encoded", err}
	}
	if len(authData) < len(want) || subtle.ConstantTimeCompare(authData[:len(want)], want[:]) != 1 {
		return &AssertionError{Reason: fmt.Sprintf("it is not for the relying party %q", rpID)}
	}
	if err := key.Verify(slices.Concat(authData, clientDataHash), r.Signature); err != nil {
		return &AssertionError{"the public key does not verify the signature", err}
	}
	return nil
}
