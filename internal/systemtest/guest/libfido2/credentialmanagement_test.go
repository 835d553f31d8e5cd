//go:build guest

package libfido2

import (
	"crypto"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// newManagedKey makes a key with a PIN, and with the preview commands: for
// credentials and fingerprints libfido2 1.12 has no others.
func newManagedKey(t *testing.T, r guest.Route, c virtual.Config) guest.Key {
	t.Helper()
	c.Previews = true
	key := guest.NewKey(t, r, c)
	if err := key.SetPIN([]byte(pin)); err != nil {
		t.Fatal(err)
	}
	return key
}

// register has fido2-cred make a discoverable credential on a key with a PIN,
// and returns what it prints: the credential's ID is the fifth line.
func register(t *testing.T, key guest.Key, kind, rpID, name, userID string, flags ...string) []string {
	t.Helper()
	in := file(t, blob(createHash[:]), rpID, name, blob([]byte(userID)))
	return run(t, pin+"\n", slices.Concat([]string{"fido2-cred", "-M", "-r", "-v", "-i", in}, flags, []string{key.Path, kind})...)
}

// What fido2-token lists is what our client reads, and what it deletes is gone.
func TestTokenCredentials(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{})
	checkLists(t, key, 0)
	ada := unblob(t, register(t, key, "es256", "example.com", "ada", "1")[4])
	register(t, key, "eddsa", "example.com", "grace", "2", "-c", "3")
	register(t, key, "rs256", "login.example.org", "ada", "3", "-c", "2")
	if _, err := key.AddCredential(virtual.NewCredential{
		RP:           ctap2.PublicKeyCredentialRPEntity{ID: "example.net", Name: "Example"},
		User:         ctap2.PublicKeyCredentialUserEntity{ID: []byte{0, 255}, Name: "ada", DisplayName: "Ada Lovelace"},
		Algorithm:    cose.ES384,
		Discoverable: true,
	}); err != nil {
		t.Fatal(err)
	}
	checkLists(t, key, 4)

	// libfido2 1.12 asks for new names by the preview command, which can't set any.
	if _, said, err := try(t, pin+"\n", "fido2-token", "-S", "-c", "-i", blob(ada), "-k", blob([]byte("1")), "-n", "ada@example.com", "-p", "Augusta Ada", key.Path); err == nil {
		t.Errorf("new names: %s", said)
	}
	commands := key.Commands()
	if last := commands[len(commands)-1]; last.Command() != ctap2.CommandCredentialManagementPreview || last.Status != ctap2.StatusInvalidSubcommand {
		t.Errorf("new names: %v with %v", last.Command(), last.Status)
	}

	run(t, pin+"\n", "fido2-token", "-D", "-i", blob(ada), key.Path)
	for _, rp := range checkLists(t, key, 3) {
		for _, c := range rp.Credentials {
			if string(c.ID.ID) == string(ada) {
				t.Error("the deleted credential is still there")
			}
		}
	}
	if _, said, err := try(t, pin+"\n", "fido2-token", "-D", "-i", blob(ada), key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_NO_CREDENTIALS") {
		t.Errorf("deleting it again: %v: %s", err, said)
	}
	for _, rp := range ours.Credentials(t, key, pin) {
		for _, c := range rp.Credentials {
			run(t, pin+"\n", "fido2-token", "-D", "-i", blob(c.ID.ID), key.Path)
		}
	}
	checkLists(t, key, 0)
}

// checkLists compares all of fido2-token's lists with our client's.
func checkLists(t *testing.T, key guest.Key, n int) []ours.RP {
	t.Helper()
	rps := ours.Credentials(t, key, pin)
	lists := []string{}
	total := 0
	for i, rp := range rps {
		lists = append(lists, fmt.Sprintf("%02d: %s %s", i, blob(rp.RPIDHash[:]), rp.RP.ID))
		total += len(rp.Credentials)
		want := []string{}
		for k, c := range rp.Credentials {
			want = append(want, credentialLine(k, c))
		}
		if got := run(t, pin+"\n", "fido2-token", "-L", "-k", rp.RP.ID, key.Path); !slices.Equal(got, want) {
			t.Errorf("the credentials for %s are\n%s\nwant\n%s", rp.RP.ID, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if total != n {
		t.Errorf("%d credentials, want %d", total, n)
	}
	if len(lists) == 0 {
		// The specification has a key say so by a status, which the tool passes on.
		if _, said, err := try(t, pin+"\n", "fido2-token", "-L", "-r", key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_NO_CREDENTIALS") {
			t.Errorf("no relying parties: %v: %s", err, said)
		}
	} else if got := run(t, pin+"\n", "fido2-token", "-L", "-r", key.Path); !slices.Equal(got, lists) {
		t.Errorf("the relying parties are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lists, "\n"))
	}
	metadata := ours.CredentialsMetadata(t, key, pin)
	if got, want := run(t, pin+"\n", "fido2-token", "-I", "-c", key.Path), []string{
		fmt.Sprintf("existing rk(s): %d", metadata.Existing),
		fmt.Sprintf("remaining rk(s): %d", metadata.MaxRemaining),
	}; !slices.Equal(got, want) || int(metadata.Existing) != n {
		t.Errorf("the counts are %q, want %q with %d", got, want, n)
	}
	return rps
}

// credentialLine is how fido2-token -L -k says what our client reads.
func credentialLine(i int, c ctap2.StoredCredential) string {
	name := c.User.DisplayName
	if name == "" {
		name = "(null)" // as C prints what is missing
	}
	protection := map[ctap2.CredProtect]string{
		ctap2.CredProtectUVOptional: "uvopt", ctap2.CredProtectUVOptionalWithCredentialIDList: "uvopt+id", ctap2.CredProtectUVRequired: "uvreq",
	}[c.CredProtect]
	return fmt.Sprintf("%02d: %s %s %s %s %s", i, blob(c.ID.ID), name, blob(c.User.ID), strings.ToLower(c.PublicKey.Alg.String()), protection)
}

// The public key that fido2-token prints for a credential is the one that our
// client reads.
func TestTokenPrintsPublicKey(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{})
	for i, kind := range []string{"es256", "eddsa", "rs256", "es384"} {
		register(t, key, kind, "example.com", kind, fmt.Sprint(i))
	}
	for _, c := range ours.Credentials(t, key, pin)[0].Credentials {
		got := run(t, pin+"\n", "fido2-token", "-I", "-k", "example.com", "-i", blob(c.ID.ID), key.Path)
		if got[0] != blob(c.ID.ID) {
			t.Errorf("the credential is %s, want %s", got[0], blob(c.ID.ID))
		}
		theirs := publicKey(t, got[1:])
		if want, err := c.PublicKey.PublicKey(); err != nil || !want.(interface{ Equal(crypto.PublicKey) bool }).Equal(theirs) {
			t.Errorf("%v: the tool says %v, our client %v, %v", c.PublicKey.Alg, theirs, want, err)
		}
	}
}
