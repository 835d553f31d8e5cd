package virtual

import (
	"crypto/subtle"
	"unicode/utf8"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// maxPINMisses wrong PINs in a row block the PIN until the next power cycle.
const maxPINMisses = 3

// pinUsable says why no PIN can be tried now, if so.
func (k *Key) pinUsable() error {
	switch {
	case k.state.pin == nil:
		return ctap2.StatusPINNotSet
	case k.state.retries.PIN == 0:
		return ctap2.StatusPINBlocked
	case k.boot.pinMisses >= maxPINMisses:
		return ctap2.StatusPINAuthBlocked
	}
	return nil
}

// checkPIN compares pinHashEnc with the PIN's hash. A try is spent, and its
// loss stored, before the comparison, so that cutting the power gives nobody
// another one. A ciphertext of the wrong length counts as a wrong PIN.
func (k *Key) checkPIN(secret *pinuv.SharedSecret, r *ctap2.ClientPINRequest) error {
	left := k.state.retries
	left.PIN--
	if err := k.setRetries(left); err != nil {
		return err
	}
	hash, err := secret.Decrypt(r.PinHashEnc)
	defer clear(hash)
	if err != nil || subtle.ConstantTimeCompare(hash, k.state.pin.Hash) != 1 {
		return k.wrongPIN(r.PinUvAuthProtocol)
	}
	k.boot.pinMisses = 0
	return k.setRetries(retriesRecord{PIN: uint(k.config.PINRetries), UV: uint(k.config.UVRetries)})
}

func (k *Key) wrongPIN(p pinuv.Protocol) error {
	k.boot.agreement[p-pinuv.One] = nil // another is made when it is asked for
	k.boot.pinMisses++
	switch {
	case k.state.retries.PIN == 0:
		return ctap2.StatusPINBlocked
	case k.boot.pinMisses >= maxPINMisses:
		return ctap2.StatusPINAuthBlocked
	}
	return ctap2.StatusPINInvalid
}

func (k *Key) setRetries(r retriesRecord) error {
	if err := k.commit(change{recordRetries, r}); err != nil {
		return err
	}
	k.state.retries = r
	return nil
}

// newPIN decrypts a new PIN and checks it against the policy.
func (k *Key) newPIN(secret *pinuv.SharedSecret, newPinEnc []byte) (*pinRecord, error) {
	padded, err := secret.Decrypt(newPinEnc)
	if err != nil {
		return nil, ctap2.StatusPINAuthInvalid
	}
	defer clear(padded)
	pin, err := pinuv.UnpadPIN(padded)
	if err != nil {
		return nil, ctap2.StatusInvalidParameter
	}
	if err := pinuv.CheckPIN(pin, k.state.policy.MinPINLength, uint(k.config.MaxPINLength)); err != nil {
		return nil, ctap2.StatusPINPolicyViolation
	}
	if !k.complexEnough(pin) {
		return nil, ctap2.StatusPINPolicyViolation
	}
	return makePINRecord(pin), nil
}

func makePINRecord(pin []byte) *pinRecord {
	hash := pinuv.HashPIN(pin)
	return &pinRecord{Hash: hash[:], CodePoints: uint(utf8.RuneCount(pin))}
}

// wipe overwrites the hash; a nil pin has none.
func (p *pinRecord) wipe() {
	if p != nil {
		clear(p.Hash)
	}
}

// storePIN makes pin the PIN, with all its tries, together with other changes. It wipes the old one, or pin if
// that can't be stored.
func (k *Key) storePIN(pin *pinRecord, changes ...change) error {
	retries := k.state.retries
	retries.PIN = uint(k.config.PINRetries)
	policy := k.state.policy
	policy.ForcePINChange = false
	changes = append(changes, change{recordPIN, pin}, change{recordRetries, retries}, change{recordPolicy, policy})
	if err := k.commit(changes...); err != nil {
		pin.wipe()
		return err
	}
	k.state.pin.wipe()
	k.state.pin, k.state.retries, k.state.policy = pin, retries, policy
	return nil
}
