package virtual

import (
	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// largeBlobKey is CTAP 2.3 section 12.3. The credential notes that it has one;
// what it is follows from the credential ID, which a new credential gets later.
var largeBlobKey = &extension{
	id: ctap2.ExtensionLargeBlobKey,
	create: func(_ *Key, c *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		if err := wantsLargeBlobKey(input); err != nil {
			return nil, err
		}
		if !c.credential.discoverable {
			return nil, ctap2.StatusInvalidOption
		}
		c.credential.keep(ctap2.ExtensionLargeBlobKey, input)
		return nil, nil
	},
	get: func(k *Key, _ *assertion, c *credential, r *ctap2.GetAssertionResponse, input cbor.RawMessage) (cbor.RawMessage, error) {
		if err := wantsLargeBlobKey(input); err != nil {
			return nil, err
		}
		r.LargeBlobKey = c.largeBlobKey(k)
		return nil, nil
	},
}

// wantsLargeBlobKey demands that the input is true.
func wantsLargeBlobKey(input cbor.RawMessage) error {
	wanted, err := decodeTrue(input)
	if err != nil {
		return err
	}
	if !wanted {
		return ctap2.StatusInvalidOption
	}
	return nil
}

// largeBlobKey returns the key that the credential's large blob is encrypted
// with, or nil if there is none.
func (c *credential) largeBlobKey(k *Key) ctap2.LargeBlobKey {
	if c.extensions[ctap2.ExtensionLargeBlobKey] == nil || !k.has(ctap2.ExtensionLargeBlobKey) {
		return nil
	}
	return k.derive("largeBlobKey", c.id)
}
