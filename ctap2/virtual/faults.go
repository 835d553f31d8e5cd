package virtual

import (
	"maps"
	"slices"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// Faults are what a key does wrong. The zero value does nothing wrong. Some are
// seen in keys people own, others only in hostile ones.
type Faults struct {
	// Override answers commands without carrying them out.
	Override map[ctap2.Command]Reply

	// Mutate changes each reply, status byte first, as the last thing; what it
	// returns is sent. It may change reply in place. The key's lock is held: it
	// must not call the key.
	Mutate func(c ctap2.Command, reply []byte) []byte

	// MutateU2F does the same with the response APDU to a U2F request.
	MutateU2F func(apdu, response []byte) []byte

	// Delay holds back the replies to commands, by the key's clock; the key is
	// busy meanwhile. Zero is no delay; a negative one lasts until the command is
	// cancelled, or, with IgnoreCancel, until the power goes.
	Delay map[ctap2.Command]time.Duration

	CancelStatus    ctap2.Status // answered to a cancelled command instead of KEEPALIVE_CANCEL
	IgnoreCancel    bool         // cancelling does nothing
	KeepaliveStatus byte         // reported instead of 2 while the key waits for the user; may be one that nobody knows
	NoKeepalive     bool         // nothing is reported while the key waits for the user, or works

	ExtraMembers map[uint64]any // added to the map of every reply, in order
	Unsorted     bool           // the members of every reply come in reverse order
	DuplicateKey bool           // the last member of every reply is there twice

	// ExtraExtensions are outputs of extensions, encoded, that are added to the
	// authenticator data of every credential and assertion, asked for or not.
	ExtraExtensions ctap2.Extensions

	CredProtect ctap2.CredProtect // the level of every new credential, whatever the request says; 0: no fault

	BadSignature    bool        // signatures of assertions and attestation statements don't verify
	FlipFlags       ctap2.Flags // these flags of authenticator data, and bits of U2F's user presence, are inverted, and signed so
	CounterRollback bool        // the signature counter counts down

	Credential   CredentialMember // when an assertion names its credential
	OmitUser     bool             // no assertion names its user
	TruncateUTF8 bool             // names are cut in the middle of a character; see the cutting at 64 bytes

	UnknownCredentialStatus ctap2.Status // answered instead of NO_CREDENTIALS
	SilentStatus            ctap2.Status // answered to each getAssertion with the option up false
	EmptyDisplayNameStatus  ctap2.Status // answered to each makeCredential without user.displayName
	NoRPsTotal              bool         // enumerateRPsBegin without credentials answers with a totalRPs of zero instead of NO_CREDENTIALS
	AlwaysUVWhenSilent      bool         // the option alwaysUv counts even if the option up is false

	TokenOnce bool // a token is good for one command, or one sequence of commands such as an enrolment
}

// clone returns a copy that shares no memory with f, but for the values of
// ExtraMembers.
func (f Faults) clone() Faults {
	f.Override = maps.Clone(f.Override)
	for c, r := range f.Override {
		f.Override[c] = Reply{r.Status, slices.Clone(r.Raw)}
	}
	f.Delay = maps.Clone(f.Delay)
	f.ExtraMembers = maps.Clone(f.ExtraMembers)
	f.ExtraExtensions = maps.Clone(f.ExtraExtensions)
	for id, output := range f.ExtraExtensions {
		f.ExtraExtensions[id] = slices.Clone(output)
	}
	return f
}

// A Reply is the answer to a command.
type Reply struct {
	Status ctap2.Status
	Raw    []byte // what follows the status byte
}

// CredentialMember says when an assertion holds the member credential.
type CredentialMember uint8

const (
	CredentialAlways   CredentialMember = iota // as CTAP 2.1 demands
	CredentialIfNeeded                         // not if the allowList has one entry, as CTAP 2.0 allows
	CredentialNever                            // never, which is wrong
)

// distort applies the faults of encoding to the reply that starts at start.
func (f *Faults) distort(c ctap2.Command, dst []byte, start int) []byte {
	if f.ExtraMembers != nil || f.Unsorted || f.DuplicateKey {
		if m, ok := splitMap(dst[start+1:]); ok && dst[start] == byte(ctap2.StatusSuccess) {
			dst = appendMap(dst[:start+1], f.rearrange(m))
		}
	}
	if f.Mutate != nil {
		dst = append(dst[:start], f.Mutate(c, slices.Clone(dst[start:]))...)
	}
	return dst
}

// member is a key of a CBOR map and its value, both encoded.
type member struct{ key, value []byte }

func (f *Faults) rearrange(m []member) []member {
	for _, n := range sortedKeys(f.ExtraMembers) {
		key, _ := cbor.Marshal(n) // an integer can always be encoded
		value, err := cbor.Marshal(f.ExtraMembers[n])
		if err != nil {
			continue
		}
		i, _ := slices.BinarySearchFunc(m, key, func(m member, key []byte) int { return compareKeys(m.key, key) })
		m = slices.Insert(m, i, member{key, value})
	}
	if f.DuplicateKey && len(m) > 0 {
		m = append(m, m[len(m)-1])
	}
	if f.Unsorted {
		slices.Reverse(m)
	}
	return m
}

func sortedKeys(m map[uint64]any) []uint64 {
	keys := make([]uint64, 0, len(m))
	for n := range m {
		keys = append(keys, n)
	}
	slices.Sort(keys)
	return keys
}

// compareKeys orders encoded unsigned integers: the shorter is the smaller.
func compareKeys(a, b []byte) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return slices.Compare(a, b)
}

// splitMap takes a canonical map apart. The members are copies.
func splitMap(b []byte) ([]member, bool) {
	const mapType, countInByte = 0xa0, 24
	if len(b) == 0 || b[0]&0xe0 != mapType || b[0]&0x1f > countInByte {
		return nil, false
	}
	rest := slices.Clone(b[1:])
	if b[0]&0x1f == countInByte {
		rest = rest[1:]
	}
	var m []member
	for len(rest) > 0 {
		key, after, err := cbor.Split(rest)
		if err != nil {
			return nil, false
		}
		value, after, err := cbor.Split(after)
		if err != nil {
			return nil, false
		}
		m = append(m, member{key, value})
		rest = after
	}
	return m, true
}

func appendMap(dst []byte, m []member) []byte {
	if len(m) < 24 {
		dst = append(dst, 0xa0|byte(len(m)))
	} else {
		dst = append(dst, 0xb8, byte(len(m)))
	}
	for _, p := range m {
		dst = append(append(dst, p.key...), p.value...)
	}
	return dst
}
