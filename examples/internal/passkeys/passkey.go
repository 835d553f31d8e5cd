package passkeys

import (
	"cmp"
	"encoding/base64"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/shortid"
)

// A User is the JSON form of an account.
type User struct {
	ID          string `json:"id"`                    // the user handle in base64url
	Name        string `json:"name,omitempty"`        // may be shortened by the key, as the next
	DisplayName string `json:"displayName,omitempty"` // see PublicKeyCredentialUserEntity in WebAuthn L3 section 5.4.3
}

// Words names the account to a person.
func (u *User) Words() string {
	return cmp.Or(AccountName(u.Name, u.DisplayName), "(an account without a name)")
}

// AccountName is what people know an account by, fit for a terminal; "" if it has
// neither name.
func AccountName(name, display string) string {
	name, display = hid.Text(name), hid.Text(display)
	if name == "" || display == "" || display == name {
		return cmp.Or(name, display)
	}
	return name + " (" + display + ")"
}

// A Passkey is the JSON form of a passkey.
type Passkey struct {
	ID                string `json:"id"`           // short: for the arguments of other commands
	CredentialID      string `json:"credentialId"` // in base64url
	User              User   `json:"user"`
	Algorithm         int64  `json:"alg"`           // COSE algorithm, 0 if the key does not say
	AlgorithmName     string `json:"algorithmName"` // "" likewise
	CredProtect       uint   `json:"credProtect"`   // 1 to 3 (CTAP 2.3 section 12.1), 0 likewise
	LargeBlobKey      bool   `json:"largeBlobKey"`  // whether it has one: the key may store data with it
	ThirdPartyPayment bool   `json:"thirdPartyPayment"`
	PublicKey         string `json:"publicKey,omitempty"` // a COSE key, in base64url

	OnKey Credential `json:"-"` // not of a listing from a file
}

// A Credential is what a key tells of one: the credential itself, and the relying party's hash.
type Credential struct {
	ctap2.StoredCredential
	RPIDHash [32]byte
}

func (p *Passkey) longID() string {
	id, _ := base64.RawURLEncoding.DecodeString(p.CredentialID)
	return shortid.Long(id)
}

// An Entry is the JSON form of one passkey alone.
type Entry struct {
	Site SiteName `json:"site"`
	Passkey
}

// Words names the passkey to a person.
func (p *Entry) Words() string { return p.User.Words() + " at " + p.Site.Words() }
