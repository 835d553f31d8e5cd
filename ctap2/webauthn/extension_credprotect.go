package webauthn

import (
	"context"

	"github.com/gofido/fido/ctap2"
)

// credProtect is credentialProtectionPolicy and
// enforceCredentialProtectionPolicy (CTAP 2.3 section 12.1). It has no output but
// what the key signs.
var createCredProtect = creationExtension{
	check: func(c *creation) error {
		if c.enforcesCredProtect() && !c.has(ctap2.ExtensionCredProtect) {
			return unsuitable("this key can't protect a passkey as the site requires: use another")
		}
		return nil
	},
	ask: func(_ context.Context, c *creation) error {
		if level := c.request.Extensions.CredProtect; level != 0 && c.has(ctap2.ExtensionCredProtect) {
			c.sent.Extensions.SetCredProtect(level)
		}
		return nil
	},
	answer: func(c *creation, r *ctap2.MakeCredentialResponse) error {
		level, err := r.AuthData.Extensions.CredProtect()
		if c.enforcesCredProtect() && (err != nil || level < c.request.Extensions.CredProtect) {
			return unsuitable("the key did not protect the passkey as the site requires: use another", err)
		}
		return nil
	},
}

// enforcesCredProtect reports whether a credential without the protection must
// not be made. The lowest level is what every key gives.
func (c *creation) enforcesCredProtect() bool {
	e := c.request.Extensions
	return e.EnforceCredProtect && e.CredProtect > ctap2.CredProtectUVOptional
}
