package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// token gets a token with the permissions in the way that suits the key: by a
// fingerprint, or by the PIN, which is asked for again after a wrong one. rpID is
// as for [ctap2.Client.PINToken]. The caller wipes it.
func (a *app) token(ctx context.Context, key *fido.Key, permissions ctap2.Permissions, rpID string) (*pinuv.Token, error) {
	return key.Token(ctx, permissions, rpID, ctap2.TokenPrompt{PIN: a.askPIN, UV: a.askUV})
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
			pin, err := a.readPIN(ctx, "")
			if err != nil {
				return nil, err
			}
			a.pin = pin
		}
		return bytes.Clone(a.pin), nil
	}
	if last != nil {
		a.hint("%s.", sentence(oneLine(last)))
	}
	return a.readPIN(ctx, fmt.Sprintf("PIN of %s (%s): ", a.theKey(), left))
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

// theKey is what prompts call the key.
func (a *app) theKey() string { return cmp.Or(a.keyName, "the key") }

// tries says how many are left.
func tries(n uint) string {
	if n == 1 {
		return "1 try left"
	}
	return fmt.Sprintf("%d tries left", n)
}
