package ctap2

import (
	"bytes"
	"fmt"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A ClientPINSubCommand says what clientPIN shall do (CTAP 2.3 section
// 6.5.5).
type ClientPINSubCommand uint

// The subcommands of clientPIN.
const (
	GetPINRetries                            ClientPINSubCommand = 0x01
	GetKeyAgreement                          ClientPINSubCommand = 0x02
	SetPIN                                   ClientPINSubCommand = 0x03
	ChangePIN                                ClientPINSubCommand = 0x04
	GetPINToken                              ClientPINSubCommand = 0x05
	GetPinUvAuthTokenUsingUvWithPermissions  ClientPINSubCommand = 0x06
	GetUVRetries                             ClientPINSubCommand = 0x07
	GetPinUvAuthTokenUsingPinWithPermissions ClientPINSubCommand = 0x09
)

var clientPINNames = map[ClientPINSubCommand]string{
	GetPINRetries:                            "getPINRetries",
	GetKeyAgreement:                          "getKeyAgreement",
	SetPIN:                                   "setPIN",
	ChangePIN:                                "changePIN",
	GetPINToken:                              "getPinToken",
	GetPinUvAuthTokenUsingUvWithPermissions:  "getPinUvAuthTokenUsingUvWithPermissions",
	GetUVRetries:                             "getUVRetries",
	GetPinUvAuthTokenUsingPinWithPermissions: "getPinUvAuthTokenUsingPinWithPermissions",
}

// String returns the specification's name of the subcommand.
func (s ClientPINSubCommand) String() string {
	if name, ok := clientPINNames[s]; ok {
		return name
	}
	return fmt.Sprintf("subcommand 0x%02x", uint(s))
}

func (s ClientPINSubCommand) operation() operation { return operation{CommandClientPIN, uint(s)} }

// Permissions are what a PIN/UV auth token may be used for (CTAP 2.3 section
// 6.5.5.7).
type Permissions uint

// The permissions. MakeCredential and GetAssertion need an RP ID.
const (
	PermissionMC   Permissions = 0x01 // makeCredential
	PermissionGA   Permissions = 0x02 // getAssertion
	PermissionCM   Permissions = 0x04 // credentialManagement
	PermissionBE   Permissions = 0x08 // bioEnrollment
	PermissionLBW  Permissions = 0x10 // largeBlobs, writing
	PermissionACFG Permissions = 0x20 // authenticatorConfig
	PermissionPCMR Permissions = 0x40 // credentialManagement, reading only, with a persistent token; alone
)

// String lists the permissions by their short names, as in "mc, ga".
func (p Permissions) String() string {
	s := ""
	for i, name := range []string{"mc", "ga", "cm", "be", "lbw", "acfg", "pcmr"} {
		if p&(1<<i) != 0 {
			if s != "" {
				s += ", "
			}
			s += name
			p &^= 1 << i
		}
	}
	if p != 0 {
		if s != "" {
			s += ", "
		}
		s += fmt.Sprintf("0x%x", uint(p))
	}
	if s == "" {
		return "none"
	}
	return s
}

// A ClientPINRequest is about the PIN, built-in user verification and the
// tokens that they yield (CTAP 2.3 section 6.5.5). [Client] has methods that
// are easier to use.
type ClientPINRequest struct {
	PinUvAuthProtocol pinuv.Protocol      `cbor:"1,keyasint,omitzero"`
	SubCommand        ClientPINSubCommand `cbor:"2,keyasint,omitzero"`
	KeyAgreement      *cose.Key           `cbor:"3,keyasint,omitzero"` // the platform's key
	PinUvAuthParam    []byte              `cbor:"4,keyasint,omitzero"`
	NewPinEnc         []byte              `cbor:"5,keyasint,omitzero"`
	PinHashEnc        []byte              `cbor:"6,keyasint,omitzero"`
	Permissions       Permissions         `cbor:"9,keyasint,omitzero"`
	RPID              string              `cbor:"10,keyasint,omitzero"`

	Received `cbor:"-"`
}

// Append appends the request, command byte first, to dst.
func (r *ClientPINRequest) Append(dst []byte) ([]byte, error) {
	return cbor.Append(append(dst, byte(CommandClientPIN)), r)
}

// ParseClientPINRequest decodes the parameters of a request as an
// authenticator receives them; see [ParseMakeCredentialRequest]. Only
// subCommand is required here: what else is depends on it.
//
// The platform's key is judged when it is used, which is after other checks, and
// by some subcommands never: of a map that is no key KeyAgreement has Raw alone,
// which [cose.Parse] and the methods of [cose.Key] refuse.
func ParseClientPINRequest(parameters []byte) (*ClientPINRequest, error) {
	var in receivedClientPIN
	r := new(ClientPINRequest)
	if err := parseRequest(parameters, &in, &r.Received, 2); err != nil {
		return nil, err
	}
	r.PinUvAuthProtocol, r.SubCommand = in.PinUvAuthProtocol, in.SubCommand
	r.KeyAgreement = in.KeyAgreement.key
	r.PinUvAuthParam, r.NewPinEnc, r.PinHashEnc = in.PinUvAuthParam, in.NewPinEnc, in.PinHashEnc
	r.Permissions, r.RPID = in.Permissions, in.RPID
	return r, nil
}

// receivedClientPIN is a ClientPINRequest whose key need not be one.
type receivedClientPIN struct {
	PinUvAuthProtocol pinuv.Protocol      `cbor:"1,keyasint"`
	SubCommand        ClientPINSubCommand `cbor:"2,keyasint"`
	KeyAgreement      receivedKey         `cbor:"3,keyasint"`
	PinUvAuthParam    []byte              `cbor:"4,keyasint"`
	NewPinEnc         []byte              `cbor:"5,keyasint"`
	PinHashEnc        []byte              `cbor:"6,keyasint"`
	Permissions       Permissions         `cbor:"9,keyasint"`
	RPID              string              `cbor:"10,keyasint"`
}

// receivedKey is any map.
type receivedKey struct{ key *cose.Key }

// UnmarshalCBOR decodes a map, which is kept as it came if it is no key.
func (k *receivedKey) UnmarshalCBOR(item []byte) error {
	if _, _, ok := mapHead(item); !ok {
		return cbor.Unmarshal(item, &struct{}{}) // a *cbor.TypeError
	}
	key, err := cose.Parse(item)
	if err != nil {
		key = &cose.Key{Raw: bytes.Clone(item)}
	}
	k.key = key
	return nil
}

// A ClientPINResponse answers clientPIN; which members are there depends on the
// subcommand.
type ClientPINResponse struct {
	KeyAgreement    *cose.Key `cbor:"1,keyasint,omitzero"` // the key's key
	PinUvAuthToken  []byte    `cbor:"2,keyasint,omitzero"` // encrypted
	PINRetries      *uint     `cbor:"3,keyasint,omitzero"` // wrong PINs left until the PIN is blocked, at most 8
	PowerCycleState *bool     `cbor:"4,keyasint,omitzero"` // the key must be unplugged before the next try
	UVRetries       *uint     `cbor:"5,keyasint,omitzero"`

	Reply `cbor:"-"`
}

// Append appends the response, without a status byte, to dst; nothing when no
// member is set, as after setPIN.
func (r *ClientPINResponse) Append(dst []byte) ([]byte, error) {
	if r.KeyAgreement == nil && r.PinUvAuthToken == nil && r.PINRetries == nil && r.PowerCycleState == nil && r.UVRetries == nil {
		return dst, nil
	}
	return cbor.Append(dst, r)
}

// ParseClientPINResponse decodes a response, what follows the status byte; it
// may be empty.
func ParseClientPINResponse(b []byte) (*ClientPINResponse, error) {
	r := new(ClientPINResponse)
	if err := parseReply(CommandClientPIN, b, r, &r.Reply); err != nil {
		return nil, err
	}
	return r, nil
}
