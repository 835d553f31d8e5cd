//go:build guest

package libfido2

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

const (
	rpID   = "example.com"
	pin    = "1234"
	userID = "the user handle"
)

var (
	createHash = sha256.Sum256([]byte("create"))
	getHash    = sha256.Sum256([]byte("get"))
	salt       = bytes.Repeat([]byte{0x5a}, 64)
)

// The tools make a credential, verify it, log in with it and verify that.
func TestCredentialAndAssertion(t *testing.T) {
	for _, tt := range []struct {
		name      string
		route     guest.Route
		kind      string   // of the key pair
		flags     []string // of fido2-cred and fido2-assert, -M, -G and -V
		cred      []string // of fido2-cred alone
		pin       bool
		algorithm cose.Algorithm
	}{
		{name: "es256", kind: "es256", algorithm: cose.ES256},
		{name: "es384", kind: "es384", algorithm: cose.ES384},
		{name: "eddsa", kind: "eddsa", algorithm: cose.EdDSA},
		{name: "rs256", kind: "rs256", algorithm: cose.RS256},
		{name: "discoverable", kind: "es256", cred: []string{"-r"}, algorithm: cose.ES256},
		{name: "with PIN", kind: "es256", flags: []string{"-v"}, pin: true, algorithm: cose.ES256},
		{name: "discoverable with PIN", kind: "eddsa", flags: []string{"-v"}, cred: []string{"-r"}, pin: true, algorithm: cose.EdDSA},
		{name: "hmac-secret and credProtect", kind: "es256", flags: []string{"-h"}, cred: []string{"-c", "2"}, algorithm: cose.ES256},
		{name: "over USB, discoverable with PIN", kind: "es256", flags: []string{"-v"}, cred: []string{"-r"}, pin: true, algorithm: cose.ES256, route: guest.USB},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var created []virtual.Credential
			config := virtual.Config{Observer: func(e virtual.Event) {
				if e.Kind == virtual.CredentialCreated {
					created = append(created, e.Credential)
				}
			}}
			if tt.route.Name == "" {
				tt.route = guest.UHID
			}
			key := guest.NewKey(t, tt.route, config)
			stdin := ""
			if tt.pin {
				if err := key.SetPIN([]byte(pin)); err != nil {
					t.Fatal(err)
				}
				stdin = pin + "\n"
			}
			discoverable := slices.Contains(tt.cred, "-r")

			in := file(t, blob(createHash[:]), rpID, "ada", blob([]byte(userID)))
			made := run(t, stdin, slices.Concat([]string{"fido2-cred", "-M", "-i", in}, tt.flags, tt.cred, []string{key.Path, tt.kind})...)
			verify := slices.DeleteFunc(slices.Clone(tt.cred), func(s string) bool { return s == "-r" })
			verified := run(t, "", slices.Concat([]string{"fido2-cred", "-V", "-i", file(t, made...)}, tt.flags, verify, []string{tt.kind})...)
			id, public := unblob(t, verified[0]), publicKey(t, verified[1:])
			if len(created) != 1 || !bytes.Equal(created[0].ID, id) || created[0].Algorithm != tt.algorithm || created[0].Discoverable != discoverable ||
				created[0].RP.ID != rpID || created[0].User.Name != "ada" || string(created[0].User.ID) != userID {
				t.Fatalf("the key made %+v; the tool has the credential %x", created, id)
			}
			if want, err := created[0].PublicKey.PublicKey(); err != nil || !want.(interface{ Equal(crypto.PublicKey) bool }).Equal(public) {
				t.Errorf("the public keys differ: %v, %v; %v", want, err, public)
			}

			ask := []string{blob(getHash[:]), rpID}
			get := slices.Clone(tt.flags)
			if discoverable {
				get = append(get, "-r")
			} else {
				ask = append(ask, verified[0])
			}
			if slices.Contains(tt.flags, "-h") {
				ask = append(ask, blob(salt))
			}
			got := run(t, stdin, slices.Concat([]string{"fido2-assert", "-G", "-i", file(t, ask...)}, get, []string{key.Path})...)
			if discoverable && (len(got) != 5 || string(unblob(t, got[4])) != userID) {
				t.Errorf("the assertion of a discoverable credential is %q", got)
			}
			if slices.Contains(tt.flags, "-h") && (len(got) != 5 || len(unblob(t, got[4])) != 64) {
				t.Errorf("the assertion with an hmac secret is %q", got)
			}
			run(t, "", slices.Concat([]string{"fido2-assert", "-V", "-p", "-i", file(t, got[:4]...)}, tt.flags, []string{file(t, verified[1:]...), tt.kind})...)

			// And what libfido2 does not sign for, it notices: the verification is one.
			got[0] = blob(createHash[:])
			if _, said, err := try(t, "", "fido2-assert", "-V", "-i", file(t, got[:4]...), file(t, verified[1:]...), tt.kind); err == nil {
				t.Errorf("another hash verifies: %s", said)
			}
		})
	}
}

// Our client logs in with libfido2's credential, and libfido2 with our client's.
func TestCredentialsOfTheOther(t *testing.T) {
	key := guest.NewKey(t, guest.UHID, virtual.Config{})
	made := run(t, "", "fido2-cred", "-M", "-i", file(t, blob(createHash[:]), rpID, "ada", blob([]byte(userID))), key.Path)
	verified := run(t, "", "fido2-cred", "-V", "-i", file(t, made...))
	theirs, err := cose.New(publicKey(t, verified[1:]), cose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	client := ours.Open(t, key, nil)
	got, err := client.GetAssertion(guest.Context(t), &ctap2.GetAssertionRequest{
		RPID: rpID, ClientDataHash: getHash[:],
		AllowList: []ctap2.PublicKeyCredentialDescriptor{{Type: ctap2.TypePublicKey, ID: unblob(t, verified[0])}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := theirs.Verify(slices.Concat(got.AuthData.Raw, getHash[:]), got.Signature); err != nil {
		t.Error(err)
	}

	ours, err := client.MakeCredential(guest.Context(t), &ctap2.MakeCredentialRequest{
		ClientDataHash:   createHash[:],
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: rpID},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte(userID), Name: "ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Type: ctap2.TypePublicKey, Alg: cose.ES256}},
	})
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	c := ours.AuthData.AttestedCredentialData
	assertion := run(t, "", "fido2-assert", "-G", "-i", file(t, blob(getHash[:]), rpID, blob(c.CredentialID)), key.Path)
	public, err := c.PublicKey.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	run(t, "", "fido2-assert", "-V", "-i", file(t, assertion...), file(t, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))))
}

// What the key refuses arrives at the tools as the status it is.
func TestRefusals(t *testing.T) {
	key := guest.NewKey(t, guest.UHID, virtual.Config{})
	if err := key.SetPIN([]byte(pin)); err != nil {
		t.Fatal(err)
	}
	in := file(t, blob(createHash[:]), rpID, "ada", blob([]byte(userID)))
	ask := file(t, blob(getHash[:]), rpID)
	for _, tt := range []struct {
		name  string
		user  virtual.User
		stdin string
		argv  []string
		says  string
	}{
		{"wrong PIN", virtual.AlwaysTouch(), "9999\n", []string{"fido2-cred", "-M", "-v", "-i", in, key.Path}, "FIDO_ERR_PIN_INVALID"},
		{"no PIN for a discoverable credential", virtual.AlwaysTouch(), "", []string{"fido2-cred", "-M", "-r", "-q", "-i", in, key.Path}, "FIDO_ERR_PIN_REQUIRED"},
		{"no credential", virtual.AlwaysTouch(), "", []string{"fido2-assert", "-G", "-r", "-i", ask, key.Path}, "FIDO_ERR_NO_CREDENTIALS"},
		{"refused by the user", virtual.Deny(), "", []string{"fido2-cred", "-M", "-i", in, key.Path}, "FIDO_ERR_OPERATION_DENIED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key.SetUser(tt.user)
			if out, said, err := try(t, tt.stdin, tt.argv...); err == nil || !strings.Contains(said, tt.says) {
				t.Errorf("%v: %q %s; want %s", err, out, said, tt.says)
			}
		})
	}
}

// file writes lines to a file and returns its path.
func file(t *testing.T, lines ...string) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		t.Fatal(err)
	}
	return filepath.Clean(f.Name())
}

func publicKey(t *testing.T, lines []string) crypto.PublicKey {
	t.Helper()
	block, rest := pem.Decode([]byte(strings.Join(lines, "\n") + "\n"))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		t.Fatalf("not one PEM block: %q", lines)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return public
}
