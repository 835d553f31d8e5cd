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

// prf from end to end: what is evaluated when the credential is made is what a
// login evaluates.
func TestPRFOfSoftwareKey(t *testing.T) {
	for _, protocol := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		_, c := connect(t, virtual.Config{Protocols: []pinuv.Protocol{protocol}}, nil)
		salts := [][32]byte{ctap2.PRFSalt([]byte("first")), ctap2.PRFSalt([]byte("second"))}
		exchange := func() *ctap2.HMACSecretExchange {
			x, err := c.HMACSecretExchange(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		x := exchange()
		r := registration("ada")
		if err := x.RequestMC(&r.Extensions, salts...); err != nil {
			t.Fatal(err)
		}
		made, err := c.MakeCredential(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		enabled, err := made.AuthData.Extensions.HMACSecretEnabled()
		first, err2 := x.Outputs(made.AuthData.Extensions)
		if err != nil || err2 != nil || !enabled || len(first) != 2 || first[0] == first[1] {
			t.Fatalf("%v: enabled %v, %x, %v, %v", protocol, enabled, first, err, err2)
		}
		x.Wipe()
		x = exchange()
		login := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash}
		if err := x.Request(&login.Extensions, salts...); err != nil {
			t.Fatal(err)
		}
		got, err := c.GetAssertion(t.Context(), login)
		if err != nil {
			t.Fatal(err)
		}
		again, err := x.Outputs(got.AuthData.Extensions)
		if err != nil || !slices.Equal(again, first) {
			t.Errorf("%v: %x when it is made, %x later, %v", protocol, first, again, err)
		}
		x.Wipe()
	}
	_, c := connect(t, virtual.Config{Profile: virtual.FIDO21}, nil)
	x, err := c.HMACSecretExchange(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var e ctap2.Extensions
	if err := x.RequestMC(&e, [32]byte{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a key of CTAP 2.1: %v", err)
	}
}

// An extension that nobody knows goes to the key as it is and is ignored there;
// outputs that nobody knows are kept as they came, whether or not the client is
// strict.
func TestUnknownExtensionsOfSoftwareKey(t *testing.T) {
	output := []byte{0xa1, 0x01, 0x82, 0xf6, 0x61, 'x'}
	key, c := connect(t, virtual.Config{Faults: virtual.Faults{ExtraExtensions: ctap2.Extensions{"example.com/x": output}}}, &ctap2.ClientConfig{Strict: true})
	r := registration("ada")
	r.Extensions = ctap2.Extensions{}
	if err := r.Extensions.Set("example.com/y", []any{1, "two", nil}); err != nil {
		t.Fatal(err)
	}
	r.Extensions.RequestHMACSecret()
	made, err := c.MakeCredential(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash, Extensions: ctap2.Extensions{"example.com/y": r.Extensions["example.com/y"]}})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range []ctap2.Extensions{made.AuthData.Extensions, got.AuthData.Extensions} {
		if !bytes.Equal(e["example.com/x"], output) || e["example.com/y"] != nil || len(e) != 2-i {
			t.Errorf("outputs %v", e)
		}
	}
	sent, err := key.Commands()[0].Parse()
	if err != nil || !bytes.Equal(sent.(*ctap2.MakeCredentialRequest).Extensions["example.com/y"], r.Extensions["example.com/y"]) {
		t.Errorf("sent %v, %v", sent, err)
	}
}

func TestThirdPartyPaymentOfSoftwareKey(t *testing.T) {
	for _, marked := range []bool{true, false} {
		_, c := connect(t, virtual.Config{}, nil)
		r := registration("ada")
		if marked {
			r.Extensions.RequestThirdPartyPayment()
		}
		if _, err := c.MakeCredential(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		login := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash}
		login.Extensions.RequestThirdPartyPayment()
		got, err := c.GetAssertion(t.Context(), login)
		if err != nil {
			t.Fatal(err)
		}
		if payment, err := got.AuthData.Extensions.ThirdPartyPayment(); err != nil || payment != marked {
			t.Errorf("marked %v: %v, %v", marked, payment, err)
		}
	}
}
