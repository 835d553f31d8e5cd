package webauthn

import (
	"context"
	"crypto/sha256"

	"github.com/gofido/fido/ctap2"
)

// An Authenticator makes credentials and signs with them (WebAuthn L3 section
// 6.3), and asks the user what it needs to ask. [SecurityKey] is one. Another may
// stand on an operating system's own API, which takes the same and shows its own
// dialogs: on Windows, where only administrators may open security keys, that is
// webauthn.dll.
//
// The client has checked the request: the RP ID is one that the origin may claim,
// values that the specification does not know are left out, and unset members have
// their defaults. A result has outputs of the extensions that were asked for.
//
// Both methods return when ctx ends; its deadline is that of the ceremony. The
// errors [ErrNoPasskey], [ErrAlreadyRegistered], [ErrCancelled], [ErrTimeout] and
// [ErrUnsuitable] are wrapped where they apply, as is the context's error when it
// ended the call. The [Client] makes all of them an [Error], and leaves one as it
// is that an API has a name for.
type Authenticator interface {
	// MakeCredential makes a credential (WebAuthn L3 section 6.3.2).
	MakeCredential(ctx context.Context, r *MakeCredentialRequest) (*MakeCredentialResult, error)

	// GetAssertion signs with a credential (WebAuthn L3 section 6.3.3).
	GetAssertion(ctx context.Context, r *GetAssertionRequest) (*GetAssertionResult, error)
}

// A MakeCredentialRequest asks an [Authenticator] for a new credential.
type MakeCredentialRequest struct {
	ClientDataJSON     []byte                                // what is signed, by its hash
	RP                 ctap2.PublicKeyCredentialRPEntity     // ID is never empty
	User               ctap2.PublicKeyCredentialUserEntity   // ID has 1 to 64 bytes
	PubKeyCredParams   []ctap2.PublicKeyCredentialParameters // preferred first, never empty
	ExcludeCredentials []ctap2.PublicKeyCredentialDescriptor // any number

	Attachment       Attachment       // empty: either
	ResidentKey      ResidentKey      // never empty
	UserVerification UserVerification // never empty

	// Attestation is what the site wants; the client takes away what it must
	// not see. AttestationFormats are those that it prefers, the best first, and
	// none alone for AttestationNone.
	Attestation        Attestation
	AttestationFormats []string

	// EnterpriseAttestation is zero unless Attestation is AttestationEnterprise:
	// 1 if the authenticator is to decide whether it may (vendor-facilitated), 2
	// if the client says so (platform-managed); see CTAP 2.3 section 7.1.
	EnterpriseAttestation uint

	Hints      []Hint // preferred first
	Extensions CreationExtensions
}

// ClientDataHash returns the SHA-256 of ClientDataJSON, 32 bytes.
func (r *MakeCredentialRequest) ClientDataHash() []byte { return clientDataHash(r.ClientDataJSON) }

// A MakeCredentialResult is a new credential.
type MakeCredentialResult struct {
	// AttestationObject is the CBOR map of fmt, attStmt and authData (WebAuthn L3
	// section 6.5.4), with the attestation as the authenticator made it.
	AttestationObject []byte

	// ClientDataJSON is what was signed, by its hash, if the authenticator is an API
	// that makes client data of its own. Nil stands for the request's.
	ClientDataJSON []byte

	Transports []string   // how the authenticator can be reached: ctap2.TransportUSB and so on
	Attachment Attachment // of the authenticator
	Extensions CreationExtensionOutputs
}

// A GetAssertionRequest asks an [Authenticator] for a signature with one of the
// relying party's credentials.
type GetAssertionRequest struct {
	ClientDataJSON []byte // what is signed, by its hash
	RPID           string // never empty

	// AllowCredentials are the credentials that will do, any number; none at all
	// means a discoverable credential, which the user chooses if there are
	// several.
	AllowCredentials []ctap2.PublicKeyCredentialDescriptor

	UserVerification UserVerification // never empty
	Hints            []Hint           // preferred first
	Extensions       RequestExtensions
}

// ClientDataHash returns the SHA-256 of ClientDataJSON, 32 bytes.
func (r *GetAssertionRequest) ClientDataHash() []byte { return clientDataHash(r.ClientDataJSON) }

// A GetAssertionResult is a signature with a credential.
type GetAssertionResult struct {
	CredentialID      []byte // never empty
	AuthenticatorData []byte // as the authenticator signed it
	Signature         []byte
	UserHandle        []byte // nil if the authenticator does not tell
	ClientDataJSON    []byte // as for MakeCredentialResult

	Attachment Attachment // of the authenticator
	Extensions RequestExtensionOutputs
}

func clientDataHash(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}
