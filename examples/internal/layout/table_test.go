package layout

import (
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	for _, c := range []struct {
		name string
		rows [][]string
		want []string
	}{
		{"no rows", nil, []string{}},
		{"columns/begin at the same place", [][]string{{"a", "bb", "c"}, {"aaa", "b", "c"}}, []string{"a    bb  c", "aaa  b   c"}},
		{"a last cell/makes no column wider", [][]string{{"a", "a long last one"}, {"b", "c", "d"}}, []string{"a  a long last one", "b  c  d"}},
		{"one cell/as it is", [][]string{{"alone"}, {"a", "b"}}, []string{"alone", "a  b"}},
		{"empty at the end/no blanks", [][]string{{"a", "b", ""}, {"", "", "c"}}, []string{"a  b", "      c"}},
		{"colours/take no room", [][]string{{"\x1b[1ma\x1b[0m", "b"}, {"aa", "b"}}, []string{"\x1b[1ma\x1b[0m   b", "aa  b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var table Table
			for _, r := range c.rows {
				table.Add(r...)
			}
			if got := table.Lines(); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want string
		n        int
	}{
		{"short/as it is", "abc", "abc", 3},
		{"long/with a mark in place of the end", "abcd", "ab…", 3},
		{"accents/one character each", "ééé", "é…", 2},
		{"no room/the mark alone", "abc", "…", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Cut(c.in, c.n); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
