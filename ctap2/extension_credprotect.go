package ctap2

import "fmt"

// CredProtect says when a credential may be used without user verification
// (CTAP 2.3 section 12.1, credProtect). Zero means that nothing is said.
type CredProtect uint

// The levels of credProtect. The specification's names start with
// userVerification.
const (
	CredProtectUVOptional                     CredProtect = 0x01 // always
	CredProtectUVOptionalWithCredentialIDList CredProtect = 0x02 // only by who knows the credential ID
	CredProtectUVRequired                     CredProtect = 0x03 // never
)

// String returns the specification's name of the level.
func (c CredProtect) String() string {
	switch c {
	case CredProtectUVOptional:
		return "userVerificationOptional"
	case CredProtectUVOptionalWithCredentialIDList:
		return "userVerificationOptionalWithCredentialIDList"
	case CredProtectUVRequired:
		return "userVerificationRequired"
	}
	return fmt.Sprintf("credProtect %d", uint(c))
}

// SetCredProtect asks makeCredential for a level of protection. The key may
// choose a higher one.
func (e *Extensions) SetCredProtect(level CredProtect) { e.set(ExtensionCredProtect, level) }

// CredProtect returns the level that a new credential has, from the extension
// outputs in makeCredential's authenticator data; zero if the key says none.
func (e Extensions) CredProtect() (level CredProtect, err error) {
	_, err = e.Get(ExtensionCredProtect, &level)
	return level, err
}
