package ctap2_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// hmac-secret of the software key, by both protocols: the same secret for the
// same salt, and another one for a verified user.
func TestHMACSecretOfSoftwareKey(t *testing.T) {
	for _, protocol := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		key, c := connect(t, virtual.Config{Protocols: []pinuv.Protocol{protocol}}, nil)
		r := registration("ada")
		r.Extensions.RequestHMACSecret()
		if _, err := c.MakeCredential(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := key.SetPIN([]byte("1234")); err != nil {
			t.Fatal(err)
		}
		evaluate := func(verified bool, salts ...[32]byte) [][32]byte {
			request := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash}
			if verified {
				token, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA, "example.com")
				if err != nil {
					t.Fatal(err)
				}
				request.Authorize(token)
			}
			x, err := c.HMACSecretExchange(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer x.Wipe()
			if err := x.Request(&request.Extensions, salts...); err != nil {
				t.Fatal(err)
			}
			a, err := c.GetAssertion(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			outputs, err := x.Outputs(a.AuthData.Extensions)
			if err != nil {
				t.Fatal(err)
			}
			return outputs
		}
		one, two := [32]byte{1}, [32]byte{2}
		plain, verified := evaluate(false, one, two), evaluate(true, one, two)
		if !slices.Equal(plain, evaluate(false, one, two)) || evaluate(false, two)[0] != plain[1] {
			t.Errorf("%v: other secrets for the same salts", protocol)
		}
		if plain[0] == plain[1] || plain[0] == verified[0] || verified[0] == verified[1] {
			t.Errorf("%v: the same secret for other salts or users", protocol)
		}
	}
}

// A credential that needs user verification is found in a long list with a token
// and not without.
func TestLongListsOfSoftwareKey(t *testing.T) {
	key, c := connect(t, virtual.Config{MaxCredentialCountInList: 4}, nil)
	r := registration("ada")
	r.Extensions.SetCredProtect(ctap2.CredProtectUVRequired)
	made, err := c.MakeCredential(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	id := made.AuthData.AttestedCredentialData.CredentialID
	list := append(ids("abcdefghijk"), ctap2.PublicKeyCredentialDescriptor{ID: id, Type: ctap2.TypePublicKey})
	ask := func(token *pinuv.Token) error {
		a, err := c.GetAssertionWithList(t.Context(), &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash, AllowList: list}, token)
		if err == nil && !bytes.Equal(a.Credential.ID, id) {
			t.Errorf("credential %x", a.Credential.ID)
		}
		return err
	}
	if err := ask(nil); !errors.Is(err, ctap2.StatusNoCredentials) {
		t.Errorf("without a token: %v", err)
	}
	token, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA|ctap2.PermissionMC, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(token); err != nil {
		t.Errorf("with a token: %v", err)
	}
	if token, err = c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA|ctap2.PermissionMC, "example.com"); err != nil {
		t.Fatal(err)
	}
	again := registration("bob")
	again.ExcludeList = list
	if _, err := c.MakeCredentialWithList(t.Context(), again, token); !errors.Is(err, ctap2.StatusCredentialExcluded) {
		t.Errorf("excluded: %v", err)
	}
}
