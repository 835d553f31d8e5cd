package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/examples/internal/shortid"
)

// blobKey is a key with the PIN 1234 and the passkeys of ada and bob, which can have
// data, and of eve, which can't. Of each it gives the short ID.
func blobKey(t *testing.T, c virtual.Config) (key *virtual.Key, ada, bob, eve string) {
	t.Helper()
	key = newKey(t, c)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	return key, addPasskey(t, key, "ada", true), addPasskey(t, key, "bob", true), addPasskey(t, key, "eve", false)
}

// addPasskey puts a passkey at example.com on the key, with an ID that is always the
// same, and returns its short ID.
func addPasskey(t *testing.T, key *virtual.Key, name string, withBlob bool) (short string) {
	t.Helper()
	id := fmt.Appendf(nil, "the passkey of %s", name)
	if _, err := key.AddCredential(virtual.NewCredential{
		RP:   ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User: ctap2.PublicKeyCredentialUserEntity{ID: []byte(name), Name: name},
		ID:   id, Discoverable: true, LargeBlob: withBlob,
	}); err != nil {
		t.Fatal(err)
	}
	return shortid.Long(id)[:shortid.Least]
}

// stored is the data of a passkey on the key; nil if there is none.
func stored(t *testing.T, key *virtual.Key, name string) []byte {
	t.Helper()
	data, err := key.LargeBlob(fmt.Appendf(nil, "the passkey of %s", name))
	if err != nil && err != ctap2.ErrNoLargeBlob {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBlobs(t *testing.T) {
	binary := []byte{0, 1, 2, 0xff, 0x1b, '[', '3', '1', 'm'}
	for _, kind := range []struct {
		name        string
		withPasskey bool
	}{{"an array for all", false}, {"with each passkey", true}} {
		t.Run(kind.name, func(t *testing.T) {
			key, ada, bob, _ := blobKey(t, virtual.Config{LargeBlobExtension: kind.withPasskey, CredProtect: ctap2.CredProtectUVOptional})
			device := serve(t, key)
			in := writeFile(t, binary)

			r := withPIN(t, device, "blobs", "get", ada)
			says(t, r, exitFailed, "", "there is no data with the passkey of ada at example.com; fidokey blobs set "+ada)

			r = withPIN(t, device, "blobs", "set", ada, "--in", in, "--yes")
			if r.code != exitOK || !strings.HasPrefix(r.out, "Stored 9 bytes with the passkey of ada at example.com.") {
				t.Errorf("set: exit code %d: %s%s", r.code, r.out, r.err)
			}
			if got := stored(t, key, "ada"); !bytes.Equal(got, binary) {
				t.Errorf("the key has %q", got)
			}
			w := jsonOf[writtenBlob](t, withPIN(t, device, "blobs", "set", bob, "--in", in, "--json", "--yes"))
			if w.Size != 9 || w.ID != bob || w.User.Name != "bob" || (w.Room == nil) != kind.withPasskey || (w.Stored == nil) != kind.withPasskey {
				t.Errorf("set --json: %+v", w)
			}

			says(t, withPIN(t, device, "blobs", "get", ada), exitOK, string(binary))
			read := jsonOf[readBlob](t, withPIN(t, device, "blobs", "get", ada, "--json"))
			if got, err := base64.RawURLEncoding.DecodeString(read.Blob); err != nil || !bytes.Equal(got, binary) || read.Size != 9 || read.User.Name != "ada" {
				t.Errorf("get --json: %+v", read)
			}
			out := filepath.Join(t.TempDir(), "out")
			r = withPIN(t, device, "blobs", "get", ada, "--out", out)
			says(t, r, exitOK, "Wrote the 9 bytes of ada at example.com to "+out+".\n")
			if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, binary) {
				t.Errorf("the file has %q, %v", got, err)
			}

			says(t, withPIN(t, device, "blobs", "delete", ada, "--dry-run"), exitOK, "Would delete the data of ada at example.com.\n")
			says(t, withPIN(t, device, "blobs", "delete", ada), exitUsage, "", "--yes says that you agree")
			if got := stored(t, key, "ada"); !bytes.Equal(got, binary) {
				t.Errorf("the key has %q", got)
			}
			says(t, withPIN(t, device, "blobs", "delete", ada, bob, "--yes"), exitOK, "Deleted the data of ada at example.com, bob at example.com.\n")
			if got := stored(t, key, "ada"); len(got) != 0 {
				t.Errorf("the key has %q", got)
			}
			if n := len(key.Credentials()); n != 3 {
				t.Errorf("%d passkeys are left", n)
			}
		})
	}
}

func TestBlobsList(t *testing.T) {
	key, ada, bob, _ := blobKey(t, virtual.Config{})
	if err := key.SetLargeBlob([]byte("the passkey of ada"), []byte("a certificate")); err != nil {
		t.Fatal(err)
	}
	// What a passkey leaves behind that is deleted, and what nobody can read.
	gone := addPasskey(t, key, "old", true)
	if err := key.SetLargeBlob([]byte("the passkey of old"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	device := serve(t, key)
	if r := fidokey(t, t.Context(), "1234\n", "blobs", "get", "-d", device, "--pin-stdin", gone); r.out != "x" {
		t.Fatalf("%+v", r)
	}
	client := ctap2.NewClient(key.Direct(), nil)
	token, err := client.PINToken(t.Context(), []byte("1234"), ctap2.PermissionCM|ctap2.PermissionLBW, "")
	if err != nil {
		t.Fatal(err)
	}
	defer token.Wipe()
	if err := client.DeleteCredential(t.Context(), token, ctap2.PublicKeyCredentialDescriptor{ID: []byte("the passkey of old"), Type: ctap2.TypePublicKey}); err != nil {
		t.Fatal(err)
	}
	array, err := client.ReadLargeBlobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.WriteLargeBlobs(t.Context(), token, append(array, []byte{0x63, 'o', 'd', 'd'})); err != nil {
		t.Fatal(err)
	}

	l := jsonOf[blobListing](t, withPIN(t, device, "blobs", "list", "--json"))
	size := uint(len(key.LargeBlobArray()))
	if want := (blobRoom{4096, size, 4096 - size}); l.Room == nil || *l.Room != want || l.OtherEntries == nil || *l.OtherEntries != 2 {
		t.Errorf("the room is %+v, and %d others", l.Room, l.OtherEntries)
	}
	if len(l.Passkeys) != 2 || l.Passkeys[0].ID != ada || *l.Passkeys[0].Size != 13 || l.Passkeys[1].ID != bob || l.Passkeys[1].Size != nil {
		t.Errorf("the passkeys are %+v", l.Passkeys)
	}
	r := withPIN(t, device, "blobs", "list")
	says(t, r, exitOK, fmt.Sprintf(`example.com
  %s  ada  13 bytes, %d on the key
  %s  bob  nothing
1 other passkey can't have data: the site did not ask for that.
%d of 4096 bytes used, %d left.
2 entries belong to no passkey on the key: left by passkeys that were deleted, or by other programs.
`, ada, *l.Passkeys[0].Stored, bob, size, 4096-size))

	// Writing and deleting leave the others alone.
	in := writeFile(t, []byte("new"))
	for _, args := range [][]string{{"set", ada, "--in", in, "--yes"}, {"delete", ada, "--yes"}} {
		if r := withPIN(t, device, append([]string{"blobs"}, args...)...); r.code != exitOK {
			t.Errorf("%s: exit code %d: %s", args[0], r.code, r.err)
		}
	}
	if array, err := ctap2.ParseLargeBlobArray(key.LargeBlobArray()); err != nil || len(array) != 2 {
		t.Errorf("%d entries are left, %v", len(array), err)
	}
	says(t, withPIN(t, device, "blobs", "delete", "--all", "--yes"), exitOK, "Deleted all data: 2 entries. 17 of 4096 bytes used, 4079 left.\n")
	if array, err := ctap2.ParseLargeBlobArray(key.LargeBlobArray()); err != nil || len(array) != 0 {
		t.Errorf("%d entries are left, %v", len(array), err)
	}
}

// What is wrong is said in words, with the exit code of its kind.
func TestBlobsRefused(t *testing.T) {
	key, ada, bob, eve := blobKey(t, virtual.Config{LargeBlobCapacity: 1024})
	device := serve(t, key)
	if err := key.SetLargeBlob([]byte("the passkey of bob"), random(500)); err != nil {
		t.Fatal(err)
	}
	without := serve(t, newKey(t, virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandLargeBlobs}}))
	u2f := serve(t, newKey(t, virtual.Config{Profile: virtual.U2FOnly}))
	withoutPIN := serve(t, newKey(t, virtual.Config{}))
	unmanaged := serve(t, newKey(t, virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandCredentialManagement}}))
	perPasskey, adaToo, _, eveToo := blobKey(t, virtual.Config{LargeBlobExtension: true})
	separate := serve(t, perPasskey)
	huge, large, half := writeFile(t, make([]byte, ctap2.MaxLargeBlobSize+1)), writeFile(t, random(1024)), writeFile(t, random(500))
	missing := filepath.Join(t.TempDir(), "no", "such")
	for _, test := range []struct {
		name, device string
		args         []string
		code         int
		says         string
	}{
		{"no data with passkeys", without, []string{"list"}, exitRefused, "stores no data with passkeys"},
		{"a key of U2F", u2f, []string{"list"}, exitRefused, "stores no data with passkeys"},
		{"no PIN", withoutPIN, []string{"list"}, exitPIN, "no PIN is set"},
		{"passkeys that can't be listed", unmanaged, []string{"list"}, exitRefused, "can't list"},
		{"unknown ID", device, []string{"get", "zzzz"}, exitFailed, "fidokey passkeys list"},
		{"no ID", device, []string{"get"}, exitUsage, "ID of one passkey"},
		{"a passkey without room", device, []string{"get", eve}, exitFailed, "the passkey of eve at example.com can't have data"},
		{"to write with a passkey without room", device, []string{"set", eve, "--in", half}, exitFailed, "can't have data"},
		{"nothing to delete", device, []string{"delete", ada, "--yes"}, exitFailed, "there is no data with the passkey of ada"},
		{"nothing to delete of one", device, []string{"delete", bob, ada, "--yes"}, exitFailed, "there is no data with the passkey of ada"},
		{"nothing said", device, []string{"delete"}, exitUsage, "--all"},
		{"too much said", device, []string{"delete", ada, "--all"}, exitUsage, "not both"},
		{"more than any key stores", device, []string{"set", ada, "--in", huge}, exitUsage, "which no key stores"},
		{"more than the key stores", device, []string{"set", ada, "--in", large}, exitRefused, "there is room for 1007"},
		{"more than there is room for", device, []string{"set", ada, "--in", half}, exitRefused, "make room with fidokey blobs delete"},
		{"in place of what is there", device, []string{"set", bob, "--in", half}, exitUsage, "--yes says that you agree"},
		{"as much in place of what is there", device, []string{"set", bob, "--in", half, "--yes"}, exitOK, "500 bytes of data: "},
		{"no file", device, []string{"set", ada, "--in", missing}, exitFailed, "there is no folder"},
		{"no file to write", device, []string{"get", bob, "--out", missing}, exitFailed, "there is no folder"},
		{"data where the PIN is", device, []string{"set", ada}, exitUsage, "--in FILE"},
		{"all of a key that keeps data with each", separate, []string{"delete", "--all", "--yes"}, exitRefused, "give the IDs"},
		{"a passkey without the extension", separate, []string{"set", eveToo, "--yes", "--in", half}, exitRefused, "the site did not ask for any"},
		{"more than a message has room for", separate, []string{"set", adaToo, "--yes", "--in", writeFile(t, random(2000))}, exitRefused, "store less"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := withPIN(t, test.device, append([]string{"blobs"}, test.args...)...)
			if r.code != test.code || !strings.Contains(r.err, test.says) {
				t.Errorf("exit code %d instead of %d, without %q: %s", r.code, test.code, test.says, r.err)
			}
		})
	}
	if got := stored(t, key, "bob"); len(got) != 500 {
		t.Errorf("the key has %d bytes", len(got))
	}
}

// random is data that can't be compressed.
func random(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// Data through a pipe goes with a key that asks for a finger, and not with one that
// asks for the PIN.
func TestBlobsThroughPipe(t *testing.T) {
	key, ada, _, _ := blobKey(t, virtual.Config{UV: virtual.FingerprintUV})
	device := serve(t, key)
	says(t, fidokey(t, t.Context(), "data", "blobs", "set", ada, "-d", device), exitPIN, "", "give the data with --in FILE")
	if _, err := key.AddFingerprint("thumb"); err != nil {
		t.Fatal(err)
	}
	if r := fidokey(t, t.Context(), "data", "blobs", "set", ada, "-d", device); r.code != exitOK || string(stored(t, key, "ada")) != "data" {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// What is damaged stays as it is until all is deleted.
func TestBlobsDamaged(t *testing.T) {
	key, ada, _, _ := blobKey(t, virtual.Config{})
	if err := key.SetLargeBlobArray([]byte("what a broken key makes of it")); err != nil {
		t.Fatal(err)
	}
	device := serve(t, key)
	in := writeFile(t, []byte("data"))
	for _, args := range [][]string{{"list"}, {"get", ada}, {"set", ada, "--in", in}, {"delete", ada, "--yes"}} {
		says(t, withPIN(t, device, append([]string{"blobs"}, args...)...), exitRefused, "", "29 bytes", "fidokey blobs delete --all")
	}
	says(t, withPIN(t, device, "blobs", "delete", "--all", "-n"), exitOK, "Would delete all data, which is damaged.\n")
	if got := key.LargeBlobArray(); string(got) != "what a broken key makes of it" {
		t.Errorf("the key has %q", got)
	}
	says(t, withPIN(t, device, "blobs", "delete", "--all", "--yes"), exitOK, "Deleted all data, which is damaged. 17 of 4096 bytes used, 4079 left.\n")
}

// An entry that is a passkey's and can't be decompressed is shown as such and can be
// deleted, and replaced.
func TestBlobsDamagedEntry(t *testing.T) {
	key, ada, _, _ := blobKey(t, virtual.Config{})
	block, err := aes.NewCipher(key.Credentials()[0].LargeBlobKey)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, 12)
	entry, err := cbor.Marshal(map[int]any{1: aead.Seal(nil, nonce, []byte("no DEFLATE"), append([]byte("blob"), 9, 0, 0, 0, 0, 0, 0, 0)), 2: nonce, 3: 9})
	if err != nil {
		t.Fatal(err)
	}
	if err := key.SetLargeBlobArray(ctap2.LargeBlobArray{entry}.Append(nil)); err != nil {
		t.Fatal(err)
	}
	device := serve(t, key)
	l := jsonOf[blobListing](t, withPIN(t, device, "blobs", "list", "--json"))
	if p := l.Passkeys[0]; p.ID != ada || p.Problem == "" || p.Size != nil || p.Stored == nil || *l.OtherEntries != 0 {
		t.Errorf("it is %+v", p)
	}
	if r := withPIN(t, device, "blobs", "list"); !strings.Contains(r.out, "ada  damaged: ") {
		t.Errorf("the list is %s", r.out)
	}
	says(t, withPIN(t, device, "blobs", "get", ada), exitFailed, "", "damaged")
	says(t, withPIN(t, device, "blobs", "delete", ada, "--yes"), exitOK, "Deleted the data of ada at example.com.\n")
	if n := len(key.LargeBlobArray()); n != ctap2.InitialLargeBlobArraySize {
		t.Errorf("%d bytes are left", n)
	}
}

// A key that keeps data with each passkey wants its user verified if the passkey does,
// or the key for everything, and otherwise only a touch.
func TestBlobsWithPasskeyVerified(t *testing.T) {
	for _, test := range []struct {
		name   string
		config virtual.Config
		tokens int
	}{
		{"a touch", virtual.Config{}, 1},
		{"a passkey that wants it", virtual.Config{CredProtect: ctap2.CredProtectUVRequired}, 2},
		{"a key that wants it", virtual.Config{AlwaysUV: true}, 2},
		{"a key that does not say so", virtual.Config{AlwaysUV: true, Info: func(i *ctap2.GetInfoResponse) { delete(i.Options, ctap2.OptionAlwaysUv) }}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.LargeBlobExtension, test.config.MaxMsgSize, test.config.History = true, 7609, 200
			key, ada, _, _ := blobKey(t, test.config)
			device := serve(t, key)
			says(t, withPIN(t, device, "blobs", "set", ada, "--yes", "--in", writeFile(t, random(5000))), exitRefused, "", "no room for so much")
			before := tokensOf(key)
			says(t, withPIN(t, device, "blobs", "set", ada, "--yes", "--in", writeFile(t, []byte("data"))), exitOK,
				"Stored 4 bytes with the passkey of ada at example.com.\n", "Touch the key.")
			says(t, withPIN(t, device, "blobs", "get", ada), exitOK, "data", "Touch the key.")
			if n := tokensOf(key) - before; n != 2*test.tokens {
				t.Errorf("the PIN was sent %d times, not %d", n, 2*test.tokens)
			}
			l := jsonOf[blobListing](t, withPIN(t, device, "blobs", "list", "--json"))
			if len(l.Passkeys) != 3 || l.Passkeys[0].Size != nil || l.Room != nil || l.OtherEntries != nil {
				t.Errorf("the list is %+v", l)
			}
		})
	}
}

// tokensOf is how many tokens the key has been asked for with a PIN.
func tokensOf(key *virtual.Key) (n int) {
	for _, c := range key.Commands() {
		if r, err := c.Parse(); err == nil {
			if r, ok := r.(*ctap2.ClientPINRequest); ok && r.SubCommand == ctap2.GetPinUvAuthTokenUsingPinWithPermissions {
				n++
			}
		}
	}
	return n
}

// A site whose name the key has shortened can't be asked for.
func TestBlobsOfShortenedSite(t *testing.T) {
	key, ada, _, _ := blobKey(t, virtual.Config{LargeBlobExtension: true, Faults: virtual.Faults{Mutate: func(c ctap2.Command, reply []byte) []byte {
		if c == ctap2.CommandCredentialManagement {
			return bytes.Replace(reply, []byte("example.com"), []byte("example.c…")[:11], 1)
		}
		return reply
	}}})
	says(t, withPIN(t, serve(t, key), "blobs", "get", ada), exitRefused, "", "shortened the name of the site")
}

// What a hostile key says of its passkeys does not reach the terminal as it is.
func TestBlobsAreFitForATerminal(t *testing.T) {
	evil := "\x1b[31mRED\x07\r\n"
	key := newKey(t, virtual.Config{})
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	id := []byte("an ID that is long enough")
	if _, err := key.AddCredential(virtual.NewCredential{
		RP: ctap2.PublicKeyCredentialRPEntity{ID: evil, Name: evil}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: evil, DisplayName: evil},
		ID: id, Discoverable: true, LargeBlob: true,
	}); err != nil {
		t.Fatal(err)
	}
	device, short := serve(t, key), shortid.Long(id)[:shortid.Least]
	for _, args := range [][]string{{"list"}, {"get", short}, {"set", short, "--in", writeFile(t, nil)}, {"delete", short, "--yes"}} {
		r := withPIN(t, device, append([]string{"blobs"}, args...)...)
		if strings.ContainsAny(r.out+r.err, "\x1b\x07\r") || !strings.Contains(r.out+r.err, "RED") {
			t.Errorf("%s prints %q", args[0], r.out+r.err)
		}
	}
}
