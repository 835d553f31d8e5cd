package ctap2

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

// flagRFU1 is a flag without a meaning that the mapping hands on.
const flagRFU1 Flags = 0x02

// getAssertionU2F carries out getAssertion by U2F_AUTHENTICATE (CTAP 2.3 section
// 10.3). The error may be a Status.
func getAssertionU2F(ctx context.Context, key *u2f.Client, r *GetAssertionRequest) (*GetAssertionResponse, error) {
	if err := checkU2F(r.ClientDataHash, r.Options, r.Extensions, r.PinUvAuthParam); err != nil {
		return nil, err
	}
	if len(r.AllowList) == 0 {
		return nil, notU2F("discoverable credentials")
	}
	request := &u2f.AuthenticateRequest{
		Control:     u2f.EnforceUserPresence,
		Challenge:   [32]byte(r.ClientDataHash),
		Application: sha256.Sum256([]byte(r.RPID)),
	}
	if r.Options.UP != nil && !*r.Options.UP {
		request.Control = u2f.DontEnforceUserPresence
	}
	for _, d := range r.AllowList {
		if !isKeyHandle(d) {
			continue
		}
		request.KeyHandle = d.ID
		// Some keys ask for a touch before they look at the key handle, so the
		// touch must not be waited for with one that may be another key's.
		known, err := knowsU2F(ctx, key, request)
		if err != nil {
			return nil, err
		}
		if known {
			return assertU2F(ctx, key, request, d)
		}
	}
	return nil, StatusNoCredentials
}

// assertU2F signs with a credential that the key knows.
func assertU2F(ctx context.Context, key *u2f.Client, request *u2f.AuthenticateRequest, d PublicKeyCredentialDescriptor) (*GetAssertionResponse, error) {
	signed, err := key.Authenticate(ctx, request)
	if request.Control == u2f.DontEnforceUserPresence && errors.Is(err, iso7816.SWConditionsOfUseNotSatisfied) {
		return nil, StatusUPRequired // the key never signs without a touch
	}
	if err != nil {
		return nil, err
	}
	return &GetAssertionResponse{
		Credential: d,
		AuthData: AuthenticatorData{
			RPIDHash:  request.Application,
			Flags:     Flags(signed.UserPresence) & (FlagUP | flagRFU1),
			SignCount: signed.Counter,
		},
		Signature: signed.Signature,
	}, nil
}
