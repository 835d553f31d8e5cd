package virtual

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Config says what a key is like. The zero value is a useful CTAP 2.3 key on
// USB without built-in user verification. A key keeps a copy.
//
// What a version of the specification does not have, a key of that [Profile]
// does not have either, whatever the Config says of it. And what is mandatory for
// FIDO_2_1 and later can be taken away, but then getInfo does not list those
// versions: hmac-secret, PIN/UV auth protocol two, credProtect on a key that
// verifies users, minPinLength where the length can be set, and for passkeys a PIN
// or built-in user verification and credentialManagement.
type Config struct {
	Profile  Profile      // the version of the specification
	Previews bool         // the key is of FIDO_2_1_PRE too: it has the preview commands 0x40 and 0x41, and credProtect
	AAGUID   ctap2.AAGUID // zero: [DefaultAAGUID]

	User    User      // nil: AlwaysTouch
	Clock   Clock     // nil: package time
	Rand    io.Reader // nil: crypto/rand; RSA keys are always made with that
	Storage Storage   // nil: a MemoryStorage of its own

	// Observer, if not nil, is told of every change to a credential and of
	// every assertion, before the command's reply is given. No lock is held; it
	// may look inside the key, but not send it commands.
	Observer func(Event)

	// Info has the last word on what getInfo answers: it may change, add and
	// remove every member. What the key does remains as it is. The key's lock is
	// held: it must not call the key.
	Info func(*ctap2.GetInfoResponse)

	// Algorithms of new credentials, the key's favourite first: ES256, ES384,
	// EdDSA and RS256 can be made. Nil: ES256, EdDSA, ES384, RS256. An RS256
	// credential does not fit in a credential ID of the usual length: it is stored
	// and takes a place of MaxCredentials even if it is not discoverable.
	Algorithms []cose.Algorithm

	// Attestation makes the attestation statements. Nil: packed, with a
	// certificate that [AttestationRoot] has issued. The key's lock is held: it
	// must not call the key.
	Attestation        Attestation
	AttestationFormats []string    // that getInfo lists; nil: packed, or none at all with an Attestation
	Enterprise         *Enterprise // nil: the key can't give enterprise attestations

	MaxCredentials           int // stored credentials the key has room for, see Algorithms; 0: 100
	MaxCredentialCountInList int // 0: 8
	MaxCredentialIDLength    int // bytes, 16 to 1,023; 0: 128
	MaxMsgSize               int // bytes, 1,024 to 7,609; 0: 1,200

	// LargeBlobCapacity is the size in bytes, at least 1,024, of the serialized
	// large-blob array that the key has room for; 0: 4,096. With
	// LargeBlobExtension, of each credential's blob, which has at most 4,096 so
	// that a reply can hold it.
	LargeBlobCapacity  int
	LargeBlobExtension bool // the extension largeBlob instead of the command largeBlobs and largeBlobKey
	MaxCredBlobLength  int  // bytes, at least 32; 0: 32

	CredProtect ctap2.CredProtect // the level of credentials that are made without credProtect; 0: userVerificationOptional

	Protocols     []pinuv.Protocol // PIN/UV auth protocols, the favourite first; nil: two, one; for FIDO20 one
	WithoutPIN    bool             // the key can't have a PIN
	MinPINLength  int              // code points, 4 to 63; 0: 4
	MaxPINLength  int              // code points, 8 to 63; 0: 63
	PINRetries    int              // wrong PINs until the PIN is blocked, at most 8; 0: 8
	PINComplexity *PINComplexity   // nil: the length is all that matters

	// MaxRPIDsForSetMinPINLength is how many relying parties can be told the
	// minimum PIN length; 0: 8, negative: none. MinPINLengthRPIDs are told from the
	// start, as by a vendor, and in addition.
	MaxRPIDsForSetMinPINLength int
	MinPINLengthRPIDs          []string

	UV           UV           // built-in user verification
	Fingerprints Fingerprints // the sensor of a key with [FingerprintUV]
	UVRetries    int          // failed verifications until it is blocked, at most 25; 0: 3
	UVAttempts   int          // that one command may make on its own, at most 5; 0: 1
	UVModality   int          // bits of getInfo's uvModality; 0: fingerprint
	NoPINForMcGa bool         // option noMcGaPermissionsWithClientPin: PIN tokens for neither makeCredential nor getAssertion
	UVAcfg       bool         // option of that name: built-in user verification gives the permission acfg
	UVBioEnroll  bool         // option of that name: built-in user verification gives the permission be

	// Display gives the key one, on which the user chooses among several
	// accounts: see [Chooser].
	Display bool

	AlwaysUV         bool // option alwaysUv is true from the start: every use needs user verification
	AlwaysUVStays    bool // alwaysUv, once on, can't be switched off
	UVForEverything  bool // option makeCredUvNotRqd is false: even a non-discoverable credential needs user verification
	WithoutRK        bool // option rk is false: no discoverable credentials
	WithoutLongTouch bool // the key does not know longTouchForReset

	// LongTouchForReset makes a reset want a touch of five seconds, see
	// [LongTouch], from the start; otherwise authenticatorConfig can. On a card
	// reader a tap is enough.
	LongTouchForReset bool

	// Transport is one of ctap2.TransportUSB (the meaning of ""),
	// TransportNFC and TransportSmartCard. On the last two, power-up counts as
	// one touch for two minutes, and nothing else does. It says how touches,
	// tokens and TransportsForReset work, whatever carries the key's messages.
	Transport          string
	Transports         []string // that getInfo lists; nil: Transport
	TransportsForReset []string // over which a reset is taken; nil: all, and getInfo does not list them

	FirmwareVersion uint64          // 0: 1
	Certifications  map[string]uint // by name, as CTAP 2.3 section 7.3 lists them

	// VendorCommands are those of authenticatorConfig's vendorPrototype, by
	// vendorCommandId. They get a copy of the encoded subCommandParams; an error
	// that is a ctap2.Status is answered, another as CTAP1_ERR_OTHER. The key's
	// lock is held: they must not call the key.
	VendorCommands map[uint64]func(params []byte) error

	ResetWindow time.Duration // after power-up, in which a reset is taken; 0: 10 s; negative: any time
	Counter     Counter       // how signature counters count
	History     int           // how many commands Commands remembers; 0: 32; negative: none

	// WithoutU2F makes a key that speaks no U2F. Others do, unless the option
	// alwaysUv is true: their credentials are the same in both protocols, but U2F
	// makes and uses none but ES256's, and attests with the certificate that
	// AttestationRoot has issued.
	WithoutU2F bool

	WithoutCommands   []ctap2.Command // commands that the key does not know
	WithoutExtensions []string        // extensions that the key does not know

	Faults Faults // what the key does wrong
}

// UV says whether a key has built-in user verification, such as a fingerprint
// sensor: the option uv.
type UV uint8

const (
	WithoutUV      UV = iota // none: the option is absent
	UnconfiguredUV           // not set up yet: the option is false
	ConfiguredUV             // ready: the option is true
	FingerprintUV            // a sensor: ready as soon as a fingerprint is enrolled, see Fingerprints
)

// A Counter says how signature counters count.
type Counter uint8

const (
	GlobalCounter Counter = iota // one for all credentials, which grows by one each time
	NoCounter                    // always zero, as some keys do for privacy
)

// DefaultAAGUID is the AAGUID of keys that are not given another.
var DefaultAAGUID = ctap2.AAGUID{0x7d, 0x2f, 0x9c, 0x1e, 0x5b, 0x60, 0x4a, 0x83, 0x9e, 0x1d, 0x30, 0xc6, 0xb8, 0xa4, 0xf2, 0x75}

// maxMessageSize is the most that CTAPHID carries, in bytes (CTAP 2.3 section
// 11.2.4).
const maxMessageSize = 7609

// minCredentialIDLength is that of the random IDs of stored credentials: 128
// bits can't be guessed (WebAuthn L3 section 4, Credential ID).
const minCredentialIDLength = 16

// limitTo takes back what the profile does not have.
func (c *Config) limitTo(p *profile) {
	if len(p.commands) == 0 {
		c.Previews = false
	}
	if !p.permissions {
		c.AlwaysUV, c.NoPINForMcGa, c.Enterprise = false, false, nil
	}
	if !p.info23 {
		c.LongTouchForReset, c.LargeBlobExtension, c.PINComplexity, c.MaxPINLength, c.TransportsForReset = false, false, nil, 0, nil
	}
}

// complete fills in the defaults and refuses what makes no sense.
func (c *Config) complete() error {
	if profiles[c.Profile] == nil {
		return fmt.Errorf("virtual: %v does not exist", c.Profile)
	}
	if c.Profile == U2FOnly && c.WithoutU2F {
		return errors.New("virtual: a U2FOnly key without U2F speaks nothing")
	}
	c.limitTo(profiles[c.Profile])
	if c.AAGUID == (ctap2.AAGUID{}) {
		c.AAGUID = DefaultAAGUID
	}
	if c.User == nil {
		c.User = AlwaysTouch()
	}
	if c.Clock == nil {
		c.Clock = systemClock{}
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Storage == nil {
		c.Storage = new(MemoryStorage)
	}
	if c.Algorithms == nil {
		c.Algorithms = defaultAlgorithms
	}
	for _, a := range c.Algorithms {
		if algorithms[a] == nil {
			return fmt.Errorf("virtual: credentials can't be made for %v", a)
		}
	}
	if c.Protocols == nil {
		c.Protocols = profiles[c.Profile].protocols
	}
	for _, p := range c.Protocols {
		if p != pinuv.One && p != pinuv.Two {
			return fmt.Errorf("virtual: %v does not exist", p)
		}
	}
	if c.Transport != "" && defaultTransports[c.Transport] == nil {
		return fmt.Errorf("virtual: transport %q does not exist", c.Transport)
	}
	if c.Transport == "" {
		c.Transport = ctap2.TransportUSB
	}
	if c.Transports == nil {
		c.Transports = defaultTransports[c.Transport]
	}
	if c.AttestationFormats == nil && c.Attestation == nil {
		c.AttestationFormats = defaultFormats
	}
	if c.FirmwareVersion == 0 {
		c.FirmwareVersion = 1
	}
	if c.NoPINForMcGa && c.UV == WithoutUV {
		return errors.New("virtual: a key with NoPINForMcGa needs built-in user verification")
	}
	if c.LongTouchForReset && c.WithoutLongTouch {
		return errors.New("virtual: a key with LongTouchForReset knows it")
	}
	if c.CredProtect > ctap2.CredProtectUVRequired {
		return fmt.Errorf("virtual: CredProtect is %d, not 1 to 3", c.CredProtect)
	}
	if c.MinPINLength > c.MaxPINLength && c.MaxPINLength > 0 {
		return fmt.Errorf("virtual: MinPINLength is %d, more than MaxPINLength", c.MinPINLength)
	}
	if c.Fingerprints.Kind == 0 {
		c.Fingerprints.Kind = ctap2.FingerprintTouch
	}
	if c.MaxRPIDsForSetMinPINLength == 0 {
		c.MaxRPIDsForSetMinPINLength = 8
	}
	c.MaxRPIDsForSetMinPINLength = max(0, c.MaxRPIDsForSetMinPINLength)
	if c.ResetWindow == 0 {
		c.ResetWindow = 10 * time.Second
	}
	if c.History == 0 {
		c.History = 32
	}
	for _, n := range []struct {
		name                string
		value               *int
		normal, least, most int
	}{
		{"MaxCredentials", &c.MaxCredentials, 100, 1, 1 << 16},
		{"MaxCredentialCountInList", &c.MaxCredentialCountInList, 8, 1, 1 << 10},
		{"MaxCredentialIDLength", &c.MaxCredentialIDLength, 128, minCredentialIDLength, ctap2.MaxCredentialIDLength},
		{"MaxMsgSize", &c.MaxMsgSize, 1200, ctap2.DefaultMaxMsgSize, maxMessageSize},
		{"LargeBlobCapacity", &c.LargeBlobCapacity, 4096, 1024, 1 << 16},
		{"MaxCredBlobLength", &c.MaxCredBlobLength, 32, 32, 1 << 10},
		{"MinPINLength", &c.MinPINLength, 4, 4, pinuv.MaxPINBytes},
		{"MaxPINLength", &c.MaxPINLength, pinuv.MaxPINBytes, 8, pinuv.MaxPINBytes},
		{"PINRetries", &c.PINRetries, 8, 1, 8},
		{"UVRetries", &c.UVRetries, 3, 1, 25},
		{"UVAttempts", &c.UVAttempts, 1, 1, 5},
		{"UVModality", &c.UVModality, 2, 1, 1<<31 - 1},
		{"Fingerprints.Max", &c.Fingerprints.Max, 5, 1, 100},
		{"Fingerprints.Samples", &c.Fingerprints.Samples, 4, 1, 100},
		{"Fingerprints.MaxNameLength", &c.Fingerprints.MaxNameLength, 15, 1, 255},
	} {
		if *n.value == 0 {
			*n.value = n.normal
		}
		if *n.value < n.least || *n.value > n.most {
			return fmt.Errorf("virtual: %s is %d, not %d to %d", n.name, *n.value, n.least, n.most)
		}
	}
	if n := c.Fingerprints.listSize(); n > maxMessageSize {
		return fmt.Errorf("virtual: %d fingerprints with names of %d bytes make a reply of %d bytes", c.Fingerprints.Max, c.Fingerprints.MaxNameLength, n)
	}
	return nil
}

// Shared by all keys: nobody changes them.
var (
	defaultFormats    = []string{attestation.FormatPacked}
	defaultTransports = map[string][]string{
		ctap2.TransportUSB:       {ctap2.TransportUSB},
		ctap2.TransportNFC:       {ctap2.TransportNFC},
		ctap2.TransportSmartCard: {ctap2.TransportSmartCard},
	}
)

var defaultAlgorithms = []cose.Algorithm{cose.ES256, cose.EdDSA, cose.ES384, cose.RS256}
