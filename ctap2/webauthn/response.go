package webauthn

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// A RegistrationResponse is a new credential as the site sees it. It marshals to
// RegistrationResponseJSON (WebAuthn L3 section 5.1).
type RegistrationResponse struct {
	ID                      []byte     // the credential ID
	AuthenticatorAttachment Attachment // empty if it is not known

	ClientDataJSON    []byte
	AttestationObject []byte // without what the site did not ask for
	Transports        []string

	// Taken from AttestationObject, for sites that don't read CBOR.
	AuthenticatorData  []byte
	PublicKeyAlgorithm cose.Algorithm
	PublicKey          []byte // a DER SubjectPublicKeyInfo; nil for an algorithm that crypto/x509 does not know

	ClientExtensionResults CreationExtensionOutputs
}

// An AuthenticationResponse is a login as the site sees it. It marshals to
// AuthenticationResponseJSON (WebAuthn L3 section 5.1).
type AuthenticationResponse struct {
	ID                      []byte     // the credential ID
	AuthenticatorAttachment Attachment // empty if it is not known

	ClientDataJSON    []byte
	AuthenticatorData []byte
	Signature         []byte
	UserHandle        []byte // nil if the authenticator does not tell

	ClientExtensionResults RequestExtensionOutputs
}

var errEmptyResult = errors.New("the authenticator's answer lacks what it must have")

// registrationResponse makes the response of what an authenticator made.
func registrationResponse(r *MakeCredentialRequest, made *MakeCredentialResult) (*RegistrationResponse, error) {
	if made == nil {
		return nil, errEmptyResult
	}
	object, data, err := conveyAttestation(r.Attestation, made.AttestationObject)
	if err != nil {
		return nil, err
	}
	transports := slices.Clone(made.Transports)
	slices.Sort(transports)
	credential := data.AttestedCredentialData
	response := &RegistrationResponse{
		ID:                      credential.CredentialID,
		AuthenticatorAttachment: made.Attachment,
		ClientDataJSON:          signedClientData(made.ClientDataJSON, r.ClientDataJSON),
		AttestationObject:       object,
		Transports:              slices.Compact(transports),
		AuthenticatorData:       data.Raw,
		PublicKeyAlgorithm:      credential.PublicKey.Alg,
		ClientExtensionResults:  made.Extensions,
	}
	if key, err := credential.PublicKey.PublicKey(); err == nil {
		response.PublicKey, _ = x509.MarshalPKIXPublicKey(key)
	}
	if r.Extensions.AppIDExclude != "" {
		response.ClientExtensionResults.AppIDExclude = new(true)
	}
	return response, nil
}

// authenticationResponse makes the response of what an authenticator signed.
func authenticationResponse(r *GetAssertionRequest, got *GetAssertionResult) (*AuthenticationResponse, error) {
	if got == nil || len(got.CredentialID) == 0 || len(got.AuthenticatorData) == 0 || len(got.Signature) == 0 {
		return nil, errEmptyResult
	}
	response := &AuthenticationResponse{
		ID:                      got.CredentialID,
		AuthenticatorAttachment: got.Attachment,
		ClientDataJSON:          signedClientData(got.ClientDataJSON, r.ClientDataJSON),
		AuthenticatorData:       got.AuthenticatorData,
		Signature:               got.Signature,
		UserHandle:              got.UserHandle,
		ClientExtensionResults:  got.Extensions,
	}
	if len(response.UserHandle) == 0 {
		// Some authenticators put an empty one where they know of none. A site gave
		// none such (section 5.4.3), and would not know it.
		response.UserHandle = nil
	}
	if r.Extensions.AppID != "" && response.ClientExtensionResults.AppID == nil {
		response.ClientExtensionResults.AppID = new(false)
	}
	return response, nil
}

// signedClientData returns that of the authenticator, or the client's if it made
// none.
func signedClientData(theirs, ours []byte) []byte {
	if len(theirs) > 0 {
		return theirs
	}
	return ours
}

// responseJSON is what both responses share.
type responseJSON struct {
	ID         base64URL  `json:"id"`
	RawID      base64URL  `json:"rawId"`
	Type       string     `json:"type"`
	Attachment Attachment `json:"authenticatorAttachment,omitempty"`
	Response   any        `json:"response"`
	Extensions any        `json:"clientExtensionResults"`
}

// MarshalJSON returns the JSON form that the site expects. It has all outputs of
// extensions: a program that keeps the results of prf to itself, to encrypt with,
// sets ClientExtensionResults.PRF.Results to nil before.
func (r RegistrationResponse) MarshalJSON() ([]byte, error) {
	transports := r.Transports
	if transports == nil {
		transports = []string{}
	}
	return json.Marshal(responseJSON{r.ID, r.ID, ctap2.TypePublicKey, r.AuthenticatorAttachment, struct {
		ClientDataJSON     base64URL      `json:"clientDataJSON"`
		AuthenticatorData  base64URL      `json:"authenticatorData"`
		Transports         []string       `json:"transports"`
		PublicKey          base64URL      `json:"publicKey,omitzero"`
		PublicKeyAlgorithm cose.Algorithm `json:"publicKeyAlgorithm"`
		AttestationObject  base64URL      `json:"attestationObject"`
	}{r.ClientDataJSON, r.AuthenticatorData, transports, r.PublicKey, r.PublicKeyAlgorithm, r.AttestationObject}, &r.ClientExtensionResults})
}

// MarshalJSON returns the JSON form that the site expects, with all outputs of
// extensions; see [RegistrationResponse.MarshalJSON].
func (r AuthenticationResponse) MarshalJSON() ([]byte, error) {
	return json.Marshal(responseJSON{r.ID, r.ID, ctap2.TypePublicKey, r.AuthenticatorAttachment, struct {
		ClientDataJSON    base64URL `json:"clientDataJSON"`
		AuthenticatorData base64URL `json:"authenticatorData"`
		Signature         base64URL `json:"signature"`
		UserHandle        base64URL `json:"userHandle,omitzero"`
	}{r.ClientDataJSON, r.AuthenticatorData, r.Signature, r.UserHandle}, &r.ClientExtensionResults})
}
