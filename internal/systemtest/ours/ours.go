//go:build linux

// Package ours reads a key that is plugged into the virtual machine with this
// library's own client, over hidraw as programs do, so that a test can compare
// it with what another's program says. libfido2 locks the key as we do: each
// function but [Open] gives the key back before it returns.
//
// It is apart from package guest, which must not import what guest tests
// elsewhere are tests of.
package ours

import (
	"context"
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/internal/systemtest/guest"
)

// Open opens the key until the test ends, or the caller closes it.
func Open(t *testing.T, key guest.Key, o *fido.Options) *fido.Key {
	t.Helper()
	client, err := fido.Open(guest.Context(t), key.Path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// Ask opens the key, asks it something, and closes it again. An error ends the
// test.
func Ask[T any](t *testing.T, key guest.Key, question func(context.Context, *fido.Key) (T, error)) T {
	t.Helper()
	client := Open(t, key, nil)
	defer client.Close()
	answer, err := question(guest.Context(t), client)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// AskWithPIN is Ask with a token.
func AskWithPIN[T any](t *testing.T, key guest.Key, pin string, permissions ctap2.Permissions, rpID string, question func(context.Context, *fido.Key, *pinuv.Token) (T, error)) T {
	t.Helper()
	return Ask(t, key, func(ctx context.Context, client *fido.Key) (none T, _ error) {
		token, err := client.PINToken(ctx, []byte(pin), permissions, rpID)
		if err != nil {
			return none, err
		}
		defer token.Wipe()
		return question(ctx, client, token)
	})
}

// Info returns the answer to getInfo.
func Info(t *testing.T, key guest.Key) *ctap2.GetInfoResponse {
	t.Helper()
	return Ask(t, key, func(ctx context.Context, client *fido.Key) (*ctap2.GetInfoResponse, error) {
		return client.GetInfo(ctx)
	})
}

// An RP is a relying party with its discoverable credentials.
type RP struct {
	ctap2.StoredRP
	Credentials []ctap2.StoredCredential
}

// Credentials returns the discoverable credentials.
func Credentials(t *testing.T, key guest.Key, pin string) []RP {
	t.Helper()
	return AskWithPIN(t, key, pin, ctap2.PermissionCM, "", func(ctx context.Context, client *fido.Key, token *pinuv.Token) ([]RP, error) {
		stored, err := client.RPs(ctx, token)
		if err != nil {
			return nil, err
		}
		var all []RP
		for _, rp := range stored {
			credentials, err := client.Credentials(ctx, token, rp.RPIDHash)
			if err != nil {
				return nil, err
			}
			all = append(all, RP{rp, credentials})
		}
		return all, nil
	})
}

// CredentialsMetadata counts the discoverable credentials.
func CredentialsMetadata(t *testing.T, key guest.Key, pin string) ctap2.CredentialsMetadata {
	t.Helper()
	return AskWithPIN(t, key, pin, ctap2.PermissionCM, "", func(ctx context.Context, client *fido.Key, token *pinuv.Token) (ctap2.CredentialsMetadata, error) {
		return client.CredentialsMetadata(ctx, token)
	})
}

// Fingerprints returns the enrolled fingerprints.
func Fingerprints(t *testing.T, key guest.Key, pin string) []ctap2.TemplateInfo {
	t.Helper()
	return AskWithPIN(t, key, pin, ctap2.PermissionBE, "", func(ctx context.Context, client *fido.Key, token *pinuv.Token) ([]ctap2.TemplateInfo, error) {
		return client.Fingerprints(ctx, token)
	})
}

// LargeBlobs returns the large blobs of all credentials.
func LargeBlobs(t *testing.T, key guest.Key) ctap2.LargeBlobArray {
	t.Helper()
	return Ask(t, key, func(ctx context.Context, client *fido.Key) (ctap2.LargeBlobArray, error) {
		return client.ReadLargeBlobs(ctx)
	})
}

// HMACSecrets returns what hmac-secret makes of the salts for a credential, for a
// user that is verified if there is a PIN.
func HMACSecrets(t *testing.T, key guest.Key, pin, rpID string, credentialID []byte, salts ...[ctap2.HMACSaltSize]byte) [][ctap2.HMACSaltSize]byte {
	t.Helper()
	ask := func(ctx context.Context, client *fido.Key, token *pinuv.Token) ([][ctap2.HMACSaltSize]byte, error) {
		x, err := client.HMACSecretExchange(ctx)
		if err != nil {
			return nil, err
		}
		defer x.Wipe()
		r := &ctap2.GetAssertionRequest{
			RPID: rpID, ClientDataHash: make([]byte, 32),
			AllowList: []ctap2.PublicKeyCredentialDescriptor{{Type: ctap2.TypePublicKey, ID: credentialID}},
		}
		if err := x.Request(&r.Extensions, salts...); err != nil {
			return nil, err
		}
		if token != nil {
			r.Authorize(token)
		}
		got, err := client.GetAssertion(ctx, r)
		if err != nil {
			return nil, err
		}
		return x.Outputs(got.AuthData.Extensions)
	}
	if pin != "" {
		return AskWithPIN(t, key, pin, ctap2.PermissionGA, rpID, ask)
	}
	return Ask(t, key, func(ctx context.Context, client *fido.Key) ([][ctap2.HMACSaltSize]byte, error) {
		return ask(ctx, client, nil)
	})
}
