package virtual

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// credential is one that the key can sign with. A discoverable one is a record
// in Storage; of others nothing is stored, because their IDs hold the sealed
// private key, unless that does not fit in an ID.
type credential struct {
	stored       bool
	discoverable bool
	sequence     uint64 // of stored ones: the larger, the newer
	id           []byte
	rpIDHash     [32]byte
	alg          cose.Algorithm
	private      []byte                     // as algorithms[alg].parse takes it; of an opaque one the encoded public key
	extensions   map[string]cbor.RawMessage // what extensions keep with the credential

	// Of stored ones only.
	rp   ctap2.PublicKeyCredentialRPEntity
	user ctap2.PublicKeyCredentialUserEntity

	signer crypto.Signer // made from private when first used
}

// key returns the parsed private key.
func (c *credential) key() (crypto.Signer, error) {
	if c.signer != nil {
		return c.signer, nil
	}
	a := algorithms[c.alg]
	if a == nil {
		return nil, fmt.Errorf("no key for %v", c.alg)
	}
	signer, err := a.parse(c.private)
	if err != nil {
		return nil, err
	}
	c.signer = signer
	return signer, nil
}

// opaque reports whether the key holds a credential that it can't use: see
// NewCredential.OpaqueKey.
func (c *credential) opaque() bool { return algorithms[c.alg] == nil }

// publicKey returns the public key, and an error if the private one is none.
func (c *credential) publicKey() (*cose.Key, error) {
	if c.opaque() {
		return cose.Parse(c.private)
	}
	signer, err := c.key()
	if err != nil {
		return nil, err
	}
	return cose.New(signer.Public(), c.alg)
}

// record is the name of a stored credential's record.
func (c *credential) record() string { return fmt.Sprintf(prefixCredential+"%016x", c.sequence) }

func (c *credential) encode() credentialRecord {
	r := credentialRecord{
		ID: c.id, RPID: c.rp.ID, RPName: []byte(c.rp.Name),
		UserID: c.user.ID, UserName: []byte(c.user.Name), DisplayName: []byte(c.user.DisplayName),
		Alg: c.alg, Private: c.private, Discoverable: c.discoverable, Extensions: c.extensions,
	}
	if c.rp.ID == "" {
		r.RPIDHash = c.rpIDHash[:]
	}
	return r
}

// wipe overwrites the private key, and what extensions keep.
func (c *credential) wipe() {
	clear(c.private)
	for _, b := range c.extensions {
		clear(b)
	}
	c.signer = nil
}

func hashRPID(id string) [32]byte { return sha256.Sum256([]byte(id)) }

// maxNameLength is where names are cut, in bytes: the least that CTAP 2.3
// section 6.1.2 allows.
const maxNameLength = 64

// cutName cuts a name that is too long, at the end of a character unless a fault
// wants otherwise.
func (k *Key) cutName(s string) string {
	if len(s) <= maxNameLength {
		return s
	}
	n := maxNameLength
	for !k.faults.TruncateUTF8 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// find returns the relying party's credential with the ID, or nil.
func (k *Key) find(rpIDHash [32]byte, id []byte) *credential {
	for _, c := range k.state.stored {
		if c.rpIDHash == rpIDHash && bytes.Equal(c.id, id) {
			return c
		}
	}
	return k.unseal(rpIDHash, id)
}

// discoverable returns the relying party's discoverable credentials, newest
// first.
func (k *Key) discoverable(rpIDHash [32]byte) []*credential {
	var found []*credential
	for _, c := range slices.Backward(k.state.stored) {
		if c.discoverable && c.rpIDHash == rpIDHash {
			found = append(found, c)
		}
	}
	return found
}

// remaining is how many more credentials can be stored.
func (k *Key) remaining() int { return max(0, k.config.MaxCredentials-len(k.state.stored)) }

// store puts a credential into Storage, together with other changes. A
// discoverable one replaces that of the same user at the same relying party.
func (k *Key) store(c *credential, changes ...change) error {
	old := k.replaced(c)
	if old == nil && k.remaining() == 0 {
		return ctap2.StatusKeyStoreFull
	}
	c.stored = true
	c.sequence = k.state.lastSequence() + 1
	changes = append(changes, change{c.record(), c.encode()})
	if c.discoverable {
		changes = append(changes, k.newStoreState())
	}
	if old != nil {
		changes = append(changes, change{old.record(), nil})
	}
	if err := k.commit(changes...); err != nil {
		return err
	}
	if c.discoverable {
		k.state.versions.Store++
	}
	if old != nil {
		k.remove(old)
	}
	k.state.stored = append(k.state.stored, c)
	return nil
}

// remove forgets a credential that is not in Storage any more.
func (k *Key) remove(c *credential) {
	k.end() // of what may be about to use it
	k.event(CredentialDeleted, c)
	k.state.stored = slices.DeleteFunc(k.state.stored, func(o *credential) bool { return o == c })
	c.wipe()
}

// lastSequence is that of the newest stored credential, or 0.
func (s *state) lastSequence() uint64 {
	if len(s.stored) == 0 {
		return 0
	}
	return s.stored[len(s.stored)-1].sequence
}

// full reports whether there is no room for a credential that has to be stored.
func (k *Key) full(c *credential) bool {
	return k.remaining() == 0 && k.replaced(c) == nil
}

// replaced returns the stored credential that c takes the place of, or nil.
func (k *Key) replaced(c *credential) *credential {
	if !c.discoverable {
		return nil
	}
	i := slices.IndexFunc(k.state.stored, func(o *credential) bool {
		return o.discoverable && o.rpIDHash == c.rpIDHash && bytes.Equal(o.user.ID, c.user.ID)
	})
	if i < 0 {
		return nil
	}
	return k.state.stored[i]
}

// keep notes what an extension keeps with the credential.
func (c *credential) keep(id string, value cbor.RawMessage) {
	if c.extensions == nil {
		c.extensions = make(map[string]cbor.RawMessage)
	}
	c.extensions[id] = slices.Clone(value)
}
