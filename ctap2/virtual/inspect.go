package virtual

import (
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// A Credential is one that a key holds or has made, without its private key.
type Credential struct {
	ID           []byte
	RP           ctap2.PublicKeyCredentialRPEntity   // empty for one that is not stored and came in an allowList, and for U2F's
	User         ctap2.PublicKeyCredentialUserEntity // likewise
	Algorithm    cose.Algorithm
	PublicKey    *cose.Key
	Discoverable bool
	CredBlob     []byte             // of the extension credBlob; nil: none
	LargeBlobKey ctap2.LargeBlobKey // nil: made without the extension largeBlobKey

	CredProtect       ctap2.CredProtect // at least 1
	ThirdPartyPayment bool
}

func (c *credential) describe(k *Key) Credential {
	d := Credential{
		ID:           slices.Clone(c.id),
		RP:           c.rp,
		User:         c.user,
		Algorithm:    c.alg,
		Discoverable: c.discoverable,
		CredBlob:     c.credBlob(),
		LargeBlobKey: c.largeBlobKey(k),

		CredProtect:       ctap2.CredProtect(c.protection()),
		ThirdPartyPayment: c.forPayments(),
	}
	d.User.ID = slices.Clone(c.user.ID)
	d.PublicKey, _ = c.publicKey() // nil if it fails, which no key made here does
	return d
}

// Credentials returns the stored credentials, oldest first: the discoverable
// ones, and those whose private key did not fit in the credential ID.
func (k *Key) Credentials() []Credential {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]Credential, 0, len(k.state.stored))
	for _, c := range k.state.stored {
		all = append(all, c.describe(k))
	}
	return all
}

// PINRetries returns how many wrong PINs are left until the PIN is blocked.
func (k *Key) PINRetries() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return int(k.state.retries.PIN)
}

// UVRetries returns how many failed verifications are left until built-in user
// verification is blocked.
func (k *Key) UVRetries() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return int(k.state.retries.UV)
}

// HasPIN reports whether a PIN is set.
func (k *Key) HasPIN() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.pin != nil
}

// SignCount returns the value of the signature counter.
func (k *Key) SignCount() uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.counter
}

// Info returns what getInfo answers, without the Faults. EncIdentifier and
// EncCredStoreState are encrypted anew each time, and missing if the source of
// random bytes has failed.
func (k *Key) Info() *ctap2.GetInfoResponse {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, _ := k.info()
	return r
}

// A TokenState is what a key knows of the PIN/UV auth token in use (CTAP 2.3
// section 6.5.2.1). The token itself is secret.
type TokenState struct {
	Permissions  ctap2.Permissions
	RPID         string // "": not bound to a relying party
	UserVerified bool
	UserPresent  bool
}

// Token returns the state of the token in use, or false if there is none.
func (k *Key) Token() (TokenState, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.liveToken()
	if t == nil {
		return TokenState{}, false
	}
	return TokenState{t.permissions, t.rpID, t.userVerified, t.userPresent}, true
}
