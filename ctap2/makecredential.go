package ctap2

import (
	"cmp"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A MakeCredentialRequest asks for a new credential (CTAP 2.3 section 6.1.1).
type MakeCredentialRequest struct {
	ClientDataHash   []byte                          `cbor:"1,keyasint,omitzero"` // 32 bytes
	RP               PublicKeyCredentialRPEntity     `cbor:"2,keyasint,omitzero"`
	User             PublicKeyCredentialUserEntity   `cbor:"3,keyasint,omitzero"`
	PubKeyCredParams []PublicKeyCredentialParameters `cbor:"4,keyasint,omitzero"` // preferred first
	ExcludeList      []PublicKeyCredentialDescriptor `cbor:"5,keyasint,omitempty"`
	Extensions       Extensions                      `cbor:"6,keyasint,omitempty"`
	Options          Options                         `cbor:"7,keyasint,omitzero"`

	// PinUvAuthParam and PinUvAuthProtocol prove that the user was verified;
	// Authorize sets them. A PinUvAuthParam that is empty but not nil asks the
	// key for a touch and nothing else, which selects one among several keys of
	// CTAP 2.0.
	PinUvAuthParam    []byte         `cbor:"8,keyasint,omitzero"`
	PinUvAuthProtocol pinuv.Protocol `cbor:"9,keyasint,omitzero"`

	EnterpriseAttestation        uint     `cbor:"10,keyasint,omitzero"` // 1 vendor-facilitated, 2 platform-managed
	AttestationFormatsPreference []string `cbor:"11,keyasint,omitzero"` // CTAP 2.2; preferred first

	Received `cbor:"-"`
}

// Authorize adds the proof that the user was verified: the MAC of
// ClientDataHash under token, which needs the permission mc for RP.ID.
func (r *MakeCredentialRequest) Authorize(token *pinuv.Token) {
	r.PinUvAuthParam = token.Authenticate(r.ClientDataHash)
	r.PinUvAuthProtocol = token.Protocol()
}

// Append appends the request, command byte first, to dst.
func (r *MakeCredentialRequest) Append(dst []byte) ([]byte, error) {
	return cbor.Append(append(dst, byte(CommandMakeCredential)), r)
}

// ParseMakeCredentialRequest decodes the parameters of a request, what follows
// the command byte, as an authenticator receives them. The error is a
// *[RequestError] with the status to answer: StatusMissingParameter if a required
// parameter is missing, StatusCBORUnexpectedType if one has the wrong type, or
// is a map that lacks a member which it must have, such as rp.id (CTAP 2.3
// section 8), and StatusInvalidCBOR if the CBOR is not canonical. Values are not
// judged.
func ParseMakeCredentialRequest(parameters []byte) (*MakeCredentialRequest, error) {
	r := new(MakeCredentialRequest)
	if err := parseRequest(parameters, r, &r.Received, 1, 2, 3, 4); err != nil {
		return nil, err
	}
	if r.RP.ID == "" {
		return nil, incomplete("rp.id")
	}
	if r.User.ID == nil {
		return nil, incomplete("user.id")
	}
	for _, p := range r.PubKeyCredParams {
		if p.Alg == 0 || p.Type == "" {
			return nil, incomplete("a member of pubKeyCredParams")
		}
	}
	if err := checkDescriptors("excludeList", r.ExcludeList); err != nil {
		return nil, err
	}
	return r, nil
}

// A MakeCredentialResponse is the new credential (CTAP 2.3 section 6.1.2).
type MakeCredentialResponse struct {
	Fmt      string            `cbor:"1,keyasint"`          // the attestation statement format
	AuthData AuthenticatorData `cbor:"2,keyasint"`          // with AttestedCredentialData
	AttStmt  cbor.RawMessage   `cbor:"3,keyasint,omitzero"` // see package attestation

	EpAtt                    bool         `cbor:"4,keyasint,omitzero"` // an enterprise attestation was made
	LargeBlobKey             LargeBlobKey `cbor:"5,keyasint,omitzero"` // for GetLargeBlob
	UnsignedExtensionOutputs Extensions   `cbor:"6,keyasint,omitempty"`

	Reply `cbor:"-"`
}

// Append appends the response, without a status byte, to dst.
func (r *MakeCredentialResponse) Append(dst []byte) ([]byte, error) { return cbor.Append(dst, r) }

// ParseMakeCredentialResponse decodes a response, what follows the status
// byte. It accepts what real keys send; Reply says what was forgiven.
func ParseMakeCredentialResponse(b []byte) (*MakeCredentialResponse, error) {
	r := new(MakeCredentialResponse)
	if err := parseReply(CommandMakeCredential, b, r, &r.Reply); err != nil {
		return nil, err
	}
	switch {
	case r.Fmt == "":
		return nil, badReply(CommandMakeCredential, b, "fmt is missing")
	case r.AuthData.Raw == nil:
		return nil, badReply(CommandMakeCredential, b, "authData is missing")
	case r.AuthData.AttestedCredentialData == nil:
		return nil, badReply(CommandMakeCredential, b, "authData has no attested credential data")
	}
	return r, nil
}

func (r *MakeCredentialResponse) refuse() error { return cmp.Or(r.Reply.refuse(), r.AuthData.refuse()) }
