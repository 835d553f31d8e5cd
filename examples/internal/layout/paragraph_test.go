package layout

import "testing"

func TestUnwrap(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"paragraphs/a line each", "one\ntwo\n\nthree\nfour", "one two\n\nthree four"},
		{"indented/as it is", "one\n  two\n  three\nfour\nfive", "one\n  two\n  three\nfour five"},
		{"heading/on its own line", "one\ntwo:\nthree\nfour", "one two:\nthree four"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Unwrap(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
