package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/shortid"
)

// What tells the JSON form of a key's passkeys from other files. The version
// changes when a reader of the one before would get something wrong; members may
// be added without that.
const (
	passkeyFormat  = "fidokey passkeys"
	passkeyVersion = 1
)

// passkeyListing is the JSON form of the passkeys on a key: what passkeys list
// prints, and what passkeys compare reads from a file. It holds no secrets, but it
// does tell where its owner has accounts.
type passkeyListing struct {
	Format  string       `json:"format"`  // passkeyFormat
	Version int          `json:"version"` // passkeyVersion
	Created time.Time    `json:"created"` // in UTC, to the second
	Key     keyIdentity  `json:"key"`
	Stored  uint         `json:"existingResidentCredentialsCount"`             // CTAP 2.3 section 6.8.2
	Room    uint         `json:"maxPossibleRemainingResidentCredentialsCount"` // an estimate
	Sites   []listedSite `json:"sites"`                                        // by RP ID
}

// keyIdentity says which key something is about. What is not known is not there.
type keyIdentity struct {
	Device  string `json:"device,omitempty"` // as --device has it: where the key was, which it need not be the next time
	Product string `json:"product,omitempty"`
	Serial  string `json:"serial,omitempty"` // few keys have one that USB tells
	AAGUID  string `json:"aaguid,omitempty"` // the model: many keys have the same

	// DeviceIdentifier is what getInfo's encIdentifier holds (CTAP 2.3 section 6.4),
	// in base64url. No other key has it, and this one until it is reset.
	DeviceIdentifier string `json:"deviceIdentifier,omitempty"`
}

// name is what people call the key, "" if nothing is known but where it was.
func (k keyIdentity) name() string { return hid.Text(k.Product + " " + k.Serial) }

// siteName names a relying party.
type siteName struct {
	RPID     string `json:"rpId"`           // "" if the key keeps only the hash
	RPIDHash string `json:"rpIdHash"`       // SHA-256 of the whole RP ID, in base64url: it names the site even if the key has shortened the RP ID
	Name     string `json:"name,omitempty"` // as the site called itself
}

// complete reports whether the RP ID is whole: keys shorten a long one.
func (s *siteName) complete() bool {
	sum := sha256.Sum256([]byte(s.RPID))
	return s.RPID != "" && s.RPIDHash == base64URL(sum[:])
}

// words names the site to a person.
func (s *siteName) words() string {
	switch {
	case s.RPID == "":
		return "a site without a name (its hash is " + s.RPIDHash[:min(len(s.RPIDHash), 8)] + "…)"
	case !s.complete():
		return hid.Text(s.RPID) + " (shortened by the key)"
	}
	return hid.Text(s.RPID)
}

// listedSite is the JSON form of a site and the passkeys for it.
type listedSite struct {
	siteName
	Passkeys []listedPasskey `json:"passkeys"` // by name
}

// listedUser is the JSON form of an account.
type listedUser struct {
	ID          string `json:"id"`                    // the user handle in base64url
	Name        string `json:"name,omitempty"`        // may be shortened by the key, as the next
	DisplayName string `json:"displayName,omitempty"` // see PublicKeyCredentialUserEntity in WebAuthn L3 section 5.4.3
}

// words names the account to a person.
func (u *listedUser) words() string {
	name, display := hid.Text(u.Name), hid.Text(u.DisplayName)
	switch {
	case name == "" && display == "":
		return "(an account without a name)"
	case name == "":
		return display
	case display == "" || display == name:
		return name
	}
	return name + " (" + display + ")"
}

// listedPasskey is the JSON form of a passkey.
type listedPasskey struct {
	ID                string     `json:"id"`           // short: for the arguments of other commands
	CredentialID      string     `json:"credentialId"` // in base64url
	User              listedUser `json:"user"`
	Algorithm         int64      `json:"alg"`           // COSE algorithm, 0 if the key does not say
	AlgorithmName     string     `json:"algorithmName"` // "" likewise
	CredProtect       uint       `json:"credProtect"`   // 1 to 3 (CTAP 2.3 section 12.1), 0 likewise
	LargeBlobKey      bool       `json:"largeBlobKey"`  // whether it has one: the key may store data with it
	ThirdPartyPayment bool       `json:"thirdPartyPayment"`
	PublicKey         string     `json:"publicKey,omitempty"` // a COSE key, in base64url

	stored onKey // not of a listing from a file
}

// onKey is a credential as the key tells it, and the relying party's hash.
type onKey struct {
	ctap2.StoredCredential
	rpIDHash [32]byte
}

func (p *listedPasskey) longID() string {
	id, _ := base64.RawURLEncoding.DecodeString(p.CredentialID)
	return shortid.Long(id)
}

// sitePasskey is the JSON form of one passkey alone.
type sitePasskey struct {
	Site siteName `json:"site"`
	listedPasskey
}

// words names the passkey to a person.
func (p *sitePasskey) words() string { return p.User.words() + " at " + p.Site.words() }

// all yields every passkey, in order.
func (l *passkeyListing) all() iter.Seq[sitePasskey] {
	return func(yield func(sitePasskey) bool) {
		for _, s := range l.Sites {
			for _, p := range s.Passkeys {
				if !yield(sitePasskey{s.siteName, p}) {
					return
				}
			}
		}
	}
}

// at returns the passkeys for a site: those whose RP ID hashes to what the key
// has, or is shown so.
func (l *passkeyListing) at(rpID string) []sitePasskey {
	sum := sha256.Sum256([]byte(rpID))
	var found []sitePasskey
	for p := range l.all() {
		if p.Site.RPIDHash == base64URL(sum[:]) || p.Site.RPID == rpID && rpID != "" {
			found = append(found, p)
		}
	}
	return found
}

// storedSite is a relying party and its credentials as a key tells them.
type storedSite struct {
	rp          ctap2.StoredRP
	credentials []ctap2.StoredCredential
}

// listSites puts what a key tells in order. Passkeys that have the same site and
// names stay in an order that does not change, that of their long IDs.
func listSites(stored []storedSite) []listedSite {
	var long []string
	for _, s := range stored {
		for _, c := range s.credentials {
			long = append(long, shortid.Long(c.ID.ID))
		}
	}
	short := shortid.Shorten(long, shortid.Least)
	sites := []listedSite{} // [] rather than null when there is none
	for _, s := range stored {
		hash := base64URL(s.rp.RPIDHash[:])
		at := slices.IndexFunc(sites, func(l listedSite) bool { return l.RPIDHash == hash })
		if at < 0 {
			at = len(sites)
			sites = append(sites, listedSite{siteName{s.rp.RP.ID, hash, s.rp.RP.Name}, []listedPasskey{}})
		}
		for _, c := range s.credentials {
			sites[at].Passkeys = append(sites[at].Passkeys, listPasskey(short[0], onKey{c, s.rp.RPIDHash}))
			short = short[1:]
		}
	}
	slices.SortFunc(sites, func(a, b listedSite) int {
		return cmp.Or(strings.Compare(a.RPID, b.RPID), strings.Compare(a.RPIDHash, b.RPIDHash))
	})
	for _, s := range sites {
		slices.SortFunc(s.Passkeys, func(a, b listedPasskey) int {
			return cmp.Or(strings.Compare(a.User.Name, b.User.Name), strings.Compare(a.User.DisplayName, b.User.DisplayName), strings.Compare(a.ID, b.ID))
		})
	}
	return sites
}

func listPasskey(id string, c onKey) listedPasskey {
	p := listedPasskey{
		ID: id, CredentialID: base64URL(c.ID.ID), User: listedUser{base64URL(c.User.ID), c.User.Name, c.User.DisplayName},
		CredProtect: uint(c.CredProtect), LargeBlobKey: len(c.LargeBlobKey) > 0, ThirdPartyPayment: c.ThirdPartyPayment, stored: c,
	}
	if k := c.PublicKey; k != nil {
		p.PublicKey = base64URL(k.Append(nil))
		p.Algorithm = int64(k.Alg)
		if k.Alg != 0 {
			p.AlgorithmName = cose.Algorithm(k.Alg).String()
		}
	}
	return p
}

// maxListing is the most bytes of a file that is read as a listing: more than a
// key that is as full as can be makes.
const maxListing = 64 << 20

// parseListing reads what passkeys list --json has printed. It may come from
// anywhere, so what others rely on is checked.
func parseListing(r io.Reader) (*passkeyListing, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxListing+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxListing {
		return nil, fmt.Errorf("it has more than %d bytes", maxListing)
	}
	l := new(passkeyListing)
	if err := json.Unmarshal(asUTF8(b), l); err != nil || l.Format != passkeyFormat {
		return nil, errors.New("it is not what fidokey passkeys list --json prints")
	}
	if l.Version != passkeyVersion {
		return nil, fmt.Errorf("its version is %d, and this fidokey knows only %d: make it anew, or take the newer fidokey", l.Version, passkeyVersion)
	}
	for _, s := range l.Sites {
		if hash, err := base64.RawURLEncoding.DecodeString(s.RPIDHash); err != nil || len(hash) != sha256.Size {
			return nil, fmt.Errorf("the site %q has the rpIdHash %q, which is not a SHA-256 in base64url", s.RPID, s.RPIDHash)
		}
	}
	for p := range l.all() {
		if id, err := base64.RawURLEncoding.DecodeString(p.CredentialID); err != nil || len(id) == 0 {
			return nil, fmt.Errorf("a passkey at %q has the credentialId %q, which is not base64url", p.Site.RPID, p.CredentialID)
		}
	}
	return l, nil
}

// asUTF8 undoes what PowerShell does to what is redirected to a file: it writes
// UTF-16, or a byte order mark in front.
func asUTF8(b []byte) []byte {
	if rest, ok := bytes.CutPrefix(b, []byte{0xff, 0xfe}); ok {
		units := make([]uint16, len(rest)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(rest[2*i:])
		}
		return []byte(string(utf16.Decode(units)))
	}
	return bytes.TrimPrefix(b, []byte("\ufeff"))
}

// base64URL is how WebAuthn's JSON writes bytes.
func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
