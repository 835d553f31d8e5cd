// Package printable makes text that a device supplied fit to be shown to a person.
package printable

import (
	"strings"
	"unicode"
)

// maxText is the most bytes that are shown: a USB string has at most 126 UTF-16
// units, and names on a key are shorter.
const maxText = 512

// Text returns s with U+FFFD for bytes that are not UTF-8 and characters that can't
// be printed, which a terminal might obey, without blanks around it, and without what
// follows the first 512 bytes.
func Text(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxText)], "\ufffd")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s))
}
