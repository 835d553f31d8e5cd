package virtual

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2"
)

// LargeBlobArray returns the serialized large-blob array as the key stores it
// (CTAP 2.3 section 6.10.1), damaged or not; ctap2.ParseLargeBlobArray reads it.
// A key without the command largeBlobs has the initial one.
func (k *Key) LargeBlobArray() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.largeBlobArray())
}

// SetLargeBlobArray puts bytes in place of the serialized large-blob array, which
// they need not be: what a host makes of a damaged one is worth a test. Nil is the
// initial array. An array that is being written is lost. The error is
// ctap2.StatusLargeBlobStorageFull if there are more than
// Config.LargeBlobCapacity.
func (k *Key) SetLargeBlobArray(raw []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.setLargeBlobArray(slices.Clone(raw))
}

func (k *Key) setLargeBlobArray(raw []byte) error {
	if len(raw) > k.config.LargeBlobCapacity {
		return ctap2.StatusLargeBlobStorageFull
	}
	if raw == nil {
		raw = ctap2.LargeBlobArray{}.Append(nil)
	}
	if err := k.storeLargeBlobArray(raw); err != nil {
		return err
	}
	if k.boot.sequence != nil && k.boot.sequence.by == ctap2.CommandLargeBlobs {
		k.end()
	}
	return nil
}

// LargeBlob returns the large blob of a stored credential, decompressed, however
// the key keeps it: in the large-blob array, or with the credential on a key with
// Config.LargeBlobExtension. The error is ctap2.ErrNoLargeBlob if there is none.
func (k *Key) LargeBlob(credentialID []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.withID(credentialID)
	if err != nil {
		return nil, err
	}
	if key := c.largeBlobKey(k); key != nil {
		array, err := ctap2.ParseLargeBlobArray(slices.Clone(k.largeBlobArray()))
		if err != nil {
			return nil, err
		}
		return array.Find(key)
	}
	blob := c.largeBlob()
	if blob.Blob == nil {
		return nil, ctap2.ErrNoLargeBlob
	}
	return (&ctap2.LargeBlobOutput{Blob: blob.Blob, OriginalSize: &blob.OriginalSize}).Data()
}

// SetLargeBlob stores data, which it compresses and encrypts as a host would, as
// the large blob of a stored credential that was made with the extension
// largeBlobKey or largeBlob, or with NewCredential.LargeBlob. What others have
// stored stays. The error is ctap2.StatusLargeBlobStorageFull if there is no
// room, and a *ctap2.LargeBlobArrayError if what is stored is damaged.
func (k *Key) SetLargeBlob(credentialID, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.withID(credentialID)
	if err != nil {
		return err
	}
	if key := c.largeBlobKey(k); key != nil {
		array, err := ctap2.ParseLargeBlobArray(slices.Clone(k.largeBlobArray()))
		if err != nil {
			return err
		}
		if array, err = array.Set(k.config.Rand, key, data); err != nil {
			return err
		}
		return k.setLargeBlobArray(array.Append(nil))
	}
	return k.setCredentialsLargeBlob(c, data)
}

// setCredentialsLargeBlob stores a blob with the credential.
func (k *Key) setCredentialsLargeBlob(c *credential, data []byte) error {
	if c.extensions[ctap2.ExtensionLargeBlob] == nil {
		return errors.New("virtual: the credential was made without large blob")
	}
	var inputs ctap2.Extensions
	if err := inputs.SetLargeBlob(data); err != nil {
		return err
	}
	var in ctap2.LargeBlobInput
	if _, err := inputs.Get(ctap2.ExtensionLargeBlob, &in); err != nil {
		return err
	}
	if len(in.Write) > k.maxLargeBlob() {
		return ctap2.StatusLargeBlobStorageFull
	}
	changed, extensions, err := c.withLargeBlob(storedLargeBlob{in.Write, *in.OriginalSize})
	if err != nil {
		return err
	}
	if err := k.commit(changed); err != nil {
		return err
	}
	c.extensions = extensions
	return nil
}

// withID returns the stored credential with the ID.
func (k *Key) withID(id []byte) (*credential, error) {
	i := slices.IndexFunc(k.state.stored, func(c *credential) bool { return bytes.Equal(c.id, id) })
	if i < 0 {
		return nil, fmt.Errorf("virtual: no credential is stored with the ID %x", id)
	}
	return k.state.stored[i], nil
}
