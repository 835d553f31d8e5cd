package webauthn

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// CreationOptions are what a site wants of a new credential:
// PublicKeyCredentialCreationOptions (WebAuthn L3 section 5.4). Their JSON form is
// that of section 5.1.8.
type CreationOptions struct {
	RP        ctap2.PublicKeyCredentialRPEntity   // an empty ID stands for the origin's domain
	User      ctap2.PublicKeyCredentialUserEntity // ID has 1 to 64 bytes
	Challenge []byte                              // not empty; at least 16 random bytes

	// PubKeyCredParams are the algorithms that will do, preferred first; none at
	// all stands for ES256 and RS256.
	PubKeyCredParams []ctap2.PublicKeyCredentialParameters

	Timeout                time.Duration // zero if absent; see Config
	ExcludeCredentials     []ctap2.PublicKeyCredentialDescriptor
	AuthenticatorSelection AuthenticatorSelection
	Hints                  []Hint // preferred first
	Attestation            Attestation
	AttestationFormats     []string // preferred first
	Extensions             CreationExtensions
}

// AuthenticatorSelection says which authenticators will do (WebAuthn L3 section
// 5.4.4). Empty members have the defaults that their types tell.
type AuthenticatorSelection struct {
	Attachment       Attachment  // authenticatorAttachment
	ResidentKey      ResidentKey // residentKey, or what requireResidentKey says
	UserVerification UserVerification
}

// ParseCreationOptions reads the JSON form of the options, at most [MaxOptions]
// bytes: the object itself, or one that has it as its member publicKey, as servers
// often send it. Members and values that are unknown are ignored, as clients must.
// Texts that only people read, such as displayName, may be absent. The error is an
// *[Error].
func ParseCreationOptions(b []byte) (*CreationOptions, error) {
	var err error
	o := readObject(b, &err)
	o.require("rp", "user", "challenge")
	rp, user, selection := o.object("rp"), o.object("user"), o.object("authenticatorSelection")
	user.require("id")
	r := &CreationOptions{
		RP:                 ctap2.PublicKeyCredentialRPEntity{ID: rp.text("id"), Name: rp.text("name")},
		User:               ctap2.PublicKeyCredentialUserEntity{ID: user.data("id", maxData), Name: user.text("name"), DisplayName: user.text("displayName")},
		Challenge:          o.data("challenge", maxData),
		Timeout:            o.timeout(),
		ExcludeCredentials: o.descriptors("excludeCredentials"),
		AuthenticatorSelection: AuthenticatorSelection{
			Attachment:       known(Attachment(selection.text("authenticatorAttachment")), attachments),
			ResidentKey:      known(ResidentKey(selection.text("residentKey")), residentKeys),
			UserVerification: known(UserVerification(selection.text("userVerification")), userVerifications),
		},
		Hints:              o.hints(),
		Attestation:        known(Attestation(o.text("attestation")), attestations),
		AttestationFormats: o.texts("attestationFormats"),
		Extensions:         o.object("extensions").creationExtensions(),
	}
	for _, p := range o.objects("pubKeyCredParams") {
		p.require("type", "alg")
		r.PubKeyCredParams = append(r.PubKeyCredParams, ctap2.PublicKeyCredentialParameters{Alg: cose.Algorithm(p.integer("alg")), Type: p.text("type")})
	}
	if required := selection.flag("requireResidentKey"); required && r.AuthenticatorSelection.ResidentKey == "" {
		r.AuthenticatorSelection.ResidentKey = ResidentKeyRequired
	}
	if err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// timeout reads the timeout, of which a site may say anything.
func (o jsonObject) timeout() time.Duration {
	const day = 24 * time.Hour // more than any client waits
	ms := o.number("timeout")
	return time.Duration(max(0, min(ms, float64(day.Milliseconds())))) * time.Millisecond
}

// check judges what has nothing to do with the origin.
func (o *CreationOptions) check() error {
	switch {
	case len(o.Challenge) == 0:
		return fail(TypeError, "the site's challenge is empty")
	case len(o.User.ID) < 1 || len(o.User.ID) > 64:
		return fail(TypeError, "the site's user.id has %d bytes, not 1 to 64", len(o.User.ID))
	}
	return o.Extensions.check()
}

type entityJSON struct {
	ID          any     `json:"id,omitempty"`
	Name        string  `json:"name"`
	DisplayName *string `json:"displayName,omitempty"`
}

type paramJSON struct {
	Type string         `json:"type"`
	Alg  cose.Algorithm `json:"alg"`
}

type selectionJSON struct {
	Attachment         Attachment       `json:"authenticatorAttachment,omitempty"`
	ResidentKey        ResidentKey      `json:"residentKey,omitempty"`
	RequireResidentKey bool             `json:"requireResidentKey,omitempty"`
	UserVerification   UserVerification `json:"userVerification,omitempty"`
}

// UnmarshalJSON is [ParseCreationOptions], for options that are a part of what the
// site sends. Null changes nothing.
func (o *CreationOptions) UnmarshalJSON(b []byte) error { return unmarshal(o, b, ParseCreationOptions) }

// MarshalJSON returns the JSON form, which [ParseCreationOptions] reads.
func (o CreationOptions) MarshalJSON() ([]byte, error) {
	params := []paramJSON{}
	for _, p := range o.PubKeyCredParams {
		params = append(params, paramJSON{cmp.Or(p.Type, ctap2.TypePublicKey), p.Alg})
	}
	s := o.AuthenticatorSelection
	return json.Marshal(struct {
		RP                     entityJSON             `json:"rp"`
		User                   entityJSON             `json:"user"`
		Challenge              base64URL              `json:"challenge"`
		PubKeyCredParams       []paramJSON            `json:"pubKeyCredParams"`
		Timeout                int64                  `json:"timeout,omitzero"`
		ExcludeCredentials     []descriptorJSON       `json:"excludeCredentials,omitempty"`
		AuthenticatorSelection selectionJSON          `json:"authenticatorSelection,omitzero"`
		Hints                  []Hint                 `json:"hints,omitempty"`
		Attestation            Attestation            `json:"attestation,omitempty"`
		AttestationFormats     []string               `json:"attestationFormats,omitempty"`
		Extensions             creationExtensionsJSON `json:"extensions,omitzero"`
	}{
		entityJSON{ID: optional(o.RP.ID), Name: o.RP.Name},
		entityJSON{ID: base64URL(o.User.ID), Name: o.User.Name, DisplayName: &o.User.DisplayName},
		o.Challenge, params, o.Timeout.Milliseconds(), descriptorsJSON(o.ExcludeCredentials),
		selectionJSON{s.Attachment, s.ResidentKey, s.ResidentKey == ResidentKeyRequired, s.UserVerification},
		o.Hints, o.Attestation, o.AttestationFormats, o.Extensions.json(),
	})
}

// optional returns nil for an empty string.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}
