//go:build guest

package libfido2

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// What fido2-token stores as a large blob our client reads, and the other way
// round; what it deletes is gone, and the others' blobs stay.
func TestTokenLargeBlobs(t *testing.T) {
	for _, r := range guest.Routes {
		t.Run(r.Name, func(t *testing.T) {
			key := newManagedKey(t, r, virtual.Config{})
			made := register(t, key, "es256", "example.com", "ada", "1", "-b")
			if len(made) != 8 {
				t.Fatalf("fido2-cred -b prints %q", made)
			}
			id, largeBlobKey := made[4], unblob(t, made[7])
			other := unblob(t, register(t, key, "es256", "example.org", "ada", "1", "-b")[7])
			keyFile := file(t, made[7])
			check := func(of, want []byte) {
				t.Helper()
				if got, err := ours.LargeBlobs(t, key).Find(of); want == nil && !errors.Is(err, ctap2.ErrNoLargeBlob) || want != nil && err != nil || !bytes.Equal(got, want) {
					t.Errorf("our client reads %q, %v; want %q", got, err, want)
				}
			}
			get := func(flags ...string) []byte {
				t.Helper()
				out := filepath.Join(t.TempDir(), "blob")
				run(t, pin+"\n", append(append([]string{"fido2-token", "-G", "-b"}, flags...), out, key.Path)...)
				got, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			write := func(data []byte) string {
				t.Helper()
				name := filepath.Join(t.TempDir(), "blob")
				if err := os.WriteFile(name, data, 0o600); err != nil {
					t.Fatal(err)
				}
				return name
			}
			if got := run(t, pin+"\n", "fido2-token", "-L", "-b", key.Path); !slices.Equal(got, []string{""}) {
				t.Errorf("a key without blobs lists %q", got)
			}

			text := bytes.Repeat([]byte("compressible "), 100)
			noise := make([]byte, 2000) // of several fragments
			rand.Read(noise)
			run(t, pin+"\n", "fido2-token", "-S", "-b", "-k", keyFile, write(text), key.Path)
			check(largeBlobKey, text)
			if got := get("-k", keyFile); !bytes.Equal(got, text) {
				t.Errorf("the tool reads %q", got)
			}
			run(t, pin+"\n", "fido2-token", "-S", "-b", "-n", "example.com", "-i", id, write(noise), key.Path)
			check(largeBlobKey, noise)

			// Ours for the tool, beside what it has stored itself.
			ours.AskWithPIN(t, key, pin, ctap2.PermissionLBW, "", func(ctx context.Context, client *fido.Key, token *pinuv.Token) (struct{}, error) {
				return struct{}{}, client.SetLargeBlob(ctx, token, other, text)
			})
			if got := get("-n", "example.org"); !bytes.Equal(got, text) {
				t.Errorf("of ours the tool reads %q", got)
			}
			if got := get("-n", "example.com"); !bytes.Equal(got, noise) {
				t.Errorf("of its own it reads %x", got)
			}
			// Whose they are 1.12 does not find out, although it has just read the keys.
			serialized := len(ours.LargeBlobs(t, key).Append(nil)) - 16 // without the checksum
			if got, want := run(t, pin+"\n", "fido2-token", "-L", "-b", key.Path), []string{
				fmt.Sprintf("total map size: %d bytes", serialized),
				fmt.Sprintf("00: XXXX %4d <unknown> <unknown>", len(noise)),
				fmt.Sprintf("01: XXXX %4d <unknown> <unknown>", len(text)),
			}; !slices.Equal(withoutSizes(got), want) {
				t.Errorf("it lists\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}

			run(t, pin+"\n", "fido2-token", "-D", "-b", "-k", keyFile, key.Path)
			check(largeBlobKey, nil)
			check(other, text)
			run(t, pin+"\n", "fido2-token", "-D", "-b", "-n", "example.org", key.Path)
			check(other, nil)
			if got := ours.LargeBlobs(t, key); len(got) > 0 {
				t.Errorf("%d blobs are left", len(got))
			}
			if _, said, err := try(t, pin+"\n", "fido2-token", "-G", "-b", "-k", keyFile, filepath.Join(t.TempDir(), "none"), key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_NOTFOUND") {
				t.Errorf("a blob that is not there: %v: %s", err, said)
			}

			// More than the key has room for.
			run(t, pin+"\n", "fido2-token", "-S", "-b", "-k", keyFile, write(text), key.Path)
			huge := make([]byte, 4096)
			rand.Read(huge)
			if _, said, err := try(t, pin+"\n", "fido2-token", "-S", "-b", "-k", keyFile, write(huge), key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_LARGEBLOB_STORAGE_FULL") {
				t.Errorf("a blob that is too large: %v: %s", err, said)
			}
			check(largeBlobKey, text)
		})
	}
}

// withoutSizes blots the encrypted blobs' sizes out of fido2-token's list: how
// well they are compressed is not for a test to know.
func withoutSizes(lines []string) []string {
	lines = slices.Clone(lines)
	for i := range lines {
		if f := strings.Fields(lines[i]); i > 0 && len(f) == 5 {
			lines[i] = fmt.Sprintf("%s XXXX %4s %s %s", f[0], f[2], f[3], f[4])
		}
	}
	return lines
}

// The assertion comes with the same largeBlobKey as the registration.
func TestLargeBlobKeyOfAssertion(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{})
	made := register(t, key, "es256", rpID, "ada", "1", "-b")
	got := run(t, pin+"\n", "fido2-assert", "-G", "-r", "-b", "-v", "-i", file(t, blob(getHash[:]), rpID), key.Path)
	if len(got) != 6 || got[5] != made[7] {
		t.Errorf("the assertion is %q; the key made %s", got, made[7])
	}
	stored := ours.Credentials(t, key, pin)[0].Credentials[0]
	if blob(stored.LargeBlobKey) != made[7] {
		t.Errorf("our client reads the key %x, libfido2 %s", stored.LargeBlobKey, made[7])
	}
	if without := register(t, key, "es256", "example.org", "ada", "1"); len(without) != 7 {
		t.Errorf("without -b: %q", without)
	}
}
