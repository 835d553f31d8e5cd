package passkeys

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
)

func listingOf(sites ...StoredSite) *Listing { return &Listing{Sites: ListSites(sites)} }

func TestCompareAccounts(t *testing.T) {
	longName := strings.Repeat("a", 90) + "@example.com"
	shortened := func(s StoredSite, id string) StoredSite {
		s.RP.RP.ID = id
		return s
	}
	for _, test := range []struct {
		name string
		a, b *Listing
		want []string // site, account, passkeys on A and on B, and why they are the same
	}{
		{"two empty keys", listingOf(), listingOf(), nil},
		{
			"on both, and on one",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", "ada"), credentialOf("a2", "u2", "bob")), siteOf("a.example", credentialOf("a3", "u1", "ada"))),
			listingOf(siteOf("example.com", credentialOf("b1", "u1", "ada")), siteOf("b.example", credentialOf("b2", "u1", "ada"))),
			[]string{"a.example ada 1 0 ", "b.example ada 0 1 ", "example.com ada 1 1 userHandle", "example.com bob 1 0 "},
		},
		{
			"the user handle counts, not the name",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", "ada"))),
			listingOf(siteOf("example.com", credentialOf("b1", "u1", "ada@new.example"))),
			[]string{"example.com ada 1 1 userHandle"},
		},
		{
			"the same user handle at another site is another account",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", "ada"))),
			listingOf(siteOf("example.org", credentialOf("b1", "u1", "ada"))),
			[]string{"example.com ada 1 0 ", "example.org ada 0 1 "},
		},
		{
			"several passkeys of one account on a key",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", "ada"), credentialOf("a2", "u1", "ada"))),
			listingOf(siteOf("example.com", credentialOf("b1", "u1", "ada"), credentialOf("b2", "u1", "ada"), credentialOf("b3", "u1", "ada"))),
			[]string{"example.com ada 2 3 userHandle"},
		},
		{
			"a user handle for each passkey: by the name",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", "Ada"))),
			listingOf(siteOf("example.com", credentialOf("b1", "u9", "ada"))),
			[]string{"example.com Ada 1 1 name"},
		},
		{
			"no user handles at all: by the name",
			listingOf(siteOf("example.com", credentialOf("a1", "", "ada"), credentialOf("a2", "", "bob"))),
			listingOf(siteOf("example.com", credentialOf("b1", "", "ada"))),
			[]string{"example.com ada 1 1 name", "example.com bob 1 0 "},
		},
		{
			"two of the name on one key: no backup is better than a wrong one",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", "ada"), credentialOf("a2", "u2", "ada"))),
			listingOf(siteOf("example.com", credentialOf("b1", "u9", "ada"))),
			[]string{"example.com ada 1 0 ", "example.com ada 1 0 ", "example.com ada 0 1 "},
		},
		{
			"a name that is another's by its user handle",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", "ada"))),
			listingOf(siteOf("example.com", credentialOf("b1", "u1", "ada"), credentialOf("b2", "u2", "ada"))),
			[]string{"example.com ada 1 1 userHandle", "example.com ada 0 1 "},
		},
		{
			"no names to go by",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", ""))),
			listingOf(siteOf("example.com", credentialOf("b1", "u2", ""))),
			[]string{"example.com  1 0 ", "example.com  0 1 "},
		},
		{
			"a name that one key has cut",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", longName))),
			listingOf(siteOf("example.com", credentialOf("b1", "u2", longName[:64]))),
			[]string{"example.com " + longName + " 1 1 name"},
		},
		{
			"long names that differ at the end",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", longName+"1"))),
			listingOf(siteOf("example.com", credentialOf("b1", "u2", longName+"2"))),
			[]string{"example.com " + longName + "1 1 0 ", "example.com " + longName + "2 0 1 "},
		},
		{
			"an RP ID that one key has shortened",
			listingOf(shortened(siteOf("login.example.com", credentialOf("a1", "u1", "ada")), "…example.com")),
			listingOf(siteOf("login.example.com", credentialOf("b1", "u1", "ada"))),
			[]string{"login.example.com ada 1 1 userHandle"},
		},
		{
			"an RP ID that one key keeps the hash of",
			listingOf(siteOf("example.com", credentialOf("a1", "u1", ""))),
			listingOf(shortened(siteOf("example.com", credentialOf("b1", "u1", "ada")), "")),
			[]string{"example.com ada 1 1 userHandle"},
		},
		{
			"two RP IDs that both keys show alike",
			listingOf(shortened(siteOf("one.example.com", credentialOf("a1", "u1", "ada")), "…example.com")),
			listingOf(shortened(siteOf("two.example.com", credentialOf("b1", "u1", "ada")), "…example.com")),
			[]string{"…example.com ada 1 0 ", "…example.com ada 0 1 "},
		},
	} {
		var got []string
		for _, c := range Compare(test.a, test.b) {
			got = append(got, fmt.Sprint(c.Site.RPID, " ", c.User.Name, " ", len(c.A), " ", len(c.B), " ", c.MatchedBy))
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\n%q instead of\n%q", test.name, got, test.want)
		}
	}
}

// A list that someone else has made costs no more time than its size.
func TestCompareManyAccounts(t *testing.T) {
	var many []ctap2.StoredCredential
	for i := range 20000 {
		many = append(many, credentialOf(fmt.Sprint("c", i), fmt.Sprint("u", i), "ada"))
	}
	l := listingOf(StoredSite{ctap2.StoredRP{RPIDHash: sha256.Sum256(nil)}, many})
	if got := Compare(l, listingOf()); len(got) != len(many) {
		t.Errorf("%d accounts", len(got))
	}
}

func TestAfterLoss(t *testing.T) {
	a := listingOf(siteOf("both.example", credentialOf("a1", "u1", "ada")), siteOf("a.example", credentialOf("a2", "u1", "ada")))
	b := listingOf(siteOf("both.example", credentialOf("b1", "u1", "ada")), siteOf("b.example", credentialOf("b2", "u1", "ada")))
	for lost, want := range map[string]map[string]string{
		"A": {"both.example": ToDoRemove, "a.example": ToDoRecover, "b.example": ToDoNothing},
		"B": {"both.example": ToDoRemove, "a.example": ToDoNothing, "b.example": ToDoRecover},
	} {
		all := Compare(a, b)
		AfterLoss(all, lost)
		for _, c := range all {
			if c.ToDo != want[c.Site.RPID] {
				t.Errorf("%s is lost: %s at %s", lost, c.ToDo, c.Site.RPID)
			}
		}
	}
}

func TestSameKey(t *testing.T) {
	one := listingOf(siteOf("example.com", credentialOf("c1", "u1", "ada"), credentialOf("c2", "u2", "bob")))
	later := listingOf(siteOf("example.com", credentialOf("c2", "u2", "bob")))
	other := listingOf(siteOf("example.com", credentialOf("c3", "u1", "ada")))
	known, knownToo, different := listingOf(), listingOf(), listingOf()
	known.Key.DeviceIdentifier, knownToo.Key.DeviceIdentifier, different.Key.DeviceIdentifier = "AAAA", "AAAA", "BBBB"
	for _, test := range []struct {
		name string
		a, b *Listing
		want bool
	}{
		{"a passkey in common", one, later, true},
		{"none in common", one, other, false},
		{"empty and unknown", listingOf(), listingOf(), false},
		{"empty and recognised", known, knownToo, true},
		{"empty and different", known, different, false},
	} {
		if got := SameKey(test.a, test.b); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
