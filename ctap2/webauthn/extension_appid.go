package webauthn

import (
	"context"
	"errors"

	"github.com/gofido/fido/ctap2"
)

// appid and appidExclude (WebAuthn L3 sections 10.1.1 and 10.1.2) are about
// credentials that a site made by U2F, for an AppID. A key knows them by its hash
// in place of the RP ID's, whichever protocol it is asked by.

// withAppID calls get with the RP ID or, if the key has a credential of the list
// for the AppID instead, with that.
func (a *assertion) withAppID(ctx context.Context, get func(context.Context) (*GetAssertionResult, error)) (*GetAssertionResult, error) {
	appID := a.request.Extensions.AppID
	if appID == "" {
		return get(ctx)
	}
	a.outputs.AppID = new(false)
	useAppID := func() { a.rpID, a.outputs.AppID = appID, new(true) }
	if len(a.allow) == 0 {
		return get(ctx)
	}
	// The key is asked silently, so that the user is verified once, for the right
	// one.
	here, tells, err := a.knows(ctx, a.rpID, a.allow)
	if err == nil && !here {
		var there, tellsToo bool
		if there, tellsToo, err = a.knows(ctx, appID, a.allow); there {
			useAppID()
			return get(ctx)
		}
		tells = tells && tellsToo
	}
	if err != nil {
		return nil, err
	}
	result, err := get(ctx)
	if !tells && errors.Is(a.explain(err), ErrNoPasskey) {
		useAppID()
		return get(ctx)
	}
	return result, err
}

// excludeAppID fails if the key has one of the excluded credentials for the AppID,
// after a touch: a site must not learn of a key that nobody has touched.
func (c *creation) excludeAppID(ctx context.Context) error {
	appID := c.request.Extensions.AppIDExclude
	if appID == "" || len(c.exclude) == 0 {
		return nil
	}
	known, tells, err := c.knows(ctx, appID, c.exclude)
	switch {
	case err != nil:
		return err
	case known:
		return c.excluded(ctx)
	case tells:
		return nil
	}
	_, err = touched(ctx, c.ceremony, false, func(key *ctap2.Client) (*ctap2.GetAssertionResponse, error) {
		return key.GetAssertionWithList(ctx, &ctap2.GetAssertionRequest{RPID: appID, ClientDataHash: make([]byte, 32), AllowList: c.exclude}, nil)
	})
	switch {
	case err == nil:
		return ErrAlreadyRegistered
	case errors.Is(c.explain(err), ErrNoPasskey), errors.Is(err, ctap2.StatusPUATRequired): // which U2F knows nothing of
		return nil
	}
	return err
}

// excluded fails with ErrAlreadyRegistered once the key was touched.
func (c *creation) excluded(ctx context.Context) error {
	_, err := touched(ctx, c.ceremony, false, func(key *ctap2.Client) (none struct{}, _ error) {
		return none, key.Selection(ctx)
	})
	if err != nil {
		return err
	}
	return ErrAlreadyRegistered
}

// knows asks the key silently whether it has a credential of the list for an RP ID
// or AppID; tells is false if it does not say.
func (c *ceremony) knows(ctx context.Context, rpID string, list []ctap2.PublicKeyCredentialDescriptor) (known, tells bool, err error) {
	found, err := c.key.FindCredential(ctx, rpID, list, nil)
	switch {
	case c.isU2F() && errors.Is(err, ctap2.StatusUPRequired):
		return true, true, nil // it asks for a touch only if it has one
	case errors.Is(err, ctap2.ErrNoSilentProbe):
		return false, false, nil
	}
	return found != nil, true, err
}
