package virtual

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2"
)

// Fingerprints says what the fingerprint sensor of a key with [FingerprintUV] is
// like. A list of Max names of MaxNameLength bytes must fit into one reply, of at
// most 7,609 bytes.
type Fingerprints struct {
	Max           int                   // that can be enrolled, at most 100; 0: 5
	Samples       int                   // good samples that an enrolment takes, at most 100; 0: 4
	MaxNameLength int                   // bytes of UTF-8, at most 255; 0: 15
	Kind          ctap2.FingerprintKind // 0: touch
}

// listSize is the length of the longest reply to enumerateEnrollments: 5 bytes
// around the list, and per fingerprint its ID, its name and 7 bytes around them.
func (f *Fingerprints) listSize() int { return 5 + f.Max*(templateIDSize+f.MaxNameLength+7) }

// fingerprint is an enrolled one. What the finger looks like is the user's
// business: see User.Verify.
type fingerprint struct {
	sequence uint64
	id       []byte
	name     string
}

// record is the name of a fingerprint's record.
func (f *fingerprint) record() string { return fmt.Sprintf(prefixFingerprint+"%016x", f.sequence) }

func (f *fingerprint) encode() fingerprintRecord { return fingerprintRecord{ID: f.id, Name: f.name} }

func (f *fingerprint) describe() ctap2.TemplateInfo {
	return ctap2.TemplateInfo{TemplateID: slices.Clone(f.id), TemplateFriendlyName: f.name}
}

// hasSensor reports whether the key can enrol fingerprints.
func (k *Key) hasSensor() bool { return k.config.UV == FingerprintUV }

// finger returns the fingerprint with the ID, or nil.
func (k *Key) finger(id []byte) *fingerprint {
	i := slices.IndexFunc(k.state.fingers, func(f *fingerprint) bool { return bytes.Equal(f.id, id) })
	if i < 0 {
		return nil
	}
	return k.state.fingers[i]
}

// fingersFull reports whether there is no room for another fingerprint.
func (k *Key) fingersFull() bool { return len(k.state.fingers) >= k.config.Fingerprints.Max }

// templateIDSize is the length in bytes of the IDs that the key gives, and the
// most that it keeps.
const templateIDSize = 16

// newTemplateID returns a random ID that no fingerprint has.
func (k *Key) newTemplateID() ([]byte, error) {
	id := make([]byte, templateIDSize)
	for range 8 { // more than one is needed only if the source of random bytes is not random
		if err := k.random(id); err != nil {
			return nil, err
		}
		if k.finger(id) == nil {
			return id, nil
		}
	}
	return nil, errors.New("virtual: the source of random bytes repeats itself")
}

// storeFinger puts another fingerprint into Storage.
func (k *Key) storeFinger(f *fingerprint) error {
	if k.fingersFull() {
		return ctap2.StatusFPDatabaseFull
	}
	f.sequence = 1
	if n := len(k.state.fingers); n > 0 {
		f.sequence = k.state.fingers[n-1].sequence + 1
	}
	if err := k.commit(change{f.record(), f.encode()}); err != nil {
		return err
	}
	k.state.fingers = append(k.state.fingers, f)
	return nil
}

// removeFinger deletes a fingerprint.
func (k *Key) removeFinger(f *fingerprint) error {
	if err := k.commit(change{f.record(), nil}); err != nil {
		return err
	}
	k.state.fingers = slices.DeleteFunc(k.state.fingers, func(o *fingerprint) bool { return o == f })
	return nil
}

// Fingerprints returns the fingerprints that are enrolled, oldest first.
func (k *Key) Fingerprints() []ctap2.TemplateInfo {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]ctap2.TemplateInfo, 0, len(k.state.fingers))
	for _, f := range k.state.fingers {
		all = append(all, f.describe())
	}
	return all
}

// AddFingerprint enrols a fingerprint without asking the user, and returns its
// template ID; the name may be empty. With the first one, built-in user
// verification is set up. It fails on a key without a sensor, and if the name is
// too long; the error is ctap2.StatusFPDatabaseFull if there is no room.
func (k *Key) AddFingerprint(name string) (templateID []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, err := k.injected(ctap2.TemplateInfo{TemplateFriendlyName: name})
	if err != nil {
		return nil, err
	}
	return slices.Clone(f.id), k.storeFinger(f)
}

// SetFingerprints makes these the fingerprints that are enrolled, instead of any
// others; none take user verification away. A TemplateID has at most 16 bytes;
// one that is empty is replaced by an ID from the key. Errors are those of
// AddFingerprint, and one for an ID that is there twice; nothing has changed
// then.
func (k *Key) SetFingerprints(all ...ctap2.TemplateInfo) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(all) > k.config.Fingerprints.Max {
		return ctap2.StatusFPDatabaseFull
	}
	var changes []change
	for _, f := range k.state.fingers {
		changes = append(changes, change{f.record(), nil})
	}
	var fingers []*fingerprint
	for i, t := range all {
		f, err := k.injected(t)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(fingers, func(o *fingerprint) bool { return bytes.Equal(o.id, f.id) }) {
			return fmt.Errorf("virtual: template ID %x is there twice", f.id)
		}
		f.sequence = uint64(i + 1)
		fingers = append(fingers, f)
		changes = append(changes, change{f.record(), f.encode()}) // the later change of a record counts
	}
	if err := k.commit(changes...); err != nil {
		return err
	}
	k.state.fingers = fingers
	return nil
}

// injected makes a fingerprint of one that a test describes.
func (k *Key) injected(t ctap2.TemplateInfo) (*fingerprint, error) {
	switch {
	case !k.hasSensor():
		return nil, errors.New("virtual: the key has no fingerprint sensor: Config.UV is not FingerprintUV")
	case len(t.TemplateFriendlyName) > k.config.Fingerprints.MaxNameLength:
		return nil, fmt.Errorf("virtual: a name of %d bytes, at most %d", len(t.TemplateFriendlyName), k.config.Fingerprints.MaxNameLength)
	}
	if n := len(t.TemplateID); n > templateIDSize {
		return nil, fmt.Errorf("virtual: a template ID of %d bytes, at most %d", n, templateIDSize)
	}
	f := &fingerprint{id: slices.Clone(t.TemplateID), name: t.TemplateFriendlyName}
	if len(f.id) > 0 {
		return f, nil
	}
	var err error
	f.id, err = k.newTemplateID()
	return f, err
}
