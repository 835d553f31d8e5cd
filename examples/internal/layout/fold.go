// Package layout puts text into the columns of a terminal: lines that are folded between
// words, tables, and paragraphs that are written over several lines. It knows no
// terminal: the width is its caller's.
package layout

import (
	"bytes"
	"io"
	"strings"
)

// Fold breaks the lines of a text that are wider than a terminal between words,
// where the terminal itself would break in the middle of one. What is carried over
// stands below the beginning of its item, or of the last column of a table. Escape
// sequences take no room.
func Fold(text string, width int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = foldLine(line, width)
	}
	return strings.Join(lines, "\n")
}

// leastColumn is how many characters a column that text is carried over to must
// have room for; in a narrower one nobody likes to read.
const leastColumn = 20

// narrowIndent is how far in the words of a column stand that has no room.
const narrowIndent = 2

func foldLine(line string, width int) string {
	body := strings.TrimRight(line, " ")
	tail := line[len(body):] // of a question, before the answer
	if start := len(body) - len(strings.TrimLeft(body, " ")); start > max(width-leastColumn, narrowIndent) && Width(body) > width {
		body = strings.Repeat(" ", narrowIndent) + body[start:]
	}
	hang := -1
	var out strings.Builder
	for Width(body) > width {
		if hang < 0 {
			hang = hangOf(body, width)
		}
		at := lastBlank(body, width)
		if Width(body[:at]) <= hang { // a word is longer than the line: the terminal breaks it
			end := strings.IndexByte(strings.TrimLeft(body[at:], " "), ' ')
			if end < 0 {
				break
			}
			at = len(body) - len(strings.TrimLeft(body[at:], " ")) + end
		}
		out.WriteString(strings.TrimRight(body[:at], " ") + "\n")
		body = strings.Repeat(" ", hang) + strings.TrimLeft(body[at:], " ")
	}
	return out.String() + body + tail
}

// hangOf returns how far in the words of a line stand that are carried over.
func hangOf(line string, width int) int {
	start := len(line) - len(strings.TrimLeft(line, " "))
	hang := start
	if strings.HasPrefix(line[start:], "- ") {
		hang += len("- ")
	}
	column, last := start, hang
	rest := line[start:]
	for {
		gap := strings.Index(rest, "  ")
		if gap < 0 {
			break
		}
		next := gap + len(rest[gap:]) - len(strings.TrimLeft(rest[gap:], " "))
		column += Width(rest[:next])
		rest = rest[next:]
		if column <= width-leastColumn {
			last = column
		} else if width > leastColumn {
			last = max(last, narrowIndent)
		}
	}
	return last
}

// lastBlank returns where the last blank is before which no more than width
// characters are shown; 0 if there is none.
func lastBlank(s string, width int) int {
	at, shown := 0, 0
	eachShown(s, func(i int, r rune) bool {
		if r == ' ' {
			at = i
		}
		shown += cells(r)
		return shown <= width
	})
	return at
}

// A Writer folds whole lines. What has no end yet waits for it.
type Writer struct {
	w     io.Writer
	width int
	line  []byte
}

// NewWriter returns a writer to w that folds at so many columns.
func NewWriter(w io.Writer, width int) *Writer { return &Writer{w: w, width: width} }

func (f *Writer) Write(p []byte) (int, error) {
	f.line = append(f.line, p...)
	end := bytes.LastIndexByte(f.line, '\n') + 1
	if end == 0 {
		return len(p), nil
	}
	text := Fold(string(f.line[:end]), f.width)
	f.line = append(f.line[:0], f.line[end:]...)
	_, err := io.WriteString(f.w, text)
	return len(p), err
}
