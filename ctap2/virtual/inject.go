package virtual

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// NewCredential says what [Key.AddCredential] puts on a key.
type NewCredential struct {
	RP        ctap2.PublicKeyCredentialRPEntity   // ID must be there
	User      ctap2.PublicKeyCredentialUserEntity // ID must be there for a discoverable one, at most 64 bytes
	Algorithm cose.Algorithm                      // 0: ES256

	// PrivateKey is an *ecdsa.PrivateKey, ed25519.PrivateKey or
	// *rsa.PrivateKey, as x509.ParsePKCS8PrivateKey returns them. Nil: a new
	// one.
	PrivateKey crypto.Signer

	// OpaqueKey is an encoded public key, a COSE_Key, of an algorithm that no
	// credential can be made for, such as a post-quantum one: what managers of
	// passkeys meet on keys newer than themselves. The key lists, excludes, renames
	// and deletes the credential, which must be Discoverable, and passes it over in
	// assertions. Algorithm and PrivateKey mean nothing then.
	OpaqueKey []byte

	// ID of a stored credential, 16 bytes or more. Nil: the key chooses, and
	// stores a credential that is not discoverable only if it has to.
	ID []byte

	Discoverable bool

	// CredBlob is kept with the credential as by the extension credBlob, at most
	// Config.MaxCredBlobLength bytes. Nil: none.
	CredBlob []byte

	// LargeBlob gives the credential a largeBlobKey, for which it must be
	// discoverable, or room for a blob on a key with Config.LargeBlobExtension,
	// for which it is stored: see [Key.SetLargeBlob].
	LargeBlob bool

	CredProtect       ctap2.CredProtect // 0: Config.CredProtect, if the key has the extension
	ThirdPartyPayment bool

	// CredRandomWithUV and CredRandomWithoutUV are the secrets of hmac-secret, for
	// a user who was verified and one who was not (CTAP 2.3 section 12.7); nil:
	// secrets of the key's own, which depend on the credential ID. Thus a
	// test with published vectors can run against the key.
	CredRandomWithUV, CredRandomWithoutUV []byte
}

// extensions returns what the credential keeps for extensions.
func (n *NewCredential) extensions() (map[string]cbor.RawMessage, error) {
	c := new(credential)
	keep := func(id string, value any) error {
		b, err := cbor.Marshal(value)
		if err == nil {
			c.keep(id, b)
		}
		return err
	}
	var errs [3]error
	if n.CredProtect != 0 {
		errs[0] = keep(ctap2.ExtensionCredProtect, n.CredProtect)
	}
	if n.ThirdPartyPayment {
		errs[1] = keep(ctap2.ExtensionThirdPartyPayment, true)
	}
	if n.CredRandomWithUV != nil || n.CredRandomWithoutUV != nil {
		errs[2] = keep(ctap2.ExtensionHMACSecret, [][]byte{n.CredRandomWithoutUV, n.CredRandomWithUV})
	}
	return c.extensions, errors.Join(errs[:]...)
}

// AddCredential puts a credential on the key without asking the user, and
// returns it. A discoverable one replaces that of the same user. The error is
// ctap2.StatusKeyStoreFull if there is no room.
func (k *Key) AddCredential(n NewCredential) (Credential, error) {
	switch {
	case n.OpaqueKey != nil:
		public, err := cose.Parse(n.OpaqueKey)
		if err != nil {
			return Credential{}, err
		}
		n.Algorithm = public.Alg
	case n.Algorithm == 0:
		n.Algorithm = cose.ES256
	}
	switch usable := algorithms[n.Algorithm] != nil; {
	case n.OpaqueKey != nil && (usable || !n.Discoverable):
		return Credential{}, errors.New("virtual: an opaque credential is discoverable and has an algorithm of its own")
	case n.OpaqueKey == nil && !usable:
		return Credential{}, fmt.Errorf("virtual: credentials can't be made for %v", n.Algorithm)
	case n.RP.ID == "":
		return Credential{}, errors.New("virtual: a credential needs an RP ID")
	case len(n.User.ID) > maxUserIDLength || n.Discoverable && len(n.User.ID) == 0:
		return Credential{}, errors.New("virtual: a discoverable credential needs a user ID of 1 to 64 bytes")
	case n.ID != nil && (len(n.ID) < minCredentialIDLength || len(n.ID) > k.config.MaxCredentialIDLength):
		return Credential{}, fmt.Errorf("virtual: credential ID of %d bytes, not %d to %d", len(n.ID), minCredentialIDLength, k.config.MaxCredentialIDLength)
	case n.CredProtect > ctap2.CredProtectUVRequired:
		return Credential{}, fmt.Errorf("virtual: credProtect is %d, not 1 to 3", n.CredProtect)
	}
	for _, secret := range [][]byte{n.CredRandomWithUV, n.CredRandomWithoutUV} {
		if secret != nil && len(secret) != 32 {
			return Credential{}, fmt.Errorf("virtual: CredRandom of %d bytes, not 32", len(secret))
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if n.CredProtect == 0 && k.has(ctap2.ExtensionCredProtect) {
		n.CredProtect = k.config.CredProtect
	}
	extensions, err := n.extensions()
	if err != nil {
		return Credential{}, err
	}
	if n.ID != nil && slices.ContainsFunc(k.state.stored, func(o *credential) bool { return bytes.Equal(o.id, n.ID) }) {
		return Credential{}, errors.New("virtual: another credential has this ID")
	}
	c := &credential{
		extensions:   extensions,
		discoverable: n.Discoverable,
		id:           slices.Clone(n.ID),
		rpIDHash:     hashRPID(n.RP.ID),
		rp:           n.RP,
		user:         n.User,
		alg:          n.Algorithm,
	}
	c.user.ID = slices.Clone(n.User.ID)
	if err := k.keepBlobs(c, n); err != nil {
		return Credential{}, err
	}
	switch {
	case n.OpaqueKey != nil:
		c.private = slices.Clone(n.OpaqueKey)
	case n.PrivateKey != nil:
		c.private, err = encodePrivateKey(n.PrivateKey)
	default:
		c.private, err = algorithms[c.alg].generate(k.config.Rand)
	}
	if err != nil {
		return Credential{}, err
	}
	if _, err := c.publicKey(); err != nil {
		return Credential{}, fmt.Errorf("virtual: the private key does not go with %v: %w", c.alg, err)
	}
	if c.id == nil {
		if err := k.name(c); err != nil {
			return Credential{}, err
		}
	} else {
		c.stored = true
	}
	if c.stored {
		events := k.events // the observer is not told of what the test itself does
		err := k.store(c)
		k.events = events
		if err != nil {
			return Credential{}, err
		}
	}
	return c.describe(k), nil
}

// keepBlobs notes what the extensions about blobs keep with the credential.
func (k *Key) keepBlobs(c *credential, n NewCredential) error {
	if n.CredBlob != nil {
		b, err := cbor.Marshal(n.CredBlob)
		if err != nil {
			return err
		}
		if !k.has(ctap2.ExtensionCredBlob) || len(n.CredBlob) > k.config.MaxCredBlobLength {
			return fmt.Errorf("virtual: the key has no credBlob of %d bytes", len(n.CredBlob))
		}
		c.keep(ctap2.ExtensionCredBlob, b)
	}
	switch {
	case !n.LargeBlob:
	case k.has(ctap2.ExtensionLargeBlobKey) && n.Discoverable:
		c.keep(ctap2.ExtensionLargeBlobKey, outputTrue)
	case k.has(ctap2.ExtensionLargeBlob):
		c.stored = true
		c.keep(ctap2.ExtensionLargeBlob, noLargeBlob)
	default:
		return errors.New("virtual: the key has no large blob for the credential")
	}
	return nil
}

// encodePrivateKey returns a private key as the algorithms keep it.
func encodePrivateKey(key crypto.Signer) ([]byte, error) {
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		return key.Bytes()
	case ed25519.PrivateKey:
		return key.Seed(), nil
	case *rsa.PrivateKey:
		return x509.MarshalPKCS1PrivateKey(key), nil
	}
	return nil, fmt.Errorf("virtual: a credential can't have a %T", key)
}

// SetPIN sets or replaces the PIN, in UTF-8, with all its tries, without asking
// for the old one. The error is a *pinuv.PINError if the key's limits do not
// allow it; a PINComplexity is not asked, so that a test can have a PIN from
// before the policy. Tokens end.
func (k *Key) SetPIN(pin []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := pinuv.CheckPIN(pin, k.state.policy.MinPINLength, uint(k.config.MaxPINLength)); err != nil {
		return err
	}
	var changes []change
	if k.state.pin != nil {
		changes = append(changes, k.newPersistentToken())
	}
	if err := k.storePIN(makePINRecord(pin), changes...); err != nil {
		return err
	}
	k.state.versions.Token += uint64(len(changes))
	k.boot.pinMisses = 0
	k.dropToken()
	return nil
}

// ForcePINChange makes the key refuse its PIN until it is changed, as an
// administrator can order. Tokens end (CTAP 2.3 section 6.11.4,
// setMinPINLength).
func (k *Key) ForcePINChange() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	policy := k.state.policy
	policy.ForcePINChange = true
	return k.setPINPolicy(policy)
}

// SetRetries sets how many tries are left for the PIN, at most 8, and for
// built-in user verification, at most 25.
func (k *Key) SetRetries(pin, uv int) error {
	if pin < 0 || pin > 8 || uv < 0 || uv > 25 {
		return fmt.Errorf("virtual: %d and %d tries, at most 8 and 25", pin, uv)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	left := k.state.retries
	left.PIN, left.UV = uint(pin), uint(uv)
	return k.setRetries(left)
}

// SetSignCount sets the signature counter.
func (k *Key) SetSignCount(n uint32) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.commit(change{recordCounter, n}); err != nil {
		return err
	}
	k.state.counter = n
	return nil
}
