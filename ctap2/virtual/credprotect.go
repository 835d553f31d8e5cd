package virtual

import (
	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// The levels of credProtect (CTAP 2.3 section 12.1).
const (
	protectOptional         = 1 // like a credential without the extension
	protectOptionalWithList = 2 // without user verification only for hosts that know the ID
	protectRequired         = 3 // never without user verification
)

var credProtect = &extension{
	id: ctap2.ExtensionCredProtect,
	create: func(k *Key, c *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		var level uint64
		if err := decodeInput(input, &level); err != nil {
			return nil, err
		}
		if level < protectOptional || level > protectRequired {
			return nil, ctap2.StatusInvalidParameter
		}
		c.credential.keep(ctap2.ExtensionCredProtect, input)
		return input, nil
	},
}

// protection is the credential's level.
func (c *credential) protection() byte {
	if b := c.extensions[ctap2.ExtensionCredProtect]; len(b) == 1 {
		return b[0] // a small integer is its own encoding
	}
	return protectOptional
}

// hidden reports whether credProtect keeps the credential from a host that has
// not verified the user; listed says that the host knows the ID already.
func (c *credential) hidden(verified, listed bool) bool {
	if verified {
		return false
	}
	level := c.protection()
	return level == protectRequired || level == protectOptionalWithList && !listed
}
