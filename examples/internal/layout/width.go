package layout

import (
	"unicode"
	"unicode/utf8"
)

// Width is how many cells of a terminal a text takes.
func Width(s string) int {
	n := 0
	eachShown(s, func(_ int, r rune) bool { n += cells(r); return true })
	return n
}

// wide are the characters that take two cells: those of East Asia and emojis
// (Unicode Standard Annex 11, W and F, in whole blocks).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul Jamo
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // radicals, punctuation
		{Lo: 0x3041, Hi: 0x33ff, Stride: 1}, // Kana and others
		{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, // ideographs
		{Lo: 0x4e00, Hi: 0xa4cf, Stride: 1}, // ideographs, Yi
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1}, // Hangul Jamo
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // ideographs
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // punctuation
		{Lo: 0xff01, Hi: 0xff60, Stride: 1}, // full width
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // emojis
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1faff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // ideographs
	},
}

// cells is how many cells of a terminal a character takes.
func cells(r rune) int {
	if unicode.Is(wide, r) {
		return 2
	}
	return 1
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
