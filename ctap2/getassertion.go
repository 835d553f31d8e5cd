package ctap2

import (
	"cmp"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A GetAssertionRequest asks for a signature with a credential of the relying
// party (CTAP 2.3 section 6.2.1).
type GetAssertionRequest struct {
	RPID           string                          `cbor:"1,keyasint,omitzero"`
	ClientDataHash []byte                          `cbor:"2,keyasint,omitzero"`  // 32 bytes
	AllowList      []PublicKeyCredentialDescriptor `cbor:"3,keyasint,omitempty"` // absent: any discoverable credential
	Extensions     Extensions                      `cbor:"4,keyasint,omitempty"`
	Options        Options                         `cbor:"5,keyasint,omitzero"`

	// See MakeCredentialRequest; Authorize sets them.
	PinUvAuthParam    []byte         `cbor:"6,keyasint,omitzero"`
	PinUvAuthProtocol pinuv.Protocol `cbor:"7,keyasint,omitzero"`

	Received `cbor:"-"`
}

// Authorize adds the proof that the user was verified: the MAC of
// ClientDataHash under token, which needs the permission ga for RPID.
func (r *GetAssertionRequest) Authorize(token *pinuv.Token) {
	r.PinUvAuthParam = token.Authenticate(r.ClientDataHash)
	r.PinUvAuthProtocol = token.Protocol()
}

// Append appends the request, command byte first, to dst.
func (r *GetAssertionRequest) Append(dst []byte) ([]byte, error) {
	return cbor.Append(append(dst, byte(CommandGetAssertion)), r)
}

// ParseGetAssertionRequest decodes the parameters of a request as an
// authenticator receives them; see [ParseMakeCredentialRequest]. A getAssertion
// may name an empty allowList, which Has(3) tells from an absent one.
func ParseGetAssertionRequest(parameters []byte) (*GetAssertionRequest, error) {
	r := new(GetAssertionRequest)
	if err := parseRequest(parameters, r, &r.Received, 1, 2); err != nil {
		return nil, err
	}
	if r.RPID == "" {
		return nil, missing("rpId")
	}
	if err := checkDescriptors("allowList", r.AllowList); err != nil {
		return nil, err
	}
	return r, nil
}

// A GetAssertionResponse is an assertion (CTAP 2.3 section 6.2.2), the answer
// to getAssertion and to getNextAssertion.
type GetAssertionResponse struct {
	// Credential may be empty when the request's allowList has one entry.
	Credential PublicKeyCredentialDescriptor `cbor:"1,keyasint,omitzero"`
	AuthData   AuthenticatorData             `cbor:"2,keyasint"`
	Signature  []byte                        `cbor:"3,keyasint"`

	// User is given for discoverable credentials: the ID alone unless the user
	// was verified.
	User *PublicKeyCredentialUserEntity `cbor:"4,keyasint,omitzero"`

	NumberOfCredentials      uint         `cbor:"5,keyasint,omitzero"` // in the first answer, when there are several
	UserSelected             bool         `cbor:"6,keyasint,omitzero"` // the user chose the account on the key
	LargeBlobKey             LargeBlobKey `cbor:"7,keyasint,omitzero"` // for GetLargeBlob
	UnsignedExtensionOutputs Extensions   `cbor:"8,keyasint,omitempty"`

	Reply `cbor:"-"`
}

// Append appends the response, without a status byte, to dst.
func (r *GetAssertionResponse) Append(dst []byte) ([]byte, error) { return cbor.Append(dst, r) }

// ParseGetAssertionResponse decodes a response, what follows the status byte.
// It accepts what real keys send; Reply says what was forgiven.
func ParseGetAssertionResponse(b []byte) (*GetAssertionResponse, error) {
	r := new(GetAssertionResponse)
	if err := parseReply(CommandGetAssertion, b, r, &r.Reply); err != nil {
		return nil, err
	}
	switch {
	case r.AuthData.Raw == nil:
		return nil, badReply(CommandGetAssertion, b, "authData is missing")
	case len(r.Signature) == 0:
		return nil, badReply(CommandGetAssertion, b, "signature is missing")
	}
	return r, nil
}

func (r *GetAssertionResponse) refuse() error { return cmp.Or(r.Reply.refuse(), r.AuthData.refuse()) }
