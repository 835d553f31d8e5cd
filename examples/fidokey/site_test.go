package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// trying returns a function that runs register and login with a key and a file of
// their own.
func trying(t *testing.T, key *virtual.Key) (try func(stdin string, args ...string) result, file string) {
	t.Helper()
	device := serve(t, key)
	file = filepath.Join(t.TempDir(), "site.json")
	return func(stdin string, args ...string) result {
		t.Helper()
		return fidokey(t, t.Context(), stdin, append(args, "-d", device, "--site-file", file)...)
	}, file
}

// The JSON form has what the site sees and the messages, which another program can
// read.
func TestRegisterJSON(t *testing.T) {
	try, file := trying(t, newKey(t, virtual.Config{}))
	r := try("", "register", "--json", "--user", "ada", "--resident", "required", "--attestation", "direct", "--algorithm", "-8")
	var made siteResult
	if err := json.Unmarshal([]byte(r.out), &made); r.code != exitOK || err != nil {
		t.Fatalf("exit code %d: %s%s%v", r.code, r.out, r.err, err)
	}
	if g := made.Registration; made.RPID != tryRPID || made.Origin != "https://"+tryRPID || made.User != "ada" || !made.Flags.UP || made.Flags.UV ||
		made.PublicKeyAlgorithm != -8 || made.SignCount == 0 || g.AAGUID != virtual.DefaultAAGUID.String() || g.AttestationFormat != "packed" ||
		g.AttestationType != "basic_full" || g.Discoverable == nil || !*g.Discoverable || len(g.Transports) != 1 {
		t.Errorf("the result is %+v:\n%s", made, r.out)
	}
	if o, err := webauthn.ParseCreationOptions(made.Options); err != nil || o.User.Name != "ada" || o.AuthenticatorSelection.ResidentKey != webauthn.ResidentKeyRequired {
		t.Errorf("the options are %s: %v", made.Options, err)
	}
	var response struct{ ID, Type string }
	if err := json.Unmarshal(made.Response, &response); err != nil || response.Type != "public-key" || response.ID == "" {
		t.Errorf("the response is %s: %v", made.Response, err)
	}

	r = try("", "login", "--json")
	var got siteResult
	if err := json.Unmarshal([]byte(r.out), &got); r.code != exitOK || err != nil {
		t.Fatalf("exit code %d: %s%s%v", r.code, r.out, r.err, err)
	}
	if got.User != "ada" || !bytes.Equal(got.CredentialID, made.CredentialID) || len(got.UserHandle) == 0 || got.SignCount <= made.SignCount || got.Registration != nil {
		t.Errorf("the result is %+v:\n%s", got, r.out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the file: %v, %v", info, err)
	}
}

// The outputs of prf are keys: they go to the site, and nowhere else.
func TestPRFIsNotShown(t *testing.T) {
	key := newKey(t, virtual.Config{})
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	try, file := trying(t, key)
	for _, args := range [][]string{
		{"register", "--json", "--pin-stdin", "--extensions", `{"prf":{"eval":{"first":"YQ","second":"Yg"}}}`},
		{"login", "--json", "--pin-stdin", "--user", "me", "--extensions", `{"prf":{"eval":{"first":"YQ","second":"Yg"}}}`},
	} {
		r := try("1234\n", args...)
		var v struct {
			ClientExtensionResults, Response any
		}
		if err := json.Unmarshal([]byte(r.out), &v); r.code != exitOK || err != nil {
			t.Fatalf("%v: exit code %d: %s%s%v", args, r.code, r.out, r.err, err)
		}
		if n := strings.Count(r.out, `"(secret)"`); n != 4 {
			t.Errorf("%v: %d outputs are hidden:\n%s", args, n, r.out)
		}
		words := try("1234\n", args[0], "--user", "other", "--pin-stdin", "--extensions", args[len(args)-1])
		if args[0] == "register" && strings.Count(words.out, "(secret)") != 2 {
			t.Errorf("%v: %s%s", args, words.out, words.err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(kept, []byte("results")) || bytes.Contains(kept, []byte("secret")) {
		t.Errorf("the file has %s", kept)
	}
}

// Each site has its own users in the file, and a registration that fails leaves it
// as it was.
func TestSiteFile(t *testing.T) {
	key := newKey(t, virtual.Config{})
	try, file := trying(t, key)
	for _, args := range [][]string{{"register", "--user", "ada"}, {"register", "--user", "ada", "--rp", "other.example"}, {"login"}, {"login", "--rp", "other.example", "--user", "ada"}} {
		if r := try("", args...); r.code != exitOK {
			t.Fatalf("%v: exit code %d: %s", args, r.code, r.err)
		}
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if r := try("", "register", "--user", "ada"); r.code != exitRefused || !strings.Contains(r.err, "already") {
		t.Errorf("the same key again: exit code %d: %s", r.code, r.err)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed: %v", err)
	}
	for _, garbage := range []string{`[]`, `{"sites":7}`, "\x00"} {
		if err := os.WriteFile(file, []byte(garbage), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := try("", "login"); r.code != exitFailed || !strings.Contains(r.err, file) {
			t.Errorf("%q: exit code %d: %s", garbage, r.code, r.err)
		}
	}
	// An empty one is a new one.
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := try("", "login", "--user", "ada"); r.code != exitFailed || !strings.Contains(r.err, "fidokey register --site-file "+file+" --user ada does so") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// A script chooses an account by its number on standard input.
func TestLoginAccountByScript(t *testing.T) {
	try, _ := trying(t, newKey(t, virtual.Config{}))
	for _, user := range []string{"ada", "bob"} {
		if r := try("", "register", "--user", user); r.code != exitOK {
			t.Fatalf("exit code %d: %s", r.code, r.err)
		}
	}
	if r := try("2\n", "login"); r.code != exitOK || !strings.Contains(r.out, "lets you in as ada") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	if r := try("", "login"); r.code != exitUsage || !strings.Contains(r.err, "--user") {
		t.Errorf("nobody chose: exit code %d: %s", r.code, r.err)
	}
}

// A key that knows no more than U2F is tried as what it is.
func TestRegisterU2F(t *testing.T) {
	try, file := trying(t, newKey(t, virtual.Config{Profile: virtual.U2FOnly}))
	r := try("", "register", "--attestation", "direct")
	for _, want := range []string{"no, the site has to name the credential", "not told (AAGUID of zeros)", "fido-u2f, type basic_full", "UV 0"} {
		if r.code != exitOK || !strings.Contains(r.out, want) {
			t.Errorf("register does not say %q: exit code %d: %s%s", want, r.code, r.out, r.err)
		}
	}
	if !strings.Contains(r.err, "Try fidokey login --site-file "+file+" --user me.") {
		t.Errorf("the hint: %s", r.err)
	}
	if r := try("", "login", "--user", "me"); r.code != exitOK || !strings.Contains(r.out, "the key does not say whose the credential is") {
		t.Errorf("login: exit code %d: %s%s", r.code, r.out, r.err)
	}
	for _, args := range [][]string{{"login"}, {"login", "--user", "me", "--uv", "required"}, {"register", "--user", "bob", "--resident", "required"}} {
		if r := try("", args...); r.code != exitRefused {
			t.Errorf("%v: exit code %d: %s%s", args, r.code, r.out, r.err)
		}
	}
}

func TestRegisterEnds(t *testing.T) {
	try, _ := trying(t, newKey(t, virtual.Config{User: virtual.NeverTouch()}))
	if r := try("", "register", "--timeout", "300ms"); r.code != exitTimeout || !strings.Contains(r.err, "Touch the key. You are registering it with fidokey.example.") {
		t.Errorf("not touched: exit code %d: %s", r.code, r.err)
	}
	if r := try("", "login", "--user", "x\x1b[31m"); strings.Contains(r.err, "\x1b") {
		t.Errorf("an escape gets to the terminal: %q", r.err)
	}
	if r := try("", "register", "--user", "x\x1b[31m"); r.code != exitUsage || strings.Contains(r.err, "\x1b") {
		t.Errorf("exit code %d: %q", r.code, r.err)
	}

	manual := virtual.NewManual()
	device := serve(t, newKey(t, virtual.Config{User: manual}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-manual.Prompts; cancel() }()
	r := fidokey(t, ctx, "", "register", "-d", device, "--site-file", filepath.Join(t.TempDir(), "site.json"))
	if r.code != exitInterrupt {
		t.Errorf("interrupted: exit code %d: %s", r.code, r.err)
	}
}
