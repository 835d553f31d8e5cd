package shortid

import (
	"slices"
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
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
		if got := Shorten(test.long, Least); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q instead of %q", test.name, got, test.want)
		}
	}
}

// Another passkey changes no ID but of those that begin like its own.
func TestShortenIsStable(t *testing.T) {
	var long []string
	before := make(map[string]string)
	for i := range 3000 {
		long = append(long, Long([]byte{1, 2, 3, byte(i >> 8), byte(i)}))
		for k, short := range Shorten(long[max(0, len(long)-50):], Least) {
			id := long[max(0, len(long)-50):][k]
			if !strings.HasPrefix(id, short) || len(short) > 8 {
				t.Fatalf("%s is short for %s", short, id)
			}
		}
	}
	changed := 0
	for i, short := range Shorten(long, Least) {
		before[long[i]] = short
	}
	more := append(slices.Clone(long), Long([]byte("another one")))
	for i, short := range Shorten(more, Least)[:len(long)] {
		if before[long[i]] != short {
			changed++
		}
	}
	if changed > 2 {
		t.Errorf("one more passkey changes %d IDs", changed)
	}
}

func TestTyped(t *testing.T) {
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
		if got, ok := Typed(test.in); got != test.want || ok != test.ok {
			t.Errorf("%q: %q, %t", test.in, got, ok)
		}
	}
}
