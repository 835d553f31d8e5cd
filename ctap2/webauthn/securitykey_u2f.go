package webauthn

import (
	"context"
	"errors"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/u2f"
)

// A key of CTAP 2.0 that has a PIN demands it for every new credential. A site that
// discourages verification wants no PIN typed, and by U2F the key makes a credential
// without it that serves as well, unless the site wants to know more of the key than
// U2F tells.

// fitsU2F reports whether the credential that the site asks for can be made by U2F
// and is better made so.
func (c *creation) fitsU2F() bool {
	r := c.request
	es256 := ctap2.PublicKeyCredentialParameters{Alg: cose.ES256, Type: ctap2.TypePublicKey}
	e := r.Extensions
	extended := e.PRF != nil || e.LargeBlob != "" || e.CredProtect != 0 || e.CredBlob != nil || e.MinPINLength || e.PINComplexityPolicy
	return r.UserVerification == UserVerificationDiscouraged && !c.rk && c.creationDemandsUV(false) &&
		!c.is21() && slices.Contains(c.info.Versions, ctap2.VersionU2F) && !c.isU2F() &&
		slices.Contains(r.PubKeyCredParams, es256) && !extended && r.Attestation == AttestationNone
}

// byU2F makes the credential by U2F; done is false if that can't be, and nothing
// has happened.
func (c *creation) byU2F(ctx context.Context) (result *MakeCredentialResult, done bool, err error) {
	key, ok := c.key.OverU2F()
	if !ok {
		return nil, false, nil
	}
	// By U2F the key does not know its discoverable credentials.
	if len(c.exclude) > 0 {
		known, tells, err := c.knows(ctx, c.request.RP.ID, c.exclude)
		switch {
		case err != nil || !tells:
			return nil, false, nil
		case known:
			return nil, true, c.excluded(ctx)
		}
	}
	other := *c.ceremony
	other.SecurityKey = &SecurityKey{Contactless: c.Contactless, key: key, prompt: c.prompt}
	if err := other.refresh(ctx); err != nil {
		return nil, false, nil
	}
	other.info = &ctap2.GetInfoResponse{Versions: other.info.Versions, Transports: c.info.Transports}
	over := &creation{ceremony: &other, request: c.request, exclude: c.exclude}
	result, err = over.send(ctx, nil, false)
	c.asked = other.asked
	return result, !errors.Is(err, u2f.ErrSwitchedOff), err
}
