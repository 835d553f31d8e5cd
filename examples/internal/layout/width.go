package layout

import (
	"unicode"
	"unicode/utf8"
)

// Width is how many characters of a text a terminal shows.
func Width(s string) int {
	n := 0
	eachShown(s, func(int, rune) bool { n++; return true })
	return n
}

// eachShown calls f for each character that takes room.
func eachShown(s string, f func(at int, r rune) bool) {
	escape := false
	for i, r := range s {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r == '[' || !unicode.IsLetter(r)
		case r == utf8.RuneError, !unicode.Is(unicode.Mn, r):
			if !f(i, r) {
				return
			}
		}
	}
}

// Cut leaves out the end of a text that is longer than n characters.
func Cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:max(n-1, 0)]) + "…"
}
