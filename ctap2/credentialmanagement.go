package ctap2

import (
	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A CredentialManagementSubCommand says what credentialManagement shall do
// (CTAP 2.3 section 6.8).
type CredentialManagementSubCommand uint

// The subcommands of credentialManagement. The preview command of FIDO_2_1_PRE
// does not have UpdateUserInformation.
const (
	GetCredsMetadata                      CredentialManagementSubCommand = 0x01
	EnumerateRPsBegin                     CredentialManagementSubCommand = 0x02
	EnumerateRPsGetNextRP                 CredentialManagementSubCommand = 0x03
	EnumerateCredentialsBegin             CredentialManagementSubCommand = 0x04
	EnumerateCredentialsGetNextCredential CredentialManagementSubCommand = 0x05
	DeleteCredential                      CredentialManagementSubCommand = 0x06
	UpdateUserInformation                 CredentialManagementSubCommand = 0x07
)

var credentialManagementNames = map[CredentialManagementSubCommand]string{
	GetCredsMetadata:                      "getCredsMetadata",
	EnumerateRPsBegin:                     "enumerateRPsBegin",
	EnumerateRPsGetNextRP:                 "enumerateRPsGetNextRP",
	EnumerateCredentialsBegin:             "enumerateCredentialsBegin",
	EnumerateCredentialsGetNextCredential: "enumerateCredentialsGetNextCredential",
	DeleteCredential:                      "deleteCredential",
	UpdateUserInformation:                 "updateUserInformation",
}

// String returns the specification's name of the subcommand.
func (s CredentialManagementSubCommand) String() string { return nameOf(credentialManagementNames, s) }

func (s CredentialManagementSubCommand) operation() operation {
	return operation{CommandCredentialManagement, uint(s)}
}

// CredentialManagementParams are the subCommandParams of credentialManagement;
// which of them a subcommand has is said in CTAP 2.3 section 6.8.
type CredentialManagementParams struct {
	RPIDHash     []byte                         `cbor:"1,keyasint,omitzero"` // 32 bytes: enumerateCredentialsBegin
	CredentialID *PublicKeyCredentialDescriptor `cbor:"2,keyasint,omitzero"` // deleteCredential, updateUserInformation
	User         *PublicKeyCredentialUserEntity `cbor:"3,keyasint,omitzero"` // updateUserInformation
}

// A CredentialManagementRequest is about the discoverable credentials on the
// key (CTAP 2.3 section 6.8). [Client] has methods that are easier to use.
//
// Append starts with [CommandCredentialManagement]; the preview differs in that
// byte alone.
type CredentialManagementRequest struct {
	SubCommand        CredentialManagementSubCommand `cbor:"1,keyasint,omitzero"`
	SubCommandParams  *CredentialManagementParams    `cbor:"2,keyasint,omitzero"`
	PinUvAuthProtocol pinuv.Protocol                 `cbor:"3,keyasint,omitzero"`
	PinUvAuthParam    []byte                         `cbor:"4,keyasint,omitzero"`

	Received `cbor:"-"`
}

// Message returns what PinUvAuthParam authenticates: the subcommand and the
// encoded SubCommandParams. Of a parsed request these are the bytes that came,
// unknown members included. It fails if the params can't be encoded.
func (r *CredentialManagementRequest) Message() ([]byte, error) {
	return appendParams([]byte{byte(r.SubCommand)}, &r.Received, 2, r.SubCommandParams)
}

// Authorize adds the proof that the user was verified: the MAC of Message under
// token, which needs the permission cm, or pcmr to read alone.
func (r *CredentialManagementRequest) Authorize(token *pinuv.Token) error {
	message, err := r.Message()
	if err != nil {
		return err
	}
	r.PinUvAuthProtocol, r.PinUvAuthParam = token.Protocol(), token.Authenticate(message)
	return nil
}

// Append appends the request, command byte first, to dst.
func (r *CredentialManagementRequest) Append(dst []byte) ([]byte, error) {
	return cbor.Append(append(dst, byte(CommandCredentialManagement)), r)
}

// ParseCredentialManagementRequest decodes the parameters of a request as an
// authenticator receives them; see [ParseMakeCredentialRequest]. Only
// subCommand is required here: what else is depends on it, and the
// specification has it judged after the PIN/UV auth parameter. A credentialID or
// a user that is there has to be whole.
func ParseCredentialManagementRequest(parameters []byte) (*CredentialManagementRequest, error) {
	r := new(CredentialManagementRequest)
	if err := parseRequest(parameters, r, &r.Received, 1); err != nil {
		return nil, err
	}
	if p := r.SubCommandParams; p != nil {
		if d := p.CredentialID; d != nil && (d.ID == nil || d.Type == "") {
			return nil, incomplete("a member of credentialID")
		}
		if p.User != nil && p.User.ID == nil {
			return nil, incomplete("user.id")
		}
	}
	return r, nil
}

// A CredentialManagementResponse answers credentialManagement (CTAP 2.3 section
// 6.8); which members are there depends on the subcommand. Nil is a member that
// the key does not send.
type CredentialManagementResponse struct {
	ExistingResidentCredentialsCount             *uint                          `cbor:"1,keyasint,omitzero"`
	MaxPossibleRemainingResidentCredentialsCount *uint                          `cbor:"2,keyasint,omitzero"`
	RP                                           *PublicKeyCredentialRPEntity   `cbor:"3,keyasint,omitzero"`
	RPIDHash                                     []byte                         `cbor:"4,keyasint,omitzero"` // 32 bytes
	TotalRPs                                     *uint                          `cbor:"5,keyasint,omitzero"`
	User                                         *PublicKeyCredentialUserEntity `cbor:"6,keyasint,omitzero"`
	CredentialID                                 *PublicKeyCredentialDescriptor `cbor:"7,keyasint,omitzero"`
	PublicKey                                    *cose.Key                      `cbor:"8,keyasint,omitzero"`
	TotalCredentials                             *uint                          `cbor:"9,keyasint,omitzero"`
	CredProtect                                  CredProtect                    `cbor:"10,keyasint,omitzero"`
	LargeBlobKey                                 LargeBlobKey                   `cbor:"11,keyasint,omitzero"` // for GetLargeBlob
	ThirdPartyPayment                            *bool                          `cbor:"12,keyasint,omitzero"` // CTAP 2.2

	Reply `cbor:"-"`
}

// empty reports whether no member is set.
func (r *CredentialManagementResponse) empty() bool {
	return r.ExistingResidentCredentialsCount == nil && r.MaxPossibleRemainingResidentCredentialsCount == nil &&
		r.RP == nil && r.RPIDHash == nil && r.TotalRPs == nil && r.User == nil && r.CredentialID == nil &&
		r.PublicKey == nil && r.TotalCredentials == nil && r.CredProtect == 0 && r.LargeBlobKey == nil && r.ThirdPartyPayment == nil
}

// Append appends the response, without a status byte, to dst; nothing when no
// member is set, as after deleteCredential.
func (r *CredentialManagementResponse) Append(dst []byte) ([]byte, error) {
	if r.empty() {
		return dst, nil
	}
	return cbor.Append(dst, r)
}

// ParseCredentialManagementResponse decodes a response, what follows the status
// byte; it may be empty. It accepts what real keys send; Reply says what was
// forgiven.
func ParseCredentialManagementResponse(b []byte) (*CredentialManagementResponse, error) {
	r := new(CredentialManagementResponse)
	if err := parseReply(CommandCredentialManagement, b, r, &r.Reply); err != nil {
		return nil, err
	}
	return r, nil
}
