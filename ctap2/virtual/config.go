package virtual

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Config says what a key is like. The zero value is a useful CTAP 2.1 key on
// USB without built-in user verification. A key keeps a copy.
type Config struct {
	Profile Profile      // the version of the specification
	AAGUID  ctap2.AAGUID // zero: [DefaultAAGUID]

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
	Attestation Attestation

	MaxCredentials           int // stored credentials the key has room for, see Algorithms; 0: 100
	MaxCredentialCountInList int // 0: 8
	MaxCredentialIDLength    int // bytes, 16 to 1,023; 0: 128
	MaxMsgSize               int // bytes, 1,024 to 7,609; 0: 1,200

	Protocols    []pinuv.Protocol // PIN/UV auth protocols, the favourite first; nil: two, one
	WithoutPIN   bool             // the key can't have a PIN
	MinPINLength int              // code points, 4 to 63; 0: 4
	PINRetries   int              // wrong PINs until the PIN is blocked, at most 8; 0: 8

	UV           UV   // built-in user verification
	UVRetries    int  // failed verifications until it is blocked, at most 25; 0: 3
	UVAttempts   int  // that one command may make on its own, at most 5; 0: 1
	UVModality   int  // bits of getInfo's uvModality; 0: fingerprint
	NoPINForMcGa bool // option noMcGaPermissionsWithClientPin: PIN tokens for neither makeCredential nor getAssertion

	// Display gives the key one, on which the user chooses among several
	// accounts: see [Chooser].
	Display bool

	AlwaysUV        bool // option alwaysUv: every use needs user verification
	UVForEverything bool // option makeCredUvNotRqd is false: even a non-discoverable credential needs user verification

	// Transport is one of ctap2.TransportUSB (the meaning of ""),
	// TransportNFC and TransportSmartCard. On the last two, power-up counts as
	// one touch for two minutes, and nothing else does.
	Transport string

	ResetWindow time.Duration // after power-up, in which a reset is taken; 0: 10 s; negative: any time
	Counter     Counter       // how signature counters count
	History     int           // how many commands Commands remembers; 0: 32; negative: none

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
)

// A Counter says how signature counters count.
type Counter uint8

const (
	GlobalCounter Counter = iota // one for all credentials, which grows by one each time
	NoCounter                    // always zero, as some keys do for privacy
)

// DefaultAAGUID is the AAGUID of keys that are not given another.
var DefaultAAGUID = ctap2.AAGUID{0x7d, 0x2f, 0x9c, 0x1e, 0x5b, 0x60, 0x4a, 0x83, 0x9e, 0x1d, 0x30, 0xc6, 0xb8, 0xa4, 0xf2, 0x75}

// minCredentialIDLength is that of the random IDs of stored credentials: 128
// bits can't be guessed (WebAuthn L3 section 4, Credential ID).
const minCredentialIDLength = 16

// complete fills in the defaults and refuses what makes no sense.
func (c *Config) complete() error {
	if profiles[c.Profile] == nil {
		return fmt.Errorf("virtual: %v does not exist", c.Profile)
	}
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
		c.Protocols = defaultProtocols
	}
	for _, p := range c.Protocols {
		if p != pinuv.One && p != pinuv.Two {
			return fmt.Errorf("virtual: %v does not exist", p)
		}
	}
	if !slices.Contains([]string{"", ctap2.TransportUSB, ctap2.TransportNFC, ctap2.TransportSmartCard}, c.Transport) {
		return fmt.Errorf("virtual: transport %q does not exist", c.Transport)
	}
	if c.Transport == "" {
		c.Transport = ctap2.TransportUSB
	}
	if c.NoPINForMcGa && c.UV == WithoutUV {
		return errors.New("virtual: a key with NoPINForMcGa needs built-in user verification")
	}
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
		{"MaxMsgSize", &c.MaxMsgSize, 1200, ctap2.DefaultMaxMsgSize, 7609},
		{"MinPINLength", &c.MinPINLength, 4, 4, pinuv.MaxPINBytes},
		{"PINRetries", &c.PINRetries, 8, 1, 8},
		{"UVRetries", &c.UVRetries, 3, 1, 25},
		{"UVAttempts", &c.UVAttempts, 1, 1, 5},
		{"UVModality", &c.UVModality, 2, 1, 1<<31 - 1},
	} {
		if *n.value == 0 {
			*n.value = n.normal
		}
		if *n.value < n.least || *n.value > n.most {
			return fmt.Errorf("virtual: %s is %d, not %d to %d", n.name, *n.value, n.least, n.most)
		}
	}
	return nil
}

var (
	defaultAlgorithms = []cose.Algorithm{cose.ES256, cose.EdDSA, cose.ES384, cose.RS256}
	defaultProtocols  = []pinuv.Protocol{pinuv.Two, pinuv.One}
)
