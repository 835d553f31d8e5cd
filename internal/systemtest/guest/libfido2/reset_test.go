//go:build guest

package libfido2

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// fido2-token erases everything that the tools have put on the key.
func TestTokenReset(t *testing.T) {
	key := guest.NewKey(t, guest.UHID, virtual.Config{ResetWindow: -1, Previews: true, UV: virtual.FingerprintUV, Enterprise: &virtual.Enterprise{}})
	fresh := ours.Info(t, key)
	u2f := run(t, "", "fido2-cred", "-M", "-u", "-i", file(t, blob(createHash[:]), rpID, "ada", blob([]byte(userID))), key.Path)
	run(t, pin+"\n"+pin+"\n", "fido2-token", "-S", key.Path)
	stored := register(t, key, "es256", rpID, "ada", "1", "-b", "-h")
	note := filepath.Join(t.TempDir(), "blob")
	// libfido2 1.12 encrypts no blob of which less than 16 bytes are left when it is
	// deflated.
	if err := os.WriteFile(note, []byte("a note that is long enough to be encrypted"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, pin+"\n", "fido2-token", "-S", "-b", "-k", file(t, stored[7]), note, key.Path)
	run(t, pin+"\n", "fido2-token", "-S", "-e", key.Path)
	run(t, pin+"\n", "fido2-token", "-S", "-m", rpID, key.Path)
	run(t, pin+"\n", "fido2-token", "-S", "-a", key.Path)
	run(t, pin+"\n", "fido2-token", "-S", "-u", key.Path)
	run(t, pin+"\n", "fido2-token", "-S", "-l", "6", key.Path)
	if info := ours.Info(t, key); !info.Options[ctap2.OptionAlwaysUv] || !info.Options[ctap2.OptionUV] || !info.Options[ctap2.OptionEP] || info.MinPINLength != 6 {
		t.Fatalf("before the reset: %+v", info)
	}

	run(t, "", "fido2-token", "-R", key.Path)
	after := ours.Info(t, key)
	for name, was := range fresh.Options {
		if after.Options[name] != was {
			t.Errorf("the option %s is %t, and was %t at first", name, after.Options[name], was)
		}
	}
	if after.MinPINLength != fresh.MinPINLength || after.ForcePINChange || *after.RemainingDiscoverableCredentials != *fresh.RemainingDiscoverableCredentials {
		t.Errorf("after the reset: %+v", after)
	}
	run(t, pin+"\n"+pin+"\n", "fido2-token", "-S", key.Path) // to ask for what is secret
	if got := ours.Credentials(t, key, pin); len(got) > 0 {
		t.Errorf("credentials are left: %+v", got)
	}
	if got := ours.Fingerprints(t, key, pin); len(got) > 0 {
		t.Errorf("fingerprints are left: %+v", got)
	}
	if got := ours.LargeBlobs(t, key); len(got) > 0 {
		t.Errorf("large blobs are left: %x", got)
	}
	for _, made := range [][]string{u2f, stored} {
		if _, said, err := try(t, "", "fido2-assert", "-G", "-i", file(t, blob(getHash[:]), rpID, made[4]), key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_NO_CREDENTIALS") {
			t.Errorf("a credential from before the reset: %v: %s", err, said)
		}
	}
}

// A reset that comes too late after the key was plugged in is refused.
func TestTokenResetWindow(t *testing.T) {
	key := guest.NewKey(t, guest.UHID, virtual.Config{ResetWindow: time.Millisecond})
	if err := key.SetPIN([]byte(pin)); err != nil {
		t.Fatal(err)
	}
	if _, said, err := try(t, "", "fido2-token", "-R", key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_NOT_ALLOWED") {
		t.Errorf("a late reset: %v: %s", err, said)
	}
	if !ours.Info(t, key).Options[ctap2.OptionClientPIN] {
		t.Error("the PIN is gone")
	}
}
