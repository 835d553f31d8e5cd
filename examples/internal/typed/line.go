// Package typed reads what a person types: a line, shown or not, for no longer than a
// context lasts. Lines are read a byte at a time, so that what follows is there for
// whoever reads next, and into memory that is never moved, so that they can be wiped.
package typed

import (
	"bytes"
	"cmp"
	"io"
)

// Line reads a line and not a byte more, so that what follows is there for
// the next. Of a longer one than most bytes it is the beginning.
func Line(r io.Reader, most int) ([]byte, error) {
	line := make([]byte, 0, most) // never moved, so that it can be wiped
	var c [1]byte
	for {
		n, err := r.Read(c[:])
		switch {
		case n == 0 && len(line) == 0:
			return nil, cmp.Or(err, io.EOF)
		case n == 0 && err != nil && err != io.EOF:
			clear(line)
			return nil, err
		case n == 0, c[0] == '\n': // a file need not end with the end of a line
			return bytes.TrimSuffix(line, []byte("\r")), nil
		case len(line) < cap(line):
			line = append(line, c[0])
		}
	}
}
