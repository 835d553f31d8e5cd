package webauthn

import (
	"encoding/json"
	"time"

	"github.com/gofido/fido/ctap2"
)

// RequestOptions are what a site wants of a login:
// PublicKeyCredentialRequestOptions (WebAuthn L3 section 5.5). Their JSON form is
// that of section 5.1.9.
type RequestOptions struct {
	Challenge []byte        // not empty; at least 16 random bytes
	Timeout   time.Duration // zero if absent; see Config
	RPID      string        // empty stands for the origin's domain

	// AllowCredentials are the credentials that will do; none at all means any
	// passkey of the relying party.
	AllowCredentials []ctap2.PublicKeyCredentialDescriptor

	UserVerification UserVerification
	Hints            []Hint // preferred first
	Extensions       RequestExtensions
}

// ParseRequestOptions reads the JSON form of the options; see
// [ParseCreationOptions].
func ParseRequestOptions(b []byte) (*RequestOptions, error) {
	var err error
	o := readObject(b, &err)
	o.require("challenge")
	r := &RequestOptions{
		Challenge:        o.data("challenge", maxData),
		Timeout:          o.timeout(),
		RPID:             o.text("rpId"),
		AllowCredentials: o.descriptors("allowCredentials"),
		UserVerification: known(UserVerification(o.text("userVerification")), userVerifications),
		Hints:            o.hints(),
		Extensions:       o.object("extensions").requestExtensions(),
	}
	if err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// check judges what has nothing to do with the origin.
func (o *RequestOptions) check() error {
	if len(o.Challenge) == 0 {
		return fail(TypeError, "the site's challenge is empty")
	}
	return o.Extensions.check(knownDescriptors(o.AllowCredentials))
}

// UnmarshalJSON is [ParseRequestOptions], for options that are a part of what the
// site sends. Null changes nothing.
func (o *RequestOptions) UnmarshalJSON(b []byte) error { return unmarshal(o, b, ParseRequestOptions) }

// MarshalJSON returns the JSON form, which [ParseRequestOptions] reads.
func (o RequestOptions) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Challenge        base64URL             `json:"challenge"`
		Timeout          int64                 `json:"timeout,omitzero"`
		RPID             string                `json:"rpId,omitempty"`
		AllowCredentials []descriptorJSON      `json:"allowCredentials,omitempty"`
		UserVerification UserVerification      `json:"userVerification,omitempty"`
		Hints            []Hint                `json:"hints,omitempty"`
		Extensions       requestExtensionsJSON `json:"extensions,omitzero"`
	}{
		o.Challenge, o.Timeout.Milliseconds(), o.RPID, descriptorsJSON(o.AllowCredentials),
		o.UserVerification, o.Hints, o.Extensions.json(),
	})
}
