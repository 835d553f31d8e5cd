package webauthn

import (
	"bytes"
	"context"

	"github.com/gofido/fido/ctap2"
)

// credBlob and getCredBlob are the extension credBlob (CTAP 2.3 section 12.2) of
// both ceremonies.

var createCredBlob = creationExtension{
	ask: func(_ context.Context, c *creation) error {
		if blob := c.request.Extensions.CredBlob; blob != nil && c.has(ctap2.ExtensionCredBlob) && uint(len(blob)) <= max(c.info.MaxCredBlobLength, 32) {
			c.sent.Extensions.SetCredBlob(blob)
		}
		return nil
	},
	answer: func(c *creation, r *ctap2.MakeCredentialResponse) error {
		if c.request.Extensions.CredBlob == nil {
			return nil
		}
		stored, err := r.AuthData.Extensions.CredBlobStored()
		c.outputs.CredBlob = &stored
		return err
	},
}

var getCredBlob = requestExtension{
	ask: func(_ context.Context, a *assertion) error {
		if a.request.Extensions.GetCredBlob && a.has(ctap2.ExtensionCredBlob) {
			a.sent.Extensions.RequestCredBlob()
		}
		return nil
	},
	answer: func(_ context.Context, a *assertion, r *ctap2.GetAssertionResponse) error {
		if !a.request.Extensions.GetCredBlob {
			return nil
		}
		blob, err := r.AuthData.Extensions.CredBlob()
		a.outputs.CredBlob = bytes.Clone(blob)
		return err
	},
}
