package virtual

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// lazy holds what a key makes when it first needs it, so that an idle key is
// small. All of it can be made again.
type lazy struct {
	sealer      cipher.AEAD
	opened      map[string]*credential // sealed credentials by ID, so that the private key is not parsed each time
	attestation *builtIn
	enterprise  *builtIn
}

// maxOpened bounds lazy.opened.
const maxOpened = 64

// sealedCredential is what the ID of a credential that is not stored holds.
type sealedCredential struct {
	Alg        cose.Algorithm            `cbor:"1,keyasint"`
	Private    []byte                    `cbor:"2,keyasint"`
	Extensions map[uint8]cbor.RawMessage `cbor:"3,keyasint,omitempty"`
}

// sealedExtensions number the extensions by their place: there is no room in an ID
// for their names. New ones go to the end.
var sealedExtensions = []string{
	ctap2.ExtensionCredProtect, ctap2.ExtensionCredBlob, ctap2.ExtensionLargeBlobKey, ctap2.ExtensionLargeBlob,
	ctap2.ExtensionMinPINLength, ctap2.ExtensionPINComplexityPolicy, ctap2.ExtensionHMACSecret, ctap2.ExtensionHMACSecretMC,
	ctap2.ExtensionThirdPartyPayment,
}

// A sealed ID is a nonce of 12 bytes and, encrypted with AES-256-GCM under the
// device secret and bound to the RP ID hash, a sealedCredential padded with
// zeros to a multiple of 64 bytes. IDs of ES256, EdDSA and ES384 credentials
// have the same length, and stored credentials get random IDs of that length,
// so that an ID tells nobody what is behind it.
const (
	sealPadding  = 64
	usualIDSize  = 12 + sealPadding + 16
	sealOverhead = 12 + 16
)

// derive returns a key for one purpose from the device secret.
func (k *Key) derive(purpose string, data ...[]byte) []byte {
	h := hmac.New(sha256.New, k.state.device.Secret)
	h.Write([]byte(purpose))
	for _, d := range data {
		h.Write(d)
	}
	return h.Sum(nil)
}

func (k *Key) sealer() (cipher.AEAD, error) {
	if k.made.sealer != nil {
		return k.made.sealer, nil
	}
	secret := k.derive("credential ID")
	defer clear(secret)
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	k.made.sealer, err = cipher.NewGCM(block)
	return k.made.sealer, err
}

// seal gives c an ID that holds it, and reports whether that fits.
func (k *Key) seal(c *credential) (bool, error) {
	s := sealedCredential{Alg: c.alg, Private: c.private}
	for id, kept := range c.extensions {
		i := slices.Index(sealedExtensions, id)
		if i < 0 {
			return false, nil // to be stored, by name
		}
		if s.Extensions == nil {
			s.Extensions = make(map[uint8]cbor.RawMessage, len(c.extensions))
		}
		s.Extensions[uint8(i)] = kept
	}
	plain, err := cbor.Marshal(s)
	if err != nil {
		return false, err
	}
	size := (len(plain) + sealPadding - 1) / sealPadding * sealPadding
	if size+sealOverhead > k.config.MaxCredentialIDLength {
		clear(plain)
		return false, nil
	}
	sealer, err := k.sealer()
	if err != nil {
		return false, err
	}
	id := make([]byte, 12, size+sealOverhead)
	if err := k.random(id); err != nil {
		return false, err
	}
	padded := make([]byte, size)
	copy(padded, plain)
	c.id = sealer.Seal(id, id, padded, c.rpIDHash[:])
	clear(plain)
	clear(padded)
	k.remember(c)
	return true, nil
}

// unseal returns the credential that an ID holds, or nil if the key did not
// make it for this relying party.
func (k *Key) unseal(rpIDHash [32]byte, id []byte) *credential {
	if len(id) < sealOverhead+sealPadding || len(id) > k.config.MaxCredentialIDLength {
		return nil
	}
	if c := k.made.opened[string(id)]; c != nil {
		if c.rpIDHash != rpIDHash {
			return nil
		}
		return c
	}
	sealer, err := k.sealer()
	if err != nil {
		return nil
	}
	plain, err := sealer.Open(nil, id[:12], id[12:], rpIDHash[:])
	if err != nil {
		return nil
	}
	defer clear(plain)
	item, _, err := cbor.Split(plain)
	if err != nil {
		return nil
	}
	var s sealedCredential
	if err := cbor.Unmarshal(item, &s); err != nil {
		return nil
	}
	c := &credential{id: append([]byte(nil), id...), rpIDHash: rpIDHash, alg: s.Alg, private: s.Private}
	for i, kept := range s.Extensions {
		if int(i) < len(sealedExtensions) {
			c.keep(sealedExtensions[i], kept)
		}
	}
	k.remember(c)
	return c
}

func (k *Key) remember(c *credential) {
	if len(k.made.opened) >= maxOpened {
		k.made.forget()
	}
	if k.made.opened == nil {
		k.made.opened = make(map[string]*credential)
	}
	k.made.opened[string(c.id)] = c
}

// forget wipes the opened credentials.
func (l *lazy) forget() {
	for _, c := range l.opened {
		c.wipe()
	}
	l.opened = nil
}

// randomID returns an ID for a stored credential.
func (k *Key) randomID() ([]byte, error) {
	id := make([]byte, min(usualIDSize, k.config.MaxCredentialIDLength))
	return id, k.random(id)
}
