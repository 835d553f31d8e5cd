package layout

import (
	"bytes"
	"fmt"
	"testing"
	"text/tabwriter"
)

func TestFold(t *testing.T) {
	for _, c := range []struct {
		name     string
		width    int
		in, want string
	}{
		{"short line/as it is", 20, "a line\nand another\n", "a line\nand another\n"},
		{"line as wide as the terminal/as it is", 10, "0123 56789", "0123 56789"},
		{"long line/between words", 12, "one two three four", "one two\nthree four"},
		{"blank at the edge/none is left", 7, "one two three", "one two\nthree"},
		{"item of a list/below its text", 14, "  - one two three", "  - one two\n    three"},
		{"indented/as far in", 12, "  one two three", "  one two\n  three"},
		{"table/in the last column", 34, "name  size  what it is and what it is for", "name  size  what it is and what it\n            is for"},
		{"last column too narrow/in the one before", 30, "name  size  12345678901234567890  what", "name  size\n      12345678901234567890\n      what"},
		{"long word/left to the terminal", 8, "0123456789abcdef", "0123456789abcdef"},
		{"long word in a column/beside its name", 30, "name  0123456789012345678901234567890123456789 two", "name  0123456789012345678901234567890123456789\n      two"},
		{"long word after others/on its own line", 8, "one 0123456789abcdef two", "one\n0123456789abcdef\ntwo"},
		{"question/its blank stays at the end", 12, "Shall it be so? [y/N] ", "Shall it be\nso? [y/N] "},
		{"colours/take no room", 12, "\x1b[31mone two three\x1b[0m", "\x1b[31mone two\nthree\x1b[0m"},
		{"wide characters/two cells each", 9, "世界 世界 世界", "世界 世界\n世界"},
		{"column beyond the middle/a little way in", 40, "versions                          U2F_V2 (U2F: a second factor beside a password)",
			"versions                          U2F_V2\n  (U2F: a second factor beside a\n  password)"},
		{"its next row/as far in", 40, "                                  credBlob (keeps a few bytes with each passkey)",
			"  credBlob (keeps a few bytes with each\n  passkey)"},
		{"accents/one character each", 7, "éé éé éé", "éé éé\néé"},
		{"no text", 10, "", ""},
		{"no room at all/a word on each line", 0, "one two", "one\ntwo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Fold(c.in, c.width); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestWriter(t *testing.T) {
	t.Run("cells of a table/whole lines", func(t *testing.T) {
		var got bytes.Buffer
		w := tabwriter.NewWriter(NewWriter(&got, 30), 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "a\tone two three four five six seven\nbcd\teight\n")
		w.Flush()
		if want := "a    one two three four five\n     six seven\nbcd  eight\n"; got.String() != want {
			t.Errorf("got\n%s\nwant\n%s", &got, want)
		}
	})
}
