package ctap2

import (
	"errors"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/pinuv"
)

// The version strings of getInfo (CTAP 2.3 section 6.4). FIDO_2_2 was never
// defined; some keys send it all the same.
const (
	VersionU2F       = "U2F_V2"
	VersionFIDO20    = "FIDO_2_0"
	VersionFIDO21Pre = "FIDO_2_1_PRE"
	VersionFIDO21    = "FIDO_2_1"
	VersionFIDO23    = "FIDO_2_3"
)

// The option identifiers of getInfo (CTAP 2.3 section 6.4). For many an absent
// option differs from one that is false: see each.
const (
	OptionPlat                           = "plat"                           // bound to the platform, can't be removed
	OptionRK                             = "rk"                             // makes discoverable credentials
	OptionClientPIN                      = "clientPin"                      // true: a PIN is set; false: one can be; absent: it can't
	OptionUP                             = "up"                             // tests user presence; absent means true
	OptionUV                             = "uv"                             // built-in user verification: true configured, false not yet, absent none
	OptionPinUvAuthToken                 = "pinUvAuthToken"                 // tokens with permissions
	OptionNoMcGaPermissionsWithClientPin = "noMcGaPermissionsWithClientPin" // a PIN gives no token for mc and ga
	OptionLargeBlobs                     = "largeBlobs"                     // the command largeBlobs
	OptionEP                             = "ep"                             // enterprise attestation: true on, false off, absent none
	OptionBioEnroll                      = "bioEnroll"                      // true: fingerprints are enrolled; false: none yet; absent: no sensor
	OptionUserVerificationMgmtPreview    = "userVerificationMgmtPreview"    // as bioEnroll, of FIDO_2_1_PRE
	OptionUVBioEnroll                    = "uvBioEnroll"                    // built-in verification gives the permission be
	OptionAuthnrCfg                      = "authnrCfg"                      // the command authenticatorConfig
	OptionUVAcfg                         = "uvAcfg"                         // built-in verification gives the permission acfg
	OptionCredMgmt                       = "credMgmt"                       // the command credentialManagement
	OptionPerCredMgmtRO                  = "perCredMgmtRO"                  // persistent tokens that read the credentials (CTAP 2.2)
	OptionCredentialMgmtPreview          = "credentialMgmtPreview"          // as credMgmt, of FIDO_2_1_PRE
	OptionSetMinPINLength                = "setMinPINLength"                // authenticatorConfig's setMinPINLength
	OptionMakeCredUvNotRqd               = "makeCredUvNotRqd"               // non-discoverable credentials need no user verification
	OptionAlwaysUv                       = "alwaysUv"                       // true: always verifies the user; false: can be switched on; absent: can't
)

// The transports of getInfo (CTAP 2.3 section 6.4).
const (
	TransportUSB       = "usb"
	TransportNFC       = "nfc"
	TransportBLE       = "ble"
	TransportInternal  = "internal"
	TransportHybrid    = "hybrid"
	TransportSmartCard = "smart-card"
)

// DefaultMaxMsgSize is the largest request, in bytes, that every key takes: a
// command byte and its CBOR (CTAP 2.3 section 6.4, maxMsgSize).
const DefaultMaxMsgSize = 1024

// InfoOptions are the options of getInfo. Values that are not boolean, which
// some keys send, are left out when decoding.
type InfoOptions map[string]bool

// UnmarshalCBOR decodes a map and leaves out what is not boolean.
func (o *InfoOptions) UnmarshalCBOR(item []byte) error {
	var all map[string]infoOption
	if _, err := cbor.UnmarshalLenient(item, &all); err != nil {
		return err
	}
	*o = make(InfoOptions, len(all))
	for name, v := range all {
		if v == optionFalse || v == optionTrue {
			(*o)[name] = v == optionTrue
		}
	}
	return nil
}

// infoOption is the first byte of an option's value.
type infoOption byte

const (
	optionFalse infoOption = 0xf4
	optionTrue  infoOption = 0xf5
)

func (o *infoOption) UnmarshalCBOR(item []byte) error {
	*o = infoOption(item[0])
	return nil
}

// A GetInfoResponse is what a key tells of itself (CTAP 2.3 section 6.4). A nil
// pointer, or nil where that differs from empty, is a member that the key does
// not send.
type GetInfoResponse struct {
	Versions                 []string                        `cbor:"1,keyasint"`
	Extensions               []string                        `cbor:"2,keyasint,omitempty"`
	AAGUID                   AAGUID                          `cbor:"3,keyasint"`
	Options                  InfoOptions                     `cbor:"4,keyasint,omitempty"`
	MaxMsgSize               uint                            `cbor:"5,keyasint,omitzero"`  // bytes; see MaxMessage
	PinUvAuthProtocols       []pinuv.Protocol                `cbor:"6,keyasint,omitempty"` // preferred first
	MaxCredentialCountInList uint                            `cbor:"7,keyasint,omitzero"`
	MaxCredentialIDLength    uint                            `cbor:"8,keyasint,omitzero"` // bytes
	Transports               []string                        `cbor:"9,keyasint,omitempty"`
	Algorithms               []PublicKeyCredentialParameters `cbor:"10,keyasint,omitempty"` // preferred first

	MaxSerializedLargeBlobArray      uint            `cbor:"11,keyasint,omitzero"` // bytes, at least 1,024 if largeBlobs
	ForcePINChange                   bool            `cbor:"12,keyasint,omitzero"` // the PIN must be changed before it is used
	MinPINLength                     uint            `cbor:"13,keyasint,omitzero"` // code points; see PINLengths
	FirmwareVersion                  *uint64         `cbor:"14,keyasint,omitzero"` // the vendor's number
	MaxCredBlobLength                uint            `cbor:"15,keyasint,omitzero"` // bytes, at least 32 if credBlob
	MaxRPIDsForSetMinPINLength       *uint           `cbor:"16,keyasint,omitzero"`
	PreferredPlatformUvAttempts      uint            `cbor:"17,keyasint,omitzero"`
	UvModality                       *uint64         `cbor:"18,keyasint,omitzero"` // bits of the FIDO registry of predefined values, user verification methods
	Certifications                   map[string]uint `cbor:"19,keyasint,omitempty"`
	RemainingDiscoverableCredentials *uint           `cbor:"20,keyasint,omitzero"`
	VendorPrototypeConfigCommands    []uint64        `cbor:"21,keyasint,omitzero"`

	// CTAP 2.2
	AttestationFormats       []string `cbor:"22,keyasint,omitempty"`
	UvCountSinceLastPinEntry *uint    `cbor:"23,keyasint,omitzero"`
	LongTouchForReset        *bool    `cbor:"24,keyasint,omitzero"` // a reset wants a touch of five seconds
	EncIdentifier            []byte   `cbor:"25,keyasint,omitzero"` // 32 bytes; see section 6.4, encIdentifier
	TransportsForReset       []string `cbor:"26,keyasint,omitempty"`
	PinComplexityPolicy      *bool    `cbor:"27,keyasint,omitzero"`
	PinComplexityPolicyURL   []byte   `cbor:"28,keyasint,omitzero"`
	MaxPINLength             uint     `cbor:"29,keyasint,omitzero"` // code points; see PINLengths

	// CTAP 2.3
	EncCredStoreState           []byte `cbor:"30,keyasint,omitzero"` // 32 bytes
	AuthenticatorConfigCommands []uint `cbor:"31,keyasint,omitzero"`

	Reply `cbor:"-"`
}

// Append appends the response, without a status byte, to dst.
func (r *GetInfoResponse) Append(dst []byte) ([]byte, error) { return cbor.Append(dst, r) }

// ParseGetInfoResponse decodes a response, what follows the status byte. It
// accepts what real keys send; Reply says what was forgiven: an
// optional member of the wrong type is left out and listed in Ignored.
func ParseGetInfoResponse(b []byte) (*GetInfoResponse, error) {
	r := new(GetInfoResponse)
	err := parseReply(CommandGetInfo, b, r, &r.Reply)
	if _, ok := errors.AsType[*cbor.TypeError](err); ok {
		r, err = parseOddInfo(b, err)
	}
	if err != nil {
		return nil, err
	}
	if len(r.Versions) == 0 {
		return nil, badReply(CommandGetInfo, b, "versions is missing")
	}
	return r, nil
}

// MaxMessage returns the size, in bytes, of the largest request that the key
// takes: MaxMsgSize, or [DefaultMaxMsgSize] if the key does not say.
func (r *GetInfoResponse) MaxMessage() int {
	if r.MaxMsgSize == 0 {
		return DefaultMaxMsgSize
	}
	return int(min(r.MaxMsgSize, 1<<16))
}

// PreferredPinUvAuthProtocol returns the PIN/UV auth protocol to use: the first
// in PinUvAuthProtocols that package pinuv implements, or protocol one for a key
// of CTAP 2.0, which need not have the list. The error is an
// *[UnsupportedError] if there is none.
func (r *GetInfoResponse) PreferredPinUvAuthProtocol() (pinuv.Protocol, error) {
	for _, p := range r.PinUvAuthProtocols {
		if p == pinuv.One || p == pinuv.Two {
			return p, nil
		}
	}
	if len(r.PinUvAuthProtocols) == 0 && slices.Contains(r.Versions, VersionFIDO20) {
		return pinuv.One, nil
	}
	return 0, &UnsupportedError{"a PIN/UV auth protocol that is known here"}
}

// PINLengths returns the least and the most code points of a new PIN: 4 and 63
// if the key does not say.
func (r *GetInfoResponse) PINLengths() (least, most uint) {
	least, most = 4, 63
	if r.MinPINLength > least {
		least = r.MinPINLength
	}
	if r.MaxPINLength > 0 && r.MaxPINLength < most {
		most = r.MaxPINLength
	}
	return least, most
}
