package typed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// ErrInterrupted says that Ctrl-C was pressed at a prompt.
var ErrInterrupted = errors.New("interrupted")

// Secret asks at a terminal for a line that is not shown, and returns at most so many
// bytes of it. The question goes to w. Ctrl-C gives [ErrInterrupted], Ctrl-D io.EOF.
// When ctx ends the terminal is as it was before; see [Await] for the read.
func Secret(ctx context.Context, terminal *os.File, question string, most int, w io.Writer) ([]byte, error) {
	// In raw mode the control characters arrive as such, on every system, and
	// nothing has to be known of signals. It comes before the prompt: what is typed
	// as soon as that is there is not shown.
	fd := int(terminal.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(w, strings.ReplaceAll(question, "\n", "\r\n"))
	pin, err := Await(ctx, func() ([]byte, error) { return secretLine(terminal, most) })
	term.Restore(fd, before)
	fmt.Fprintln(w)
	return pin, err
}

// The characters that end or change a line.
const (
	ctrlC     = 3
	ctrlD     = 4
	ctrlU     = 21
	backspace = 8
	del       = 127
)

// secretLine reads up to the end of the line.
func secretLine(r io.Reader, most int) ([]byte, error) {
	line := make([]byte, 0, most) // never moved, so that it can be wiped
	var c [1]byte
	for {
		if n, err := r.Read(c[:]); n == 0 {
			if len(line) > 0 && (err == nil || err == io.EOF) {
				return line, nil // a file need not end with the end of a line
			}
			clear(line)
			return nil, cmp.Or(err, io.EOF)
		}
		switch c[0] {
		case '\r', '\n':
			return line, nil
		case ctrlC, ctrlD:
			clear(line)
			return nil, map[byte]error{ctrlC: ErrInterrupted, ctrlD: io.EOF}[c[0]]
		case ctrlU:
			clear(line)
			line = line[:0]
		case backspace, del:
			line = withoutLastRune(line)
		default:
			if len(line) < cap(line) {
				line = append(line, c[0])
			}
		}
	}
}

// withoutLastRune takes the last character away, of however many bytes.
func withoutLastRune(b []byte) []byte {
	for n := len(b) - 1; n >= 0; n-- {
		last := b[n]
		b[n] = 0
		if b = b[:n]; last&0xc0 != 0x80 {
			break
		}
	}
	return b
}
