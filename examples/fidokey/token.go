package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// token gets a token with the permissions in the way that suits the key: by a
// fingerprint, or by the PIN, which is asked for again after a wrong one. rpID is
// as for [ctap2.Client.PINToken]. The caller wipes it.
func (a *app) token(ctx context.Context, key *fido.Key, permissions ctap2.Permissions, rpID string) (*pinuv.Token, error) {
	info, err := key.Info(ctx)
	if err != nil {
		return nil, err
	}
	uv := a.askUV
	if !byFinger(info) {
		uv = a.askOwnUV
	}
	return key.Token(ctx, permissions, rpID, ctap2.TokenPrompt{PIN: a.askPIN, UV: uv})
}

// byFinger reports whether a key that verifies its user itself does so by
// fingerprint, as most do.
func byFinger(info *ctap2.GetInfoResponse) bool {
	const fingerprint = 2 // bit of uvModality
	_, enrols := info.Options[ctap2.OptionBioEnroll]
	_, preview := info.Options[ctap2.OptionUserVerificationMgmtPreview]
	return enrols || preview || info.UvModality != nil && *info.UvModality&fingerprint != 0
}

// configToken gets a token to change settings. It is nil for a key without PIN and
// fingerprint, which lets anyone.
func (a *app) configToken(ctx context.Context, key *fido.Key) (*pinuv.Token, error) {
	info, err := key.Info(ctx)
	if err != nil || !protected(info) {
		return nil, err
	}
	return a.token(ctx, key, ctap2.PermissionACFG, "")
}

// settable says why a protected key gives nobody a token to change its settings; nil
// if it does, or needs none.
func settable(info *ctap2.GetInfoResponse) error {
	byPIN := info.PINPermissions()&ctap2.PermissionACFG != 0
	switch {
	case !protected(info), info.UVPermissions()&ctap2.PermissionACFG != 0, byPIN && info.Options[ctap2.OptionClientPIN]:
		return nil
	case byPIN:
		return &ctap2.PINError{Status: ctap2.StatusPINNotSet, Retries: -1}
	}
	return cant("this key lets nobody change its settings: it can't have the PIN that proves who does")
}

// protected reports whether a key asks for a PIN or a fingerprint at all.
func protected(info *ctap2.GetInfoResponse) bool {
	return info.Options[ctap2.OptionClientPIN] || info.Options[ctap2.OptionUV]
}

// askPIN asks for the key's PIN. last is why the one before was refused.
func (a *app) askPIN(ctx context.Context, left ctap2.PINRetries, last error) ([]byte, error) {
	return a.askPINWith(ctx, tries(left.Retries), last)
}

// askPINWith is askPIN that says left of the tries.
func (a *app) askPINWith(ctx context.Context, left string, last error) ([]byte, error) {
	if a.pinStdin {
		// A script has one PIN to give, which may serve several times, but is not
		// tried again when it was wrong: that costs tries of the key.
		if last != nil {
			return nil, last
		}
		if a.pin == nil {
			pin, err := a.readPIN(ctx, "PIN of the key: ")
			if err != nil {
				return nil, err
			}
			a.pin = pin
		}
		return bytes.Clone(a.pin), nil
	}
	if last != nil {
		a.notThePIN(ctx, last)
	}
	return a.readPIN(ctx, fmt.Sprintf("PIN of %s (%s): ", a.theKey(), left))
}

// notThePIN says why the PIN that was typed did not do. The prompt for the next one
// tells how many tries are left.
func (a *app) notThePIN(ctx context.Context, err error) {
	text := a.explain(ctx, err)
	if e, ok := errors.AsType[*ctap2.PINError](err); ok && pinProblem(e) == pinWrong {
		text = wrongPIN + a.afterWrongPIN(e)
	}
	text = sentence(text) + "."
	if asAny[*pinuv.PINError](err) {
		text += " It was not sent and cost no try."
	}
	a.hint("%s", a.fill(text))
}

// askUV tells that the key waits for a finger. last is why it did not take the
// one before.
func (a *app) askUV(_ context.Context, left uint, last error) error {
	text := "Put your finger on " + a.theKey()
	if last != nil {
		text = "The key did not recognise the finger: try again"
	}
	a.urge(fmt.Sprintf("%s (%s).", text, tries(left)))
	return nil
}

// askOwnUV is askUV for a key that verifies its user in another way, such as on a
// keypad of its own.
func (a *app) askOwnUV(_ context.Context, left uint, last error) error {
	text := "Show " + a.theKey() + " that it is you, in the way that it asks for"
	if last != nil {
		text = "That did not convince the key: try again"
	}
	a.urge(fmt.Sprintf("%s (%s).", text, tries(left)))
	return nil
}

// theKey is what prompts call the key.
func (a *app) theKey() string { return cmp.Or(a.keyName, "the key") }

// tries says how many are left.
func tries(n uint) string {
	if n == 1 {
		return "1 try left"
	}
	return fmt.Sprintf("%d tries left", n)
}
