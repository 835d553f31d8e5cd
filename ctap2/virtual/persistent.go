package virtual

import (
	"encoding/binary"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// persistentToken returns the persistentPinUvAuthToken (CTAP 2.3 section
// 6.5.2.2): it outlives power cycles, reads the list of credentials and nothing
// else, and is another after the PIN was changed, and after a reset. The caller
// wipes it.
func (k *Key) persistentToken(p pinuv.Protocol) (*pinuv.Token, error) {
	secret := k.derive("persistent token", binary.BigEndian.AppendUint64(nil, k.state.versions.Token))
	defer clear(secret)
	return pinuv.NewToken(p, secret)
}

// newPersistentToken is what has to be stored for the persistent token to be
// another.
func (k *Key) newPersistentToken() change {
	v := k.state.versions
	v.Token++
	return change{recordVersions, v}
}

// newStoreState is what has to be stored when a discoverable credential is made,
// deleted or changed.
func (k *Key) newStoreState() change {
	v := k.state.versions
	v.Store++
	return change{recordVersions, v}
}

// encrypted sets getInfo's encIdentifier and encCredStoreState, by which the
// holder of the persistent token recognises the key and what it has read of it.
func (k *Key) encrypted(r *ctap2.GetInfoResponse) error {
	token, err := k.persistentToken(pinuv.Two)
	if err != nil {
		return err
	}
	defer token.Wipe()
	identifier := [16]byte(k.derive("device identifier"))
	if r.EncIdentifier, err = token.EncryptMember(k.config.Rand, pinuv.EncIdentifier, identifier); err != nil {
		return err
	}
	state := [16]byte(k.derive("credential store state", binary.BigEndian.AppendUint64(nil, k.state.versions.Store)))
	r.EncCredStoreState, err = token.EncryptMember(k.config.Rand, pinuv.EncCredStoreState, state)
	return err
}
