package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
)

func TestShortIDs(t *testing.T) {
	for _, test := range []struct {
		name       string
		long, want []string
	}{
		{"none", nil, []string{}},
		{"one has the least length", []string{"abcdefgh"}, []string{"abcd"}},
		{"differ early", []string{"abcdefgh", "abddefgh", "xbcdefgh"}, []string{"abcd", "abdd", "xbcd"}},
		{"differ late", []string{"abcdefgh", "abcdezzz", "abcdefzz"}, []string{"abcdefg", "abcdez", "abcdefz"}},
		{"neighbours on both sides", []string{"aaaaab", "aaaab0", "aaaaac"}, []string{"aaaaab", "aaaab", "aaaaac"}},
		{"the same one twice", []string{"abcdefgh", "abcdefgh", "abcdexxx"}, []string{"abcdef", "abcdef", "abcdex"}},
		{"too short to differ", []string{"abc", "abcdef"}, []string{"abc", "abcd"}},
	} {
		if got := shortIDs(test.long); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q instead of %q", test.name, got, test.want)
		}
	}
}

// Another passkey changes no ID but of those that begin like its own.
func TestShortIDsAreStable(t *testing.T) {
	var long []string
	before := make(map[string]string)
	for i := range 3000 {
		long = append(long, longID([]byte{1, 2, 3, byte(i >> 8), byte(i)}))
		for k, short := range shortIDs(long[max(0, len(long)-50):]) {
			id := long[max(0, len(long)-50):][k]
			if !strings.HasPrefix(id, short) || len(short) > 8 {
				t.Fatalf("%s is short for %s", short, id)
			}
		}
	}
	changed := 0
	for i, short := range shortIDs(long) {
		before[long[i]] = short
	}
	more := append(slices.Clone(long), longID([]byte("another one")))
	for i, short := range shortIDs(more)[:len(long)] {
		if before[long[i]] != short {
			changed++
		}
	}
	if changed > 2 {
		t.Errorf("one more passkey changes %d IDs", changed)
	}
}

func TestAsShortID(t *testing.T) {
	for _, test := range []struct {
		in, want string
		ok       bool
	}{
		{"k3v9", "k3v9", true},
		{"K3V9", "k3v9", true},
		{"OIL0", "0110", true},
		{"k3v", "k3v", false},
		{"k3v9u", "k3v9u", false},
		{"k3v-", "k3v-", false},
		{"", "", false},
		{strings.Repeat("0", 52), strings.Repeat("0", 52), true},
		{strings.Repeat("0", 53), strings.Repeat("0", 53), false},
	} {
		if got, ok := asShortID(test.in); got != test.want || ok != test.ok {
			t.Errorf("%q: %q, %t", test.in, got, ok)
		}
	}
}

func TestFindPasskeys(t *testing.T) {
	l := &passkeyListing{Sites: listSites([]storedSite{
		siteOf("example.com", credentialOf("c1", "u1", "ada"), credentialOf("c2", "u2", "bob")),
		siteOf("example.org", credentialOf("c3", "u1", "ada")),
	})}
	var short, whole []string
	for p := range l.all() {
		short, whole = append(short, p.ID), append(whole, p.CredentialID)
	}
	for _, test := range []struct {
		name string
		args []string
		want []string // credential IDs
		says string   // of an error
	}{
		{"short IDs, in the order given", []string{short[2], short[0]}, []string{whole[2], whole[0]}, ""},
		{"longer and in capitals", []string{strings.ToUpper(longID([]byte("c2"))[:9])}, []string{whole[1]}, ""},
		{"whole credential IDs", whole, whole, ""},
		{"twice", []string{short[0], whole[0], short[0]}, []string{whole[0]}, ""},
		{"none has it", []string{short[0], "zzzz"}, nil, `no passkey on the key has the ID "zzzz"`},
	} {
		found, err := l.findPasskeys(test.args)
		var got []string
		for _, p := range found {
			got = append(got, p.CredentialID)
		}
		if test.says == "" && (err != nil || !slices.Equal(got, test.want)) || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
	// Two passkeys whose IDs begin alike.
	var many []ctap2.StoredCredential
	for i := range 4000 {
		many = append(many, credentialOf(string(rune(0x4000+i)), "u", "ada"))
	}
	l = &passkeyListing{Sites: listSites([]storedSite{{siteOf("example.com").rp, many}})}
	for p := range l.all() {
		if len(p.ID) == minShortID {
			continue
		}
		if _, err := l.findPasskeys([]string{p.ID[:minShortID]}); err == nil || !strings.Contains(err.Error(), p.ID) || !strings.Contains(err.Error(), "one of") {
			t.Errorf("%s: %v", p.ID, err)
		}
		return
	}
	t.Error("none of 4000 IDs begin alike")
}

func TestCheckPasskeyIDs(t *testing.T) {
	for _, test := range []struct {
		arg string
		ok  bool
	}{
		{"k3v9", true}, {"AQIDBAUGBwgJCgsMDQ4PEA", true}, {"_-_-_-_-", true}, {"k3v", false}, {"example.com", false}, {"", false},
	} {
		err := checkPasskeyIDs([]string{test.arg})
		if usage := codeOf(err) == exitUsage; (err == nil) != test.ok || usage == test.ok {
			t.Errorf("%q: %v", test.arg, err)
		}
	}
}
