package cbor

import (
	"strings"
	"unicode/utf8"
)

// repair makes valid UTF-8 of b, as UnmarshalLenient describes.
func repair(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if last := b[len(b)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				b = b[:len(b)-n]
			}
			break
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
