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

// The level that a key has by itself is told unasked (WebAuthn L3 section 9 knows
// such outputs), unless it is the lowest.
var credProtect = &extension{
	id:      ctap2.ExtensionCredProtect,
	unasked: true,
	create: func(k *Key, c *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		level := uint64(k.config.CredProtect)
		if input != nil {
			if err := decodeInput(input, &level); err != nil {
				return nil, err
			}
			if level < protectOptional || level > protectRequired {
				return nil, ctap2.StatusInvalidParameter
			}
		}
		if forced := k.faults.CredProtect; forced != 0 {
			level = uint64(forced)
		}
		if input == nil && level <= protectOptional {
			return nil, nil
		}
		output, err := cbor.Marshal(level)
		if err != nil {
			return nil, err
		}
		c.credential.keep(ctap2.ExtensionCredProtect, output)
		return output, nil
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
