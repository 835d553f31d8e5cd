package passkeys

import (
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/examples/internal/shortid"
)

func TestFindPasskeys(t *testing.T) {
	l := &Listing{Sites: ListSites([]StoredSite{
		siteOf("example.com", credentialOf("c1", "u1", "ada"), credentialOf("c2", "u2", "bob")),
		siteOf("example.org", credentialOf("c3", "u1", "ada")),
	})}
	var short, whole []string
	for p := range l.All() {
		short, whole = append(short, p.ID), append(whole, p.CredentialID)
	}
	for _, test := range []struct {
		name string
		args []string
		want []string // credential IDs
		says string   // of an error
	}{
		{"short IDs, in the order given", []string{short[2], short[0]}, []string{whole[2], whole[0]}, ""},
		{"longer and in capitals", []string{strings.ToUpper(shortid.Long([]byte("c2"))[:9])}, []string{whole[1]}, ""},
		{"whole credential IDs", whole, whole, ""},
		{"twice", []string{short[0], whole[0], short[0]}, []string{whole[0]}, ""},
		{"none has it", []string{short[0], "zzzz"}, nil, `no passkey on the key has the ID "zzzz"`},
	} {
		found, err := l.Find(test.args)
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
	l = &Listing{Sites: ListSites([]StoredSite{{siteOf("example.com").RP, many}})}
	for p := range l.All() {
		if len(p.ID) == shortid.Least {
			continue
		}
		if _, err := l.Find([]string{p.ID[:shortid.Least]}); err == nil || !strings.Contains(err.Error(), p.ID) || !strings.Contains(err.Error(), "one of") {
			t.Errorf("%s: %v", p.ID, err)
		}
		return
	}
	t.Error("none of 4000 IDs begin alike")
}

func TestIsID(t *testing.T) {
	for _, test := range []struct {
		arg string
		ok  bool
	}{
		{"k3v9", true}, {"AQIDBAUGBwgJCgsMDQ4PEA", true}, {"_-_-_-_-", true}, {"k3v", false}, {"example.com", false}, {"", false},
	} {
		if got := IsID(test.arg); got != test.ok {
			t.Errorf("%q: %t", test.arg, got)
		}
	}
}
