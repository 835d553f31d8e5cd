package ctap2

import "github.com/gofido/fido/ctap2/cose"

// TypePublicKey is the only credential type there is (WebAuthn L3 section
// 5.8.2).
const TypePublicKey = "public-key"

// A PublicKeyCredentialRPEntity names a relying party (WebAuthn L3 section
// 5.4.2).
type PublicKeyCredentialRPEntity struct {
	ID   string `cbor:"id"`            // a domain such as "example.com"
	Name string `cbor:"name,omitzero"` // for people; a key may shorten or ignore it
}

// A PublicKeyCredentialUserEntity names an account (WebAuthn L3 section
// 5.4.3). A key may cut Name and DisplayName, at 64 bytes or more.
type PublicKeyCredentialUserEntity struct {
	ID          []byte `cbor:"id"`                   // the user handle, 1 to 64 bytes, meaningless to people
	Name        string `cbor:"name,omitzero"`        // such as "ada@example.com"
	DisplayName string `cbor:"displayName,omitzero"` // such as "Ada Lovelace"
}

// A PublicKeyCredentialDescriptor names a credential (WebAuthn L3 section
// 5.8.3).
type PublicKeyCredentialDescriptor struct {
	ID         []byte   `cbor:"id"`                  // the credential ID, at most 1,023 bytes
	Type       string   `cbor:"type"`                // TypePublicKey; others are ignored
	Transports []string `cbor:"transports,omitzero"` // hints, which keys ignore
}

// PublicKeyCredentialParameters is an algorithm that the relying party accepts
// (WebAuthn L3 section 5.3).
type PublicKeyCredentialParameters struct {
	Alg  cose.Algorithm `cbor:"alg"`
	Type string         `cbor:"type"` // TypePublicKey
}

// Options are the options of makeCredential and getAssertion (CTAP 2.3
// sections 6.1.1 and 6.2.1). An option that is nil is not sent, which differs
// from false: a key without user verification refuses UV even when it is
// false. new(true) makes a pointer.
type Options struct {
	RK *bool `cbor:"rk,omitzero"` // makeCredential: make a discoverable credential
	UP *bool `cbor:"up,omitzero"` // getAssertion: test user presence (true when absent)
	UV *bool `cbor:"uv,omitzero"` // verify the user on the key; not with PinUvAuthParam
}
