package site

import (
	"encoding/json"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/gofido/fido/ctap2"
)

// Bytes are base64url without padding in JSON, as in WebAuthn's.
type Bytes = protocol.URLEncodedBase64

// A Report is what the site learned from a registration or a login that it
// accepted.
type Report struct {
	User         string `json:"user"`
	UserHandle   Bytes  `json:"userHandle,omitempty"` // of a login: that the credential gave it, if it did
	CredentialID Bytes  `json:"credentialId"`

	Flags              Flags  `json:"flags"`
	SignCount          uint32 `json:"signCount"`
	CloneWarning       bool   `json:"cloneWarning,omitempty"` // the counter did not go up
	PublicKeyAlgorithm int64  `json:"publicKeyAlgorithm"`     // COSE

	AuthenticatorAttachment string `json:"authenticatorAttachment,omitempty"`

	// Registration tells what only a registration does; nil after a login.
	Registration *RegistrationReport `json:"registration,omitempty"`

	ClientExtensionResults json.RawMessage `json:"clientExtensionResults"`                  // may have secrets: prf
	AuthenticatorOutputs   map[string]any  `json:"authenticatorExtensionResults,omitempty"` // that the key signed
}

// Flags are those of the authenticator data (WebAuthn L3 section 6.1).
type Flags struct {
	UP bool `json:"up"` // user present
	UV bool `json:"uv"` // user verified
	BE bool `json:"be"` // the credential may be backed up
	BS bool `json:"bs"` // it is backed up
}

// RegistrationReport is what a site learns once of a credential.
type RegistrationReport struct {
	AAGUID            string   `json:"aaguid"`            // of the key's model; zero if the key or the client hides it
	AttestationFormat string   `json:"attestationFormat"` // "none", "packed", "fido-u2f" …
	AttestationType   string   `json:"attestationType"`   // "none", "basic_surrogate" (self), "basic_full" …
	Transports        []string `json:"transports"`
	Discoverable      *bool    `json:"discoverable,omitempty"` // that credProps says so; nil: it was not asked, or does not know
}

func registrationReport(u *User, c *webauthn.Credential, p *protocol.ParsedCredentialCreationData) *Report {
	data := &p.Response.AttestationObject.AuthData
	r := report(u, c, data, p.Raw.ClientExtensionResults)
	r.AuthenticatorAttachment = string(p.AuthenticatorAttachment)
	r.Registration = &RegistrationReport{
		AAGUID:            ctap2.AAGUID(data.AttData.AAGUID).String(), // 16 bytes, or it had not been read
		AttestationFormat: c.AttestationFormat,
		AttestationType:   c.AttestationType,
		Transports:        transports(c.Transport),
		Discoverable:      c.Extensions.RK,
	}
	return r
}

func loginReport(u *User, c *webauthn.Credential, p *protocol.ParsedCredentialAssertionData) *Report {
	r := report(u, c, &p.Response.AuthenticatorData, p.Raw.ClientExtensionResults)
	r.AuthenticatorAttachment = string(p.AuthenticatorAttachment)
	r.UserHandle = p.Response.UserHandle
	r.CloneWarning = c.Authenticator.CloneWarning
	return r
}

func report(u *User, c *webauthn.Credential, d *protocol.AuthenticatorData, results protocol.AuthenticationExtensionsClientOutputs) *Report {
	r := &Report{User: u.Name, CredentialID: c.ID, SignCount: d.Counter, PublicKeyAlgorithm: algorithm(c.PublicKey)}
	r.Flags = Flags{d.Flags.HasUserPresent(), d.Flags.HasUserVerified(), d.Flags.HasBackupEligible(), d.Flags.HasBackupState()}
	r.ClientExtensionResults, _ = json.Marshal(results) // has been JSON before
	r.AuthenticatorOutputs = authenticatorOutputs(d.Ext)
	return r
}

func algorithm(publicKey []byte) int64 {
	var key webauthncose.PublicKeyData
	if webauthncbor.Unmarshal(publicKey, &key) != nil {
		return int64(webauthncose.AlgES256) // U2F's keys are plain points
	}
	return key.Algorithm
}

// authenticatorOutputs are by the names of CTAP. hmac-secret's output is
// encrypted for the client, and tells the site nothing.
func authenticatorOutputs(e *protocol.AuthenticatorExtensionOutputs) map[string]any {
	if e == nil {
		return nil
	}
	out := map[string]any{}
	if e.CredProtect != nil {
		out["credProtect"] = *e.CredProtect
	}
	if e.MinPinLength != nil {
		out["minPinLength"] = *e.MinPinLength
	}
	if e.CredBlobSet != nil {
		out["credBlob"] = *e.CredBlobSet
	} else if e.CredBlob != nil {
		out["credBlob"] = Bytes(e.CredBlob)
	}
	if e.HMACSecret != nil {
		out["hmac-secret"] = *e.HMACSecret
	}
	for name, value := range e.Extra {
		if _, err := json.Marshal(value); err == nil {
			out[name] = value
		}
	}
	return out
}

func transports(in []protocol.AuthenticatorTransport) []string {
	out := make([]string, len(in))
	for i, t := range in {
		out[i] = string(t)
	}
	slices.Sort(out)
	return out
}
