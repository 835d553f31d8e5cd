package webauthn

import "github.com/gofido/fido/ctap2"

// CreationExtensions are the extensions that a site may ask for when a credential
// is made. Others are ignored, as clients must ignore what they don't know
// (WebAuthn L3 section 9).
type CreationExtensions struct {
	AppIDExclude string // appidExclude: the AppID of the site's U2F credentials, which count as excluded (section 10.1.2)
	CredProps    bool   // credProps: tell whether the credential is discoverable (section 10.1.3)
	PRF          *PRFInputs

	// LargeBlob is largeBlob's support (section 10.1.5); empty if absent.
	LargeBlob ctap2.LargeBlobSupport

	// CredProtect is credentialProtectionPolicy, zero if absent;
	// EnforceCredProtect makes no credential on an authenticator that does not
	// have it (CTAP 2.3 section 12.1).
	CredProtect        ctap2.CredProtect
	EnforceCredProtect bool

	CredBlob            []byte // credBlob: bytes to store with the credential; nil if absent (CTAP 2.3 section 12.2)
	MinPINLength        bool   // minPinLength (CTAP 2.3 section 12.5)
	PINComplexityPolicy bool   // pinComplexityPolicy (CTAP 2.3 section 12.6)
}

// CreationExtensionOutputs are the client extension outputs for a new credential.
// Nil is an output that is absent.
type CreationExtensionOutputs struct {
	AppIDExclude *bool // set by the Client: true whenever the extension was asked for
	CredProps    *CredProps
	PRF          *PRFOutputs
	LargeBlob    *LargeBlobOutputs // Supported
	CredBlob     *bool             // whether the authenticator stored it
}

// CredProps is the output of the extension credProps (WebAuthn L3 section
// 10.1.3).
type CredProps struct {
	RK *bool // whether the credential is discoverable; nil if that is not known
}

// RequestExtensions are the extensions that a site may ask for with an assertion.
type RequestExtensions struct {
	AppID string // appid: the AppID of the site's U2F credentials, to be tried as RP ID (section 10.1.1)
	PRF   *PRFInputs

	LargeBlob *LargeBlobInputs

	GetCredBlob bool // getCredBlob (CTAP 2.3 section 12.2)
}

// RequestExtensionOutputs are the client extension outputs of an assertion. Nil
// is an output that is absent.
type RequestExtensionOutputs struct {
	AppID     *bool // whether AppID was used as RP ID; the authenticator sets it if AppID was given
	PRF       *PRFOutputs
	LargeBlob *LargeBlobOutputs // Blob or Written
	CredBlob  []byte            // getCredBlob; nil if the authenticator does not tell
}

// PRFInputs are the inputs of the extension prf (WebAuthn L3 section 10.1.4): a
// pseudo-random function of the credential, hmac-secret below.
type PRFInputs struct {
	Eval *PRFValues // nil if absent

	// EvalByCredential has inputs for single credentials, by credential ID (as it
	// is, not as base64url); they go before Eval. Only for assertions, and only
	// for credentials in AllowCredentials.
	EvalByCredential map[string]PRFValues
}

// For returns the inputs for a credential, nil if there are none.
func (p *PRFInputs) For(credentialID []byte) *PRFValues {
	if p == nil {
		return nil
	}
	if v, ok := p.EvalByCredential[string(credentialID)]; ok {
		return &v
	}
	return p.Eval
}

// PRFValues are one or two inputs or outputs of prf. Inputs have any length;
// ctap2.PRFSalt makes salts of them. Outputs have 32 bytes.
type PRFValues struct {
	First  []byte
	Second []byte // nil if absent
}

// PRFOutputs are the outputs of prf. Results are secrets: see Wipe.
type PRFOutputs struct {
	Enabled *bool      // set for a new credential only: whether prf works with it
	Results *PRFValues // nil if there are none
}

// LargeBlobInputs are the inputs of largeBlob in an assertion (WebAuthn L3 section
// 10.1.5): one of both.
type LargeBlobInputs struct {
	Read  bool
	Write []byte // nil if absent; with exactly one entry in AllowCredentials
}

// LargeBlobOutputs are the outputs of largeBlob. Nil is a member that is absent.
type LargeBlobOutputs struct {
	Supported *bool  // of a new credential
	Blob      []byte // what was read; nil if there is none
	Written   *bool
}

// Wipe overwrites the results.
func (p *PRFOutputs) Wipe() {
	if p != nil && p.Results != nil {
		clear(p.Results.First)
		clear(p.Results.Second)
	}
}
