// Package passkeys is the list of the passkeys on a key: how it is made of what the key
// tells, named, searched, kept in a file and read from one again, and how those of two
// keys are compared. It asks no key and nobody.
//
// The types are JSON forms, which programs and kept files rely on.
package passkeys

import (
	"crypto/sha256"
	"encoding/base64"
	"iter"
	"time"

	"github.com/gofido/fido/ctaphid/hid"
)

// What tells the JSON form of a key's passkeys from other files. The version
// changes when a reader of the one before would get something wrong; members may
// be added without that.
const (
	Format  = "fidokey passkeys"
	Version = 1
)

// A Listing is the JSON form of the passkeys on a key: what passkeys list
// prints, and what passkeys compare reads from a file. It holds no secrets, but it
// does tell where its owner has accounts.
type Listing struct {
	Format  string    `json:"format"`  // Format
	Version int       `json:"version"` // Version
	Created time.Time `json:"created"` // in UTC, to the second
	Key     Key       `json:"key"`
	Stored  uint      `json:"existingResidentCredentialsCount"`             // CTAP 2.3 section 6.8.2
	Room    uint      `json:"maxPossibleRemainingResidentCredentialsCount"` // an estimate
	Sites   []Site    `json:"sites"`                                        // by RP ID
}

// A Key says which key something is about. What is not known is not there.
type Key struct {
	Device  string `json:"device,omitempty"` // as --device has it: where the key was, which it need not be the next time
	Product string `json:"product,omitempty"`
	Serial  string `json:"serial,omitempty"` // few keys have one that USB tells
	AAGUID  string `json:"aaguid,omitempty"` // the model: many keys have the same

	// DeviceIdentifier is what getInfo's encIdentifier holds (CTAP 2.3 section 6.4),
	// in base64url. No other key has it, and this one until it is reset.
	DeviceIdentifier string `json:"deviceIdentifier,omitempty"`
}

// Name is what people call the key, "" if nothing is known but where it was.
func (k Key) Name() string { return hid.Text(k.Product + " " + k.Serial) }

// All yields every passkey, in order.
func (l *Listing) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, s := range l.Sites {
			for _, p := range s.Passkeys {
				if !yield(Entry{s.SiteName, p}) {
					return
				}
			}
		}
	}
}

// At returns the passkeys for a site: those whose RP ID hashes to what the key
// has, or is shown so.
func (l *Listing) At(rpID string) []Entry {
	sum := sha256.Sum256([]byte(rpID))
	var found []Entry
	for p := range l.All() {
		if p.Site.RPIDHash == base64URL(sum[:]) || p.Site.RPID == rpID && rpID != "" {
			found = append(found, p)
		}
	}
	return found
}

// Count counts the passkeys.
func (l *Listing) Count() (n int) {
	for range l.All() {
		n++
	}
	return n
}

// WipeLargeBlobKeys forgets the secrets among what a key has told.
func (l *Listing) WipeLargeBlobKeys() {
	for p := range l.All() {
		clear(p.OnKey.LargeBlobKey)
	}
}

// base64URL is how WebAuthn's JSON writes bytes.
func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
