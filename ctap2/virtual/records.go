package virtual

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// state is what survives a power cycle, as it is in Storage. It changes only
// after Storage has taken the change.
type state struct {
	device   deviceRecord
	pin      *pinRecord // nil: no PIN is set
	retries  retriesRecord
	policy   policyRecord
	counter  uint32
	versions versionsRecord
	blobs    []byte         // the serialized large-blob array; nil: the initial one
	fingers  []*fingerprint // oldest first
	stored   []*credential  // oldest first
}

// wipe overwrites the secrets.
func (s *state) wipe() {
	for _, c := range s.stored {
		c.wipe()
	}
	s.pin.wipe()
	clear(s.device.Secret)
}

// Every record is a version byte and canonical CBOR. A member that is added later
// is absent from the records of earlier versions, which zero must stand for.
const recordVersion = 1

// The names of the records. A stored credential's ends with its sequence
// number in hexadecimal, and so does a fingerprint's.
const (
	recordDevice      = "device"
	recordPIN         = "pin"
	recordRetries     = "retries"
	recordPolicy      = "policy"
	recordCounter     = "counter"
	recordVersions    = "versions"
	recordBlobs       = "blobs"
	prefixCredential  = "credential/"
	prefixFingerprint = "fingerprint/"
)

// deviceRecord holds the secret that credential IDs, and what extensions derive
// per credential, depend on. A reset makes another.
type deviceRecord struct {
	Secret []byte `cbor:"1,keyasint"` // 32 bytes
}

type pinRecord struct {
	Hash       []byte `cbor:"1,keyasint"` // LEFT(SHA-256(PIN), 16)
	CodePoints uint   `cbor:"2,keyasint"`
}

// retriesRecord holds how many tries are left. It is on its own because it is
// written before each comparison.
type retriesRecord struct {
	PIN     uint `cbor:"1,keyasint"`
	UV      uint `cbor:"2,keyasint"`
	UVCount uint `cbor:"3,keyasint,omitzero"` // getInfo's uvCountSinceLastPinEntry
}

// policyRecord holds what authenticatorConfig can change.
type policyRecord struct {
	MinPINLength   uint `cbor:"1,keyasint"` // code points
	ForcePINChange bool `cbor:"2,keyasint"`
	AlwaysUV       bool `cbor:"3,keyasint"`

	Enterprise    bool     `cbor:"4,keyasint,omitzero"` // enterprise attestation is enabled
	RPIDs         []string `cbor:"5,keyasint,omitempty"`
	LongTouch     bool     `cbor:"6,keyasint,omitzero"` // a reset wants a long touch
	PINComplexity bool     `cbor:"7,keyasint,omitzero"` // the policy for PINs is enforced
}

// versionsRecord counts what the values depend on that a persistent token lets a
// host recognise. They are derived from the device secret and these numbers.
type versionsRecord struct {
	Store uint64 `cbor:"1,keyasint,omitzero"` // changes of discoverable credentials
	Token uint64 `cbor:"2,keyasint,omitzero"` // changes of the persistent token
}

type fingerprintRecord struct {
	ID   []byte `cbor:"1,keyasint"`
	Name string `cbor:"2,keyasint,omitempty"`
}

// credentialRecord is a stored credential. Names are byte strings because a
// fault may have cut them within a character.
type credentialRecord struct {
	ID           []byte                     `cbor:"1,keyasint"`
	RPID         string                     `cbor:"2,keyasint"`
	RPName       []byte                     `cbor:"3,keyasint,omitempty"`
	UserID       []byte                     `cbor:"4,keyasint"`
	UserName     []byte                     `cbor:"5,keyasint,omitempty"`
	DisplayName  []byte                     `cbor:"6,keyasint,omitempty"`
	Alg          cose.Algorithm             `cbor:"7,keyasint"`
	Private      []byte                     `cbor:"8,keyasint"`
	Discoverable bool                       `cbor:"9,keyasint"`
	Extensions   map[string]cbor.RawMessage `cbor:"10,keyasint,omitempty"`
	RPIDHash     []byte                     `cbor:"11,keyasint,omitempty"` // 32 bytes, of a U2F credential, whose RPID nobody knows
}

// A change is a record to write; a nil value deletes it.
type change struct {
	name  string
	value any
}

// commit writes changes, all or nothing.
func (k *Key) commit(changes ...change) error {
	if len(changes) == 0 {
		return nil
	}
	records := make(map[string][]byte, len(changes))
	defer func() {
		for _, b := range records {
			clear(b)
		}
	}()
	for _, c := range changes {
		if c.value == nil {
			records[c.name] = nil
			continue
		}
		b, err := cbor.Append([]byte{recordVersion}, c.value)
		if err != nil {
			return &StorageError{c.name, err}
		}
		records[c.name] = b
	}
	return k.write(records)
}

func (k *Key) write(records map[string][]byte) error {
	if err := k.config.Storage.Commit(records); err != nil {
		return &StorageError{"", err}
	}
	return nil
}

// load replaces the state, which it wipes, with what Storage holds. An empty Storage gets the
// records of a new key.
func (k *Key) load() error {
	records, err := k.config.Storage.Load()
	if err != nil {
		return &StorageError{"", err}
	}
	if len(records) == 0 {
		fresh, err := k.factoryState()
		if err != nil {
			return err
		}
		if err := k.commit(fresh.changes()...); err != nil {
			return err
		}
		k.state.wipe()
		k.state = *fresh
		return nil
	}
	var s state
	for name, b := range records {
		if err := k.loadRecord(&s, name, b); err != nil {
			return &StorageError{name, err}
		}
	}
	if err := k.checkState(&s); err != nil {
		return err
	}
	slices.SortFunc(s.stored, func(a, b *credential) int { return cmp.Compare(a.sequence, b.sequence) })
	slices.SortFunc(s.fingers, func(a, b *fingerprint) int { return cmp.Compare(a.sequence, b.sequence) })
	k.state.wipe()
	k.state = s
	return nil
}

// factoryState is that of a key never used, or reset.
func (k *Key) factoryState() (*state, error) {
	s := &state{
		device:  deviceRecord{make([]byte, 32)},
		retries: retriesRecord{PIN: uint(k.config.PINRetries), UV: uint(k.config.UVRetries)},
		policy: policyRecord{
			MinPINLength:  uint(k.config.MinPINLength),
			AlwaysUV:      k.config.AlwaysUV,
			Enterprise:    k.config.Enterprise != nil && k.config.Enterprise.Enabled,
			LongTouch:     k.config.LongTouchForReset,
			PINComplexity: k.config.PINComplexity != nil && k.config.PINComplexity.Enforced,
		},
	}
	return s, k.random(s.device.Secret)
}

// changes are the records of a state without PIN and credentials.
func (s *state) changes() []change {
	return []change{{recordDevice, s.device}, {recordRetries, s.retries}, {recordPolicy, s.policy}}
}

func decodeRecord(b []byte, v any) error {
	if len(b) == 0 || b[0] != recordVersion {
		return errors.New("unknown version")
	}
	return cbor.Unmarshal(b[1:], v)
}

func (k *Key) loadRecord(s *state, name string, b []byte) error {
	switch name {
	case recordDevice:
		return decodeRecord(b, &s.device)
	case recordPIN:
		s.pin = new(pinRecord)
		if err := decodeRecord(b, s.pin); err != nil {
			return err
		}
		if len(s.pin.Hash) != 16 {
			return fmt.Errorf("PIN hash of %d bytes", len(s.pin.Hash))
		}
		return nil
	case recordRetries:
		return decodeRecord(b, &s.retries)
	case recordPolicy:
		return decodeRecord(b, &s.policy)
	case recordCounter:
		return decodeRecord(b, &s.counter)
	case recordVersions:
		return decodeRecord(b, &s.versions)
	case recordBlobs:
		return decodeRecord(b, &s.blobs)
	}
	switch {
	case strings.HasPrefix(name, prefixCredential):
		return k.loadCredential(s, name, b)
	case strings.HasPrefix(name, prefixFingerprint):
		return loadFingerprint(s, name, b)
	}
	return nil // of a later version: only a reset touches it
}

func loadFingerprint(s *state, name string, b []byte) error {
	var r fingerprintRecord
	if err := decodeRecord(b, &r); err != nil {
		return err
	}
	if len(r.ID) == 0 {
		return errors.New("no template ID")
	}
	f := &fingerprint{id: r.ID, name: r.Name}
	if _, err := fmt.Sscanf(name, prefixFingerprint+"%016x", &f.sequence); err != nil || f.record() != name {
		return errors.New("name without a sequence number")
	}
	s.fingers = append(s.fingers, f)
	return nil
}

func (k *Key) loadCredential(s *state, name string, b []byte) error {
	var r credentialRecord
	if err := decodeRecord(b, &r); err != nil {
		return err
	}
	c := &credential{
		stored:       true,
		discoverable: r.Discoverable,
		id:           r.ID,
		rpIDHash:     hashRPID(r.RPID),
		rp:           ctap2.PublicKeyCredentialRPEntity{ID: r.RPID, Name: string(r.RPName)},
		user:         ctap2.PublicKeyCredentialUserEntity{ID: r.UserID, Name: string(r.UserName), DisplayName: string(r.DisplayName)},
		alg:          r.Alg,
		private:      r.Private,
		extensions:   r.Extensions,
	}
	if _, err := fmt.Sscanf(name, prefixCredential+"%016x", &c.sequence); err != nil || c.record() != name {
		return errors.New("name without a sequence number")
	}
	if len(r.RPIDHash) > 0 {
		if len(r.RPIDHash) != len(c.rpIDHash) {
			return fmt.Errorf("RP ID hash of %d bytes", len(r.RPIDHash))
		}
		c.rpIDHash = [32]byte(r.RPIDHash)
	}
	if len(c.id) < minCredentialIDLength || len(c.id) > ctap2.MaxCredentialIDLength {
		return fmt.Errorf("credential ID of %d bytes", len(c.id))
	}
	if _, err := c.publicKey(); err != nil {
		return err
	}
	c.signer = nil // keys take more memory than records: made again when used
	s.stored = append(s.stored, c)
	return nil
}

// checkState refuses numbers that no key writes.
func (k *Key) checkState(s *state) error {
	corrupt := func(name, reason string) error { return &StorageError{name, errors.New(reason)} }
	switch {
	case len(s.device.Secret) != 32 || bytes.Equal(s.device.Secret, make([]byte, 32)):
		return corrupt(recordDevice, "no secret of 32 bytes")
	case s.retries.PIN > 8 || s.retries.UV > 25:
		return corrupt(recordRetries, "more retries than there can be")
	case s.policy.MinPINLength < 4 || s.policy.MinPINLength > 63:
		return corrupt(recordPolicy, "minimum PIN length not 4 to 63")
	}
	return nil
}
