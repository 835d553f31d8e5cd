//go:build guest

package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

const rpID = "example.com"

var (
	createHash = sha256.Sum256([]byte("create"))
	getHash    = sha256.Sum256([]byte("get"))
)

func TestGetInfo(t *testing.T) {
	each(t, func(t *testing.T, r guest.Route) {
		key := guest.NewKey(t, r, virtual.Config{})
		info, err := ours.Open(t, key, patient()).GetInfo(guest.Context(t))
		if err != nil {
			t.Fatal(err)
		}
		if len(info.Deviations) > 0 {
			t.Errorf("not canonical: %v", info.Deviations)
		}
		want := key.Info()
		for _, i := range []*ctap2.GetInfoResponse{info, want} {
			i.Reply = ctap2.Reply{}                         // the bytes that came
			i.EncIdentifier, i.EncCredStoreState = nil, nil // encrypted anew each time
		}
		if !reflect.DeepEqual(info, want) {
			t.Errorf("got  %+v\nwant %+v", info, want)
		}
	})
}

func TestRegisterAndLogIn(t *testing.T) {
	algorithms := []cose.Algorithm{cose.ES256, cose.EdDSA, cose.ES384, cose.RS256}
	for _, tt := range []struct {
		name         string
		route        guest.Route
		pin          string
		discoverable bool
		algorithms   []cose.Algorithm
	}{
		{"uhid without PIN", guest.UHID, "", false, algorithms},
		{"uhid with PIN, discoverable", guest.UHID, "1234", true, algorithms[:1]},
		{"USB without PIN, discoverable", guest.USB, "", true, algorithms[:1]},
		{"USB with PIN", guest.USB, "1234", false, algorithms[:1]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := guest.NewKey(t, tt.route, virtual.Config{})
			client := ours.Open(t, key, patient())
			if tt.pin != "" {
				if err := client.SetPIN(guest.Context(t), []byte(tt.pin)); err != nil {
					t.Fatal(err)
				}
			}
			for _, alg := range tt.algorithms {
				made := register(t, client, alg, tt.discoverable, tt.pin)
				logIn(t, client, made, tt.discoverable, tt.pin)
			}
			for _, c := range key.Credentials() {
				if c.Discoverable != tt.discoverable { // an RSA key does not fit a credential ID and is stored either way
					t.Errorf("the key stores %v %q", c.Algorithm, c.User.ID)
				}
			}
		})
	}
}

// register makes a credential and verifies all that the key says of it.
func register(t *testing.T, client *fido.Key, alg cose.Algorithm, discoverable bool, pin string) *ctap2.AttestedCredentialData {
	t.Helper()
	ctx := guest.Context(t)
	r := &ctap2.MakeCredentialRequest{
		ClientDataHash:   createHash[:],
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: rpID, Name: "Example"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte(alg.String()), Name: "ada", DisplayName: "Ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Type: ctap2.TypePublicKey, Alg: alg}},
	}
	if discoverable {
		r.Options.RK = new(true)
	}
	if pin != "" {
		token, err := client.PINToken(ctx, []byte(pin), ctap2.PermissionMC, rpID)
		if err != nil {
			t.Fatal(err)
		}
		defer token.Wipe()
		r.Authorize(token)
	}
	made, err := client.MakeCredential(ctx, r)
	if err != nil {
		t.Fatalf("%v: %v", alg, err)
	}
	if len(made.Deviations) > 0 || len(made.AuthData.Deviations) > 0 {
		t.Errorf("%v: not canonical: %v %v", alg, made.Deviations, made.AuthData.Deviations)
	}
	checkAuthData(t, &made.AuthData, ctap2.FlagAT, pin)
	c := made.AuthData.AttestedCredentialData
	if c.PublicKey.Alg != alg || c.AAGUID != virtual.DefaultAAGUID {
		t.Errorf("the credential is for %v from a model %v", c.PublicKey.Alg, c.AAGUID)
	}
	result, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, createHash[:])
	if err != nil {
		t.Fatalf("%v: %v", alg, err)
	}
	root, err := virtual.AttestationRoot()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	if _, err := result.VerifyTrust(roots, time.Now()); err != nil {
		t.Errorf("%v: %v", alg, err)
	}
	return c
}

// logIn gets an assertion with the credential and verifies it.
func logIn(t *testing.T, client *fido.Key, c *ctap2.AttestedCredentialData, discoverable bool, pin string) {
	t.Helper()
	ctx := guest.Context(t)
	got := assert(t, ctx, client, c, discoverable, pin)
	checkAuthData(t, &got.AuthData, 0, pin)
	if !bytes.Equal(got.Credential.ID, c.CredentialID) {
		t.Errorf("the assertion is from the credential %x, want %x", got.Credential.ID, c.CredentialID)
	}
	if err := c.PublicKey.Verify(slices.Concat(got.AuthData.Raw, getHash[:]), got.Signature); err != nil {
		t.Error(err)
	}
	if discoverable != (got.User != nil) {
		t.Errorf("the user is %+v", got.User)
	}
	if got.User != nil && (string(got.User.ID) != c.PublicKey.Alg.String() || (pin != "") != (got.User.Name == "ada")) {
		t.Errorf("the user is %+v", got.User)
	}
}

func assert(t *testing.T, ctx context.Context, client *fido.Key, c *ctap2.AttestedCredentialData, discoverable bool, pin string) *ctap2.GetAssertionResponse {
	t.Helper()
	r := &ctap2.GetAssertionRequest{RPID: rpID, ClientDataHash: getHash[:]}
	if !discoverable {
		r.AllowList = []ctap2.PublicKeyCredentialDescriptor{{Type: ctap2.TypePublicKey, ID: c.CredentialID}}
	}
	if pin != "" {
		token, err := client.PINToken(ctx, []byte(pin), ctap2.PermissionGA, rpID)
		if err != nil {
			t.Fatal(err)
		}
		defer token.Wipe()
		r.Authorize(token)
	}
	got, err := client.GetAssertion(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// checkAuthData checks what both kinds of answers have: more are the flags
// beside UP and UV.
func checkAuthData(t *testing.T, a *ctap2.AuthenticatorData, more ctap2.Flags, pin string) {
	t.Helper()
	want := ctap2.FlagUP | more
	if pin != "" {
		want |= ctap2.FlagUV
	}
	if a.Flags != want {
		t.Errorf("the flags are %v, want %v", a.Flags, want)
	}
	if a.RPIDHash != sha256.Sum256([]byte(rpID)) {
		t.Errorf("the RP ID hash is %x", a.RPIDHash)
	}
}
