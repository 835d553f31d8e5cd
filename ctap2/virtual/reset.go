package virtual

import (
	"slices"

	"github.com/gofido/fido/ctap2"
)

// reset is CTAP 2.3 section 6.6. The AAGUID and the attestation stay.
func (k *Key) reset(o *operation, dst, _ []byte) ([]byte, error) {
	if over := k.config.TransportsForReset; len(over) > 0 && !slices.Contains(over, k.config.Transport) {
		return nil, ctap2.StatusOperationDenied
	}
	window := k.config.ResetWindow
	if window >= 0 && k.config.Clock.Now().Sub(k.boot.at) > window {
		return nil, ctap2.StatusNotAllowed
	}
	touch := k.touch
	if k.state.policy.LongTouch {
		touch = k.longTouch
	}
	if out := touch(o, ""); out != agreed {
		return nil, k.status(out, ctap2.StatusOperationDenied, ctap2.StatusUserActionTimeout)
	}
	return dst, k.erase()
}

// erase brings the key back to the state in which it was made: no record is left
// that was there, not even one that this version does not know.
func (k *Key) erase() error {
	fresh, err := k.factoryState()
	if err != nil {
		return err
	}
	old, err := k.config.Storage.Load()
	if err != nil {
		return &StorageError{"", err}
	}
	changes := make([]change, 0, len(old))
	for name, b := range old {
		clear(b)
		changes = append(changes, change{name, nil})
	}
	if err := k.commit(append(changes, fresh.changes()...)...); err != nil {
		return err
	}
	k.wipe()
	k.state = *fresh
	k.boot = boot{at: k.boot.at, tapUsed: k.boot.tapUsed}
	k.event(KeyReset, nil)
	return nil
}

// wipe overwrites the secrets in memory.
func (k *Key) wipe() {
	k.state.wipe()
	k.boot.token.wipe()
	k.made.forget()
	k.made.sealer = nil
}

// selection is CTAP 2.3 section 6.9: a touch, by which a host finds out which
// of several keys the user means.
func (k *Key) selection(o *operation, dst, _ []byte) ([]byte, error) {
	if out := k.touch(o, ""); out != agreed {
		return nil, k.status(out, ctap2.StatusOperationDenied, ctap2.StatusUserActionTimeout)
	}
	return dst, nil
}
