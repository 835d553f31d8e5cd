package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/examples/internal/passkeys"
)

// keyWith makes a key with the PIN 1234 and passkeys, and returns its --device.
func keyWith(t *testing.T, c virtual.Config, passkeys ...virtual.NewCredential) (*virtual.Key, string) {
	t.Helper()
	key := newKey(t, c)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	for _, p := range passkeys {
		p.Discoverable = true
		if _, err := key.AddCredential(p); err != nil {
			t.Fatal(err)
		}
	}
	return key, serve(t, key)
}

func account(rpID, name string) virtual.NewCredential {
	return virtual.NewCredential{
		RP:   ctap2.PublicKeyCredentialRPEntity{ID: rpID},
		User: ctap2.PublicKeyCredentialUserEntity{ID: []byte("user " + name), Name: name},
	}
}

// asJSONOf runs a command with --json and the PIN, and decodes what it prints.
func asJSONOf[T any](t *testing.T, code int, args ...string) (v T) {
	t.Helper()
	r := fidokey(t, t.Context(), "1234\n", append([]string{"--json", "--pin-stdin"}, args...)...)
	if r.code != code {
		t.Fatalf("%q: exit code %d: %s", args, r.code, r.err)
	}
	d := json.NewDecoder(strings.NewReader(r.out))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v:\n%s", args, err, r.out)
	}
	if strings.Contains(r.out, "null") {
		t.Errorf("%q prints null:\n%s", args, r.out)
	}
	return v
}

// The JSON forms, which scripts and lists that were kept rely on.
func TestPasskeysJSON(t *testing.T) {
	withBlob := account("example.com", "ada")
	withBlob.LargeBlob, withBlob.ThirdPartyPayment, withBlob.CredProtect = true, true, ctap2.CredProtectUVRequired
	key, device := keyWith(t, virtual.Config{}, withBlob, account("example.com", "bob"), account("ssh:", "openssh"))
	ada := key.Credentials()[0]
	if err := key.SetLargeBlob(ada.ID, []byte("hello")); err != nil {
		t.Fatal(err)
	}

	l := asJSONOf[passkeys.Listing](t, exitOK, "passkeys", "list", "-d", device)
	p := l.Sites[0].Passkeys[0]
	if l.Format != "fidokey passkeys" || l.Version != 1 || l.Created.IsZero() || l.Stored != 3 || l.Room != 97 || len(l.Sites) != 2 ||
		l.Key.AAGUID != virtual.DefaultAAGUID.String() || l.Key.Device != device || len(l.Key.DeviceIdentifier) != 22 {
		t.Errorf("list: %+v", l)
	}
	if p.CredentialID != base64URL(ada.ID) || p.User.ID != base64URL([]byte("user ada")) || p.Algorithm != -7 || p.AlgorithmName != "ES256" ||
		p.CredProtect != 3 || !p.LargeBlobKey || !p.ThirdPartyPayment || p.PublicKey != base64URL(ada.PublicKey.Append(nil)) || !l.Sites[0].Complete() {
		t.Errorf("list: %+v", p)
	}
	if secret := base64URL(ada.LargeBlobKey); secret == "" || strings.Contains(fidokey(t, t.Context(), "1234\n", "passkeys", "list", "--json", "--pin-stdin", "-d", device).out, secret) {
		t.Error("the list has the large-blob key")
	}

	if shown := asJSONOf[shownPasskey](t, exitOK, "passkeys", "show", "-d", device, "--", p.CredentialID); shown.ID != p.ID || shown.Site.RPID != "example.com" ||
		shown.LargeBlobSize == nil || *shown.LargeBlobSize != 5 {
		t.Errorf("show: %+v", shown)
	}
	if e := asJSONOf[editedPasskey](t, exitOK, "passkeys", "edit", p.ID, "--name", "eve", "-d", device); e.User.Name != "eve" || e.Before.Name != "ada" || e.ID != p.ID {
		t.Errorf("edit: %+v", e)
	}
	if got := asJSONOf[deletedPasskeys](t, exitOK, "passkeys", "delete", p.ID, "--dry-run", "-d", device); !got.DryRun || len(got.Passkeys) != 1 || got.Passkeys[0].Deleted {
		t.Errorf("delete --dry-run: %+v", got)
	}
	if got := asJSONOf[deletedPasskeys](t, exitOK, "passkeys", "delete", p.ID, "--yes", "-d", device); got.DryRun || len(got.Passkeys) != 1 || !got.Passkeys[0].Deleted ||
		!got.Passkeys[0].LargeBlobDeleted || got.Passkeys[0].User.Name != "eve" {
		t.Errorf("delete: %+v", got)
	}
	if n := len(key.LargeBlobArray()); n != ctap2.InitialLargeBlobArraySize {
		t.Errorf("the large blobs have %d bytes", n)
	}
}

// Without a terminal nobody is asked, and no PIN is spent to find that out.
func TestPasskeysDeleteNeedsYes(t *testing.T) {
	key, device := keyWith(t, virtual.Config{}, account("example.com", "ada"))
	r := fidokey(t, t.Context(), "1234\n", "passkeys", "delete", "--site", "example.com", "--pin-stdin", "-d", device)
	if r.code != exitUsage || !strings.Contains(r.err, "--yes") || len(key.Credentials()) != 1 || len(key.Commands()) != 0 {
		t.Errorf("%+v after %d commands", r, len(key.Commands()))
	}
}

// What was deleted is told even if the key fails in between.
func TestPasskeysDeleteHalfway(t *testing.T) {
	deletions := 0
	key, device := keyWith(t, virtual.Config{}, account("a.example", "ada"), account("b.example", "ada"), account("c.example", "ada"))
	key.SetFaults(virtual.Faults{Mutate: func(c ctap2.Command, reply []byte) []byte {
		if c == ctap2.CommandCredentialManagement && len(reply) == 1 { // only a deletion answers so little
			if deletions++; deletions == 2 {
				return []byte{byte(ctap2.StatusOther)}
			}
		}
		return reply
	}})
	var ids []string
	for _, s := range asJSONOf[passkeys.Listing](t, exitOK, "passkeys", "list", "-d", device).Sites {
		ids = append(ids, s.Passkeys[0].ID)
	}
	got := asJSONOf[deletedPasskeys](t, exitRefused, append([]string{"passkeys", "delete", "--yes", "-d", device}, ids...)...)
	var deleted []bool
	for _, p := range got.Passkeys {
		deleted = append(deleted, p.Deleted)
	}
	if !slices.Equal(deleted, []bool{true, false, false}) {
		t.Errorf("%+v", got)
	}
}

// Each form of a public key is what other programs read.
func TestPasskeysExportForms(t *testing.T) {
	sshKey := account("ssh:", "openssh")
	key, device := keyWith(t, virtual.Config{}, sshKey)
	public, err := key.Credentials()[0].PublicKey.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	id := asJSONOf[passkeys.Listing](t, exitOK, "passkeys", "list", "-d", device).Sites[0].Passkeys[0].ID
	e := asJSONOf[exportedKey](t, exitOK, "passkeys", "export-public", id, "-d", device)
	block, _ := pem.Decode([]byte(e.PEM))
	if block == nil {
		t.Fatalf("%q is no PEM", e.PEM)
	}
	if got, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil || !public.(*ecdsa.PublicKey).Equal(got) {
		t.Errorf("PEM: %v, %v", got, err)
	}
	var j jwk
	k := key.Credentials()[0].PublicKey
	if err := json.Unmarshal(e.JWK, &j); err != nil || j != (jwk{Kty: "EC", Crv: "P-256", Alg: "ES256", X: base64URL(k.X), Y: base64URL(k.Y)}) {
		t.Errorf("JWK: %+v, %v", j, err)
	}
	if e.COSE != base64URL(k.Append(nil)) || e.Algorithm != -7 {
		t.Errorf("COSE: %+v", e)
	}
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("there is no ssh-keygen to read the line for ssh")
	}
	file := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(file, []byte(e.SSH+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(keygen, "-l", "-f", file).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("(ECDSA-SK)")) {
		t.Errorf("ssh-keygen says %s, %v", out, err)
	}
}

// A key of an algorithm that the standard library does not know comes as the key
// has sent it.
func TestPasskeysExportUnknownAlgorithm(t *testing.T) {
	opaque := account("example.com", "ada")
	// A COSE_Key {1: 7 (AKP), 3: -48 (ML-DSA-44), -1: h'010203'}.
	opaque.OpaqueKey = []byte{0xa3, 0x01, 0x07, 0x03, 0x38, 0x2f, 0x20, 0x43, 1, 2, 3}
	_, device := keyWith(t, virtual.Config{}, opaque)
	p := asJSONOf[passkeys.Listing](t, exitOK, "passkeys", "list", "-d", device).Sites[0].Passkeys[0]
	if p.AlgorithmName != cose.MLDSA44.String() {
		t.Errorf("the algorithm is %q", p.AlgorithmName)
	}
	if e := asJSONOf[exportedKey](t, exitOK, "passkeys", "export-public", p.ID, "-d", device); e.PEM != "" || e.JWK != nil || e.COSE != base64URL(opaque.OpaqueKey) {
		t.Errorf("%+v", e)
	}
	if r := fidokey(t, t.Context(), "1234\n", "passkeys", "export-public", p.ID, "--pin-stdin", "-d", device); r.code != exitFailed || !strings.Contains(r.err, "--format cose") {
		t.Errorf("%+v", r)
	}
	if r := fidokey(t, t.Context(), "1234\n", "passkeys", "export-public", p.ID, "--format", "cose", "--pin-stdin", "-d", device); r.code != exitOK || r.out != p.PublicKey+"\n" {
		t.Errorf("%+v", r)
	}
}

// Scripts give the PINs of both keys, a line for each; a listing may come from a
// pipe instead.
func TestPasskeysCompareJSON(t *testing.T) {
	_, a := keyWith(t, virtual.Config{}, account("example.com", "ada"), account("a.example", "ada"))
	other, b := keyWith(t, virtual.Config{}, account("example.com", "ada"))
	if err := other.SetPIN([]byte("5678")); err != nil {
		t.Fatal(err)
	}
	saved := fidokey(t, t.Context(), "1234\n", "passkeys", "list", "--json", "--pin-stdin", "-d", a)
	file := filepath.Join(t.TempDir(), "b.json")
	if err := os.WriteFile(file, []byte(fidokey(t, t.Context(), "5678\n", "passkeys", "list", "--json", "--pin-stdin", "-d", b).out), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, stdin string
		args        []string
		code        int
		says        string // of the error
	}{
		{"two keys", "1234\n5678\n", []string{a, b, "--pin-stdin"}, exitNoBackup, "1 account has no backup"},
		{"a pipe and a file", saved.out, []string{"-", file}, exitNoBackup, "1 account has no backup"},
		{"a key and a file", "1234\n", []string{a, file, "--pin-stdin"}, exitNoBackup, "1 account has no backup"},
		{"the one with more is lost", saved.out, []string{"-", file, "--lost", "A"}, exitNoBackup, "1 account had no backup"},
		{"the one with this file is lost", saved.out, []string{"-", file, "--lost", "-"}, exitNoBackup, "1 account had no backup"},
		{"the other one is lost", saved.out, []string{"-", file, "--lost", "B"}, exitOK, ""},
		{"one PIN for two keys", "1234\n", []string{a, b, "--pin-stdin"}, exitPIN, "key B"},
		{"no terminal to ask for the PIN", "", []string{a, file}, exitPIN, "key A"},
		{"a key with itself", saved.out, []string{"-", a, "--pin-stdin"}, exitUsage, "standard input"},
		{"one key", "", []string{a}, exitUsage, "two keys"},
		{"the same argument twice", "", []string{a, a}, exitUsage, "both are"},
		{"lost what", "", []string{a, b, "--lost", "c"}, exitUsage, `--lost "c" is not A or B: ` + a + " is A, and " + b + " is B"},
		{"with --device", "", []string{a, b, "-d", a}, exitUsage, "as arguments"},
		{"no such file", "", []string{filepath.Join(t.TempDir(), "x.json"), b}, exitUsage, "x.json"},
		{"a file that is something else", "{}", []string{"-", b}, exitFailed, "not what fidokey passkeys list --json prints"},
	} {
		r := fidokey(t, t.Context(), test.stdin, append([]string{"passkeys", "compare", "--json"}, test.args...)...)
		if r.code != test.code || !strings.Contains(r.err, test.says) {
			t.Errorf("%s: %+v", test.name, r)
		}
		if test.code != exitOK && test.code != exitNoBackup {
			continue
		}
		var c passkeyComparison
		if err := json.Unmarshal([]byte(r.out), &c); err != nil || c.Format != "fidokey passkeys compare" || c.Version != 1 || len(c.Accounts) != 2 ||
			c.Accounts[0].Site.RPID != "a.example" || len(c.Accounts[0].B) != 0 || c.Accounts[1].MatchedBy != passkeys.MatchedByHandle {
			t.Errorf("%s: %+v, %v", test.name, c, err)
		}
	}
}

// What a hostile key calls its sites and accounts does not reach the terminal as
// it is.
func TestPasskeysAreFitForATerminal(t *testing.T) {
	evil := "\x1b[31mRED\x1b]0;title\x07\r\n\u202e"
	p := account("evil"+evil, evil)
	p.RP.Name, p.User.DisplayName, p.LargeBlob = evil, evil, true
	_, device := keyWith(t, virtual.Config{}, p)
	id := asJSONOf[passkeys.Listing](t, exitOK, "passkeys", "list", "-d", device).Sites[0].Passkeys[0].ID
	_, other := keyWith(t, virtual.Config{})
	for _, args := range [][]string{
		{"list", "-d", device}, {"show", id, "-d", device}, {"compare", device, other}, {"edit", id, "--name", "x", "-d", device},
		{"delete", id, "--dry-run", "-d", device}, {"delete", id, "--yes", "-d", device},
	} {
		r := fidokey(t, t.Context(), "1234\n1234\n", append([]string{"passkeys", "--pin-stdin"}, args...)...)
		if r.code != exitOK && r.code != exitNoBackup {
			t.Errorf("%q: %+v", args, r)
		}
		for _, s := range []string{"\x1b", "\x07", "\r", "\u202e"} {
			if strings.Contains(r.out+r.err, s) {
				t.Errorf("%q prints %q", args, s)
			}
		}
	}
}

// A list may come from anywhere: nothing of it reaches the terminal as it is.
func TestListIsFitForATerminal(t *testing.T) {
	evil := "\x1b[31mRED\u202e\u009b"
	hash := sha256.Sum256([]byte(evil))
	l := passkeys.Listing{
		Format: passkeys.Format, Version: passkeys.Version, Key: passkeys.Key{Device: evil, Product: evil, Serial: evil, AAGUID: evil},
		Sites: passkeys.ListSites([]passkeys.StoredSite{{
			RP: ctap2.StoredRP{RP: ctap2.PublicKeyCredentialRPEntity{ID: evil, Name: evil}, RPIDHash: hash},
			Credentials: []ctap2.StoredCredential{{
				ID:   ctap2.PublicKeyCredentialDescriptor{ID: []byte("c1"), Type: ctap2.TypePublicKey},
				User: ctap2.PublicKeyCredentialUserEntity{ID: []byte("u1"), Name: evil, DisplayName: evil},
			}},
		}}),
	}
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "evil.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := fmt.Sprintf(`{"format":%q,"version":%d}`, passkeys.Format, passkeys.Version)
	for _, args := range [][]string{nil, {"--lost", "A"}, {"--lost", "B"}} {
		r := fidokey(t, t.Context(), empty, append([]string{"passkeys", "compare", file, "-"}, args...)...)
		if r.code != exitNoBackup && r.code != exitOK || !strings.Contains(r.out, "RED") {
			t.Errorf("%q: %+v", args, r)
		}
		if strings.ContainsAny(r.out+r.err, "\x1b\u202e\u009b") {
			t.Errorf("%q prints %q", args, r.out+r.err)
		}
	}
}
