package passkeys

import (
	"crypto/sha256"

	"github.com/gofido/fido/ctaphid/hid"
)

// A SiteName names a relying party.
type SiteName struct {
	RPID     string `json:"rpId"`           // "" if the key keeps only the hash
	RPIDHash string `json:"rpIdHash"`       // SHA-256 of the whole RP ID, in base64url: it names the site even if the key has shortened the RP ID
	Name     string `json:"name,omitempty"` // as the site called itself
}

// Complete reports whether the RP ID is whole: keys shorten a long one.
func (s *SiteName) Complete() bool {
	sum := sha256.Sum256([]byte(s.RPID))
	return s.RPID != "" && s.RPIDHash == base64URL(sum[:])
}

// Words names the site to a person.
func (s *SiteName) Words() string {
	switch {
	case s.RPID == "":
		return "a site without a name (its hash is " + s.RPIDHash[:min(len(s.RPIDHash), 8)] + "…)"
	case !s.Complete():
		return hid.Text(s.RPID) + " (shortened by the key)"
	}
	return hid.Text(s.RPID)
}

// A Site is the JSON form of a site and the passkeys for it.
type Site struct {
	SiteName
	Passkeys []Passkey `json:"passkeys"` // by name
}
