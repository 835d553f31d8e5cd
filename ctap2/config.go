package ctap2

import (
	"errors"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A ConfigSubCommand says what authenticatorConfig shall do (CTAP 2.3 section
// 6.11).
type ConfigSubCommand uint

// The subcommands of authenticatorConfig.
const (
	EnableEnterpriseAttestation ConfigSubCommand = 0x01
	ToggleAlwaysUv              ConfigSubCommand = 0x02
	SetMinPINLength             ConfigSubCommand = 0x03
	EnableLongTouchForReset     ConfigSubCommand = 0x04 // CTAP 2.2
	VendorPrototype             ConfigSubCommand = 0xff
)

var configNames = map[ConfigSubCommand]string{
	EnableEnterpriseAttestation: "enableEnterpriseAttestation",
	ToggleAlwaysUv:              "toggleAlwaysUv",
	SetMinPINLength:             "setMinPINLength",
	EnableLongTouchForReset:     "enableLongTouchForReset",
	VendorPrototype:             "vendorPrototype",
}

// String returns the specification's name of the subcommand.
func (s ConfigSubCommand) String() string { return nameOf(configNames, s) }

func (s ConfigSubCommand) operation() operation { return operation{CommandConfig, uint(s)} }

// A ConfigRequest changes a setting of the key (CTAP 2.3 section 6.11). [Client]
// has methods that are easier to use.
type ConfigRequest struct {
	SubCommand ConfigSubCommand `cbor:"1,keyasint,omitzero"`

	// SubCommandParams is an encoded map, whose members have other meanings and
	// types for each subcommand: see SetMinPINLengthParams. Those of
	// vendorPrototype are the vendor's, but for 0x01, the vendor command's ID.
	SubCommandParams cbor.RawMessage `cbor:"2,keyasint,omitzero"`

	PinUvAuthProtocol pinuv.Protocol `cbor:"3,keyasint,omitzero"`
	PinUvAuthParam    []byte         `cbor:"4,keyasint,omitzero"`

	Received `cbor:"-"`
}

// Message returns what PinUvAuthParam authenticates: 32 bytes of 0xff, 0x0d, the
// subcommand and SubCommandParams.
func (r *ConfigRequest) Message() []byte {
	message := make([]byte, 0, 32+2+len(r.SubCommandParams))
	for range 32 {
		message = append(message, 0xff)
	}
	message = append(message, byte(CommandConfig), byte(r.SubCommand))
	return append(message, r.SubCommandParams...)
}

// Authorize adds the proof that the user was verified: the MAC of Message under
// token, which needs the permission acfg.
func (r *ConfigRequest) Authorize(token *pinuv.Token) {
	r.PinUvAuthProtocol, r.PinUvAuthParam = token.Protocol(), token.Authenticate(r.Message())
}

// Append appends the request, command byte first, to dst.
func (r *ConfigRequest) Append(dst []byte) ([]byte, error) {
	return cbor.Append(append(dst, byte(CommandConfig)), r)
}

// ParseConfigRequest decodes the parameters of a request as an authenticator
// receives them; see [ParseMakeCredentialRequest]. Only subCommand is required
// here. SubCommandParams is checked to be canonical and to be a map, and is left
// to [ParseSetMinPINLengthParams] and the like.
func ParseConfigRequest(parameters []byte) (*ConfigRequest, error) {
	r := new(ConfigRequest)
	if err := parseRequest(parameters, r, &r.Received, 1); err != nil {
		return nil, err
	}
	if _, _, ok := mapHead(r.SubCommandParams); !ok && r.Has(2) {
		return nil, &RequestError{StatusCBORUnexpectedType, errors.New("subCommandParams is not a map")}
	}
	return r, nil
}

// SetMinPINLengthParams are the subCommandParams of setMinPINLength (CTAP 2.3
// section 6.11.4). What is zero stays as it is.
type SetMinPINLengthParams struct {
	// NewMinPINLength is the new minimum in code points. It can only grow; a
	// shorter PIN has to be changed before it is used again.
	NewMinPINLength uint `cbor:"1,keyasint,omitzero"`

	// MinPinLengthRPIDs replaces the list of relying parties that the
	// extensions minPinLength and pinComplexityPolicy answer, or adds to it if
	// the vendor has fixed one; at most GetInfoResponse.MaxRPIDsForSetMinPINLength.
	MinPinLengthRPIDs []string `cbor:"2,keyasint,omitzero"`

	ForceChangePin      bool `cbor:"3,keyasint,omitzero"` // the PIN has to be changed before it is used again
	PinComplexityPolicy bool `cbor:"4,keyasint,omitzero"` // CTAP 2.2; switches the policy on until a reset

	Received `cbor:"-"`
}

// ParseSetMinPINLengthParams decodes the SubCommandParams of setMinPINLength as
// an authenticator receives them; absent ones are zero. The error is a
// *[RequestError].
func ParseSetMinPINLengthParams(params cbor.RawMessage) (*SetMinPINLengthParams, error) {
	p := new(SetMinPINLengthParams)
	if err := parseRequest(params, p, &p.Received); err != nil {
		return nil, err
	}
	return p, nil
}

// VendorPrototypeParams are those of the subCommandParams of vendorPrototype
// that the specification names (CTAP 2.3 section 6.11.6).
type VendorPrototypeParams struct {
	VendorCommandID uint64 `cbor:"1,keyasint"` // one of GetInfoResponse.VendorPrototypeConfigCommands
}

// ParseVendorPrototypeParams decodes the SubCommandParams of vendorPrototype as
// an authenticator receives them, and leaves the vendor's aside. The error is a
// *[RequestError].
func ParseVendorPrototypeParams(params cbor.RawMessage) (*VendorPrototypeParams, error) {
	p := new(VendorPrototypeParams)
	if err := parseRequest(params, p, new(Received), 1); err != nil {
		return nil, err
	}
	return p, nil
}
