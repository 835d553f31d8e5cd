package webauthn

import (
	"context"

	"github.com/gofido/fido/ctap2"
)

// minPinLength (CTAP 2.3 section 12.5) has no output but what the key signs.
var createMinPINLength = creationExtension{
	ask: func(_ context.Context, c *creation) error {
		if c.request.Extensions.MinPINLength && c.has(ctap2.ExtensionMinPINLength) {
			c.sent.Extensions.RequestMinPINLength()
		}
		return nil
	},
}
