//go:build guest

package libfido2

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// For the same salts libfido2 and our client get the same secrets, one for a
// verified user and another for one that was not.
func TestHMACSecret(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{})
	made := run(t, "", "fido2-cred", "-M", "-h", "-q", "-i", file(t, blob(createHash[:]), rpID, "ada", blob([]byte(userID))), key.Path)
	run(t, "", "fido2-cred", "-V", "-h", "-i", file(t, made...))
	id := unblob(t, made[4])
	var outputs []string
	for _, verify := range []bool{false, true} {
		for n := 1; n <= 2; n++ {
			salts := make([][ctap2.HMACSaltSize]byte, n)
			var all []byte
			for i := range salts {
				salts[i] = [ctap2.HMACSaltSize]byte(bytes.Repeat([]byte{byte(i) + 1}, ctap2.HMACSaltSize))
				all = append(all, salts[i][:]...)
			}
			argv, stdin, p := []string{"fido2-assert", "-G", "-h"}, "", ""
			if verify {
				argv, stdin, p = append(argv, "-v"), pin+"\n", pin
			}
			got := run(t, stdin, append(argv, "-i", file(t, blob(getHash[:]), rpID, made[4], blob(all)), key.Path)...)
			if len(got) != 5 {
				t.Fatalf("%q", got)
			}
			var want []byte
			for _, s := range ours.HMACSecrets(t, key, p, rpID, id, salts...) {
				want = append(want, s[:]...)
			}
			if theirs := unblob(t, got[4]); !bytes.Equal(theirs, want) {
				t.Errorf("%d salts, verified %t: libfido2 gets %x, our client %x", n, verify, theirs, want)
			}
			outputs = append(outputs, string(want[:32]))
		}
	}
	if outputs[0] != outputs[1] || outputs[2] != outputs[3] || outputs[0] == outputs[2] {
		t.Errorf("the secrets for the first salt, unverified twice and verified twice: %x", outputs)
	}
}

// credProtect protects from libfido2 as the levels say, and our client reads the
// level that fido2-cred has set.
func TestCredProtect(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{})
	for _, tt := range []struct {
		level        string
		found, known bool // without PIN: without and with the credential's ID
	}{
		{"1", true, true},
		{"2", false, true},
		{"3", false, false},
	} {
		t.Run(tt.level, func(t *testing.T) {
			rp := "level" + tt.level + ".example.com"
			made := register(t, key, "es256", rp, "ada", userID, "-c", tt.level)
			run(t, "", "fido2-cred", "-V", "-v", "-c", tt.level, "-i", file(t, made...))
			if _, _, err := try(t, "", "fido2-cred", "-V", "-v", "-c", "4", "-i", file(t, made...)); err == nil {
				t.Error("verifies as another level")
			}
			check := func(name string, found bool, argv ...string) {
				t.Helper()
				out, said, err := try(t, "", argv...)
				if found != (err == nil) || !found && !strings.Contains(said, "FIDO_ERR_NO_CREDENTIALS") {
					t.Errorf("%s: %v: %q %s", name, err, out, said)
				}
			}
			check("without its ID", tt.found, "fido2-assert", "-G", "-r", "-i", file(t, blob(getHash[:]), rp), key.Path)
			check("with its ID", tt.known, "fido2-assert", "-G", "-i", file(t, blob(getHash[:]), rp, made[4]), key.Path)
			if got := run(t, pin+"\n", "fido2-assert", "-G", "-r", "-v", "-i", file(t, blob(getHash[:]), rp), key.Path); len(got) != 5 || string(unblob(t, got[4])) != userID {
				t.Errorf("with PIN: %q", got)
			}
			all := ours.Credentials(t, key, pin)
			i := slices.IndexFunc(all, func(r ours.RP) bool { return r.RP.ID == rp })
			if i < 0 || len(all[i].Credentials) != 1 || string('0'+rune(all[i].Credentials[0].CredProtect)) != tt.level {
				t.Errorf("our client reads %+v", all)
			}
		})
	}
}
