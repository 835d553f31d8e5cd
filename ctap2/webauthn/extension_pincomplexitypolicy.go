package webauthn

import (
	"context"

	"github.com/gofido/fido/ctap2"
)

// pinComplexityPolicy (CTAP 2.3 section 12.6) has no output but what the key signs.
var createPINComplexityPolicy = creationExtension{
	ask: func(_ context.Context, c *creation) error {
		if c.request.Extensions.PINComplexityPolicy && c.has(ctap2.ExtensionPINComplexityPolicy) {
			c.sent.Extensions.RequestPINComplexityPolicy()
		}
		return nil
	},
}
