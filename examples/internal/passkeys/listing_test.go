package passkeys

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/gofido/fido/ctap2"
)

func siteOf(rpID string, credentials ...ctap2.StoredCredential) StoredSite {
	return StoredSite{ctap2.StoredRP{RP: ctap2.PublicKeyCredentialRPEntity{ID: rpID}, RPIDHash: sha256.Sum256([]byte(rpID))}, credentials}
}

func credentialOf(id, userID, name string) ctap2.StoredCredential {
	return ctap2.StoredCredential{
		ID:   ctap2.PublicKeyCredentialDescriptor{ID: []byte(id), Type: ctap2.TypePublicKey},
		User: ctap2.PublicKeyCredentialUserEntity{ID: []byte(userID), Name: name},
	}
}

// Sites and accounts are in order, whatever the order of the key.
func TestListSites(t *testing.T) {
	stored := []StoredSite{
		siteOf("example.org", credentialOf("c4", "u1", "ada")),
		siteOf("example.com", credentialOf("c1", "u2", "bob"), credentialOf("c2", "u1", "ada")),
		siteOf("example.com", credentialOf("c3", "u3", "cyd")), // the same site once more
	}
	words := func(sites []Site) (all []string) {
		l := Listing{Sites: sites}
		for p := range l.All() {
			all = append(all, p.Words())
		}
		return all
	}
	want := []string{"ada at example.com", "bob at example.com", "cyd at example.com", "ada at example.org"}
	if got := words(ListSites(stored)); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	slices.Reverse(stored)
	if got := words(ListSites(stored)); !slices.Equal(got, want) {
		t.Errorf("reversed: %q", got)
	}
	if b, err := json.Marshal(ListSites(nil)); err != nil || string(b) != "[]" {
		t.Errorf("without sites: %s, %v", b, err)
	}
}

// What keys do to RP IDs and names, and what hostile ones put there.
func TestPasskeyWords(t *testing.T) {
	whole := sha256.Sum256([]byte("a.very.long.name.of.a.host.example.com"))
	for _, test := range []struct {
		name string
		site SiteName
		user User
		want string
	}{
		{"both names", siteOfName("example.com"), User{Name: "ada", DisplayName: "Ada Lovelace"}, "ada (Ada Lovelace) at example.com"},
		{"the same name twice", siteOfName("example.com"), User{Name: "ada", DisplayName: "ada"}, "ada at example.com"},
		{"only one to show", siteOfName("example.com"), User{DisplayName: "Ada"}, "Ada at example.com"},
		{"no name", siteOfName("example.com"), User{}, "(an account without a name) at example.com"},
		{"a shortened RP ID", SiteName{RPID: "…me.of.a.host.example.com", RPIDHash: base64URL(whole[:])}, User{Name: "ada"}, "ada at …me.of.a.host.example.com (shortened by the key)"},
		{"the hash alone", SiteName{RPIDHash: base64URL(whole[:])}, User{Name: "ada"}, "ada at a site without a name (its hash is " + base64URL(whole[:])[:8] + "…)"},
		{"a hostile key", siteOfName("e\x1b[2Jvil.example"), User{Name: "a\u202eb\n"}, "a\ufffdb\ufffd at e\ufffd[2Jvil.example"},
	} {
		if p := (Entry{test.site, Passkey{User: test.user}}); p.Words() != test.want {
			t.Errorf("%s: %q", test.name, p.Words())
		}
	}
}

func siteOfName(rpID string) SiteName {
	sum := sha256.Sum256([]byte(rpID))
	return SiteName{RPID: rpID, RPIDHash: base64URL(sum[:])}
}

func TestParseListing(t *testing.T) {
	l := &Listing{
		Format: Format, Version: Version, Created: time.Date(2025, 5, 3, 12, 0, 0, 0, time.UTC),
		Key:   Key{Device: "/dev/hidraw0", AAGUID: ctap2.AAGUID{1}.String()},
		Sites: ListSites([]StoredSite{siteOf("example.com", credentialOf("c1", "u1", "ada"))}),
	}
	whole, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	with := func(old, new string) []byte {
		if !bytes.Contains(whole, []byte(old)) {
			t.Fatalf("%s has no %s", whole, old)
		}
		return bytes.Replace(whole, []byte(old), []byte(new), 1)
	}
	for _, test := range []struct {
		name string
		in   []byte
		says string // of an error
	}{
		{"as it was written", whole, ""},
		{"with members of a later fidokey", with(`"sites":`, `"colour":"blue","sites":`), ""},
		{"with a byte order mark", append([]byte("\xef\xbb\xbf"), whole...), ""},
		{"in UTF-16, by PowerShell", inUTF16(string(whole)), ""},
		{"nothing", nil, "not what fidokey passkeys list --json prints"},
		{"other JSON", []byte("{}"), "not what fidokey passkeys list --json prints"},
		{"no JSON", []byte("example.com"), "not what fidokey passkeys list --json prints"},
		{"cut off", whole[:len(whole)-5], "not what fidokey passkeys list --json prints"},
		{"a later version", with(`"version":1`, `"version":2`), "its version is 2"},
		{"a hash that is none", with(`"rpIdHash":"`, `"rpIdHash":"AA`), "rpIdHash"},
		{"a credential ID that is none", with(`"credentialId":"`, `"credentialId":"=`), "credentialId"},
	} {
		got, err := Parse(bytes.NewReader(test.in))
		if test.says != "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if again, _ := json.Marshal(got); !bytes.Equal(again, whole) {
			t.Errorf("%s: %s became %s", test.name, whole, again)
		}
	}
}

func inUTF16(s string) []byte {
	b := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}
