package webauthn

import "slices"

// UserVerification is how much the site wants the user to be verified, by a PIN
// or a fingerprint (WebAuthn L3 section 5.8.6).
type UserVerification string

// The values of UserVerification. Absent and unknown ones count as preferred.
const (
	UserVerificationRequired    UserVerification = "required"
	UserVerificationPreferred   UserVerification = "preferred"
	UserVerificationDiscouraged UserVerification = "discouraged"
)

// ResidentKey is how much the site wants a discoverable credential, a passkey
// that is found without its ID (WebAuthn L3 section 5.4.6).
type ResidentKey string

// The values of ResidentKey. Absent and unknown ones count as required if
// requireResidentKey is true, and as discouraged if not.
const (
	ResidentKeyRequired    ResidentKey = "required"
	ResidentKeyPreferred   ResidentKey = "preferred"
	ResidentKeyDiscouraged ResidentKey = "discouraged"
)

// Attachment is how an authenticator is attached to the client (WebAuthn L3
// section 5.4.5).
type Attachment string

// The values of Attachment. Unknown ones count as absent.
const (
	AttachmentPlatform      Attachment = "platform"       // built into the device
	AttachmentCrossPlatform Attachment = "cross-platform" // roaming, such as a security key
)

// Attestation is how much the site wants to know of the authenticator (WebAuthn
// L3 section 5.4.7).
type Attestation string

// The values of Attestation. Absent and unknown ones count as none.
const (
	AttestationNone       Attestation = "none"
	AttestationIndirect   Attestation = "indirect"
	AttestationDirect     Attestation = "direct"
	AttestationEnterprise Attestation = "enterprise" // may identify the very key
)

// Hint is what kind of authenticator the site expects the user to have (WebAuthn
// L3 section 5.8.8). It changes only what is shown first, and takes the effect from
// an Attachment that contradicts the first of them.
type Hint string

// The values of Hint. Unknown ones are ignored, and repetitions.
const (
	HintSecurityKey  Hint = "security-key"
	HintClientDevice Hint = "client-device"
	HintHybrid       Hint = "hybrid"
)

var (
	userVerifications = []UserVerification{UserVerificationRequired, UserVerificationPreferred, UserVerificationDiscouraged}
	residentKeys      = []ResidentKey{ResidentKeyRequired, ResidentKeyPreferred, ResidentKeyDiscouraged}
	attachments       = []Attachment{AttachmentPlatform, AttachmentCrossPlatform}
	attestations      = []Attestation{AttestationNone, AttestationIndirect, AttestationDirect, AttestationEnterprise}
)

// hinted are the attachments that hints mean, of all that are known.
var hinted = map[Hint]Attachment{
	HintSecurityKey:  AttachmentCrossPlatform,
	HintClientDevice: AttachmentPlatform,
	HintHybrid:       AttachmentCrossPlatform,
}

// known returns a value, or nothing if it is not one of those: clients ignore
// values that they don't know (WebAuthn L3 section 2.1.1).
func known[T ~string](v T, of []T) T {
	if slices.Contains(of, v) {
		return v
	}
	return ""
}
