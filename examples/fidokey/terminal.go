package main

import (
	"fmt"
	"io"
	"os"

	"github.com/gofido/fido/examples/internal/layout"
	"golang.org/x/term"
)

// isTerminal reports whether a person sits at the other end of a stream.
func isTerminal(stream any) bool {
	f, ok := streamOf(stream).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// rewritable reports whether a line on a stream can be written over.
func rewritable(stream any) bool { return isTerminal(stream) && os.Getenv("TERM") != "dumb" }

// width is how many columns the terminal at the other end of standard error has.
func (a *app) width() int { return width(a.err) }

// width is how many columns the terminal at the other end of a stream has.
func width(stream any) int {
	if f, ok := streamOf(stream).(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return 80
}

// folded returns a writer of lines that a terminal is to show, which it folds. For
// what is no terminal it is w itself: programs get each line whole.
func (a *app) folded(w io.Writer) io.Writer {
	if !isTerminal(w) {
		return w
	}
	return layout.NewWriter(w, width(w))
}

// fit is text as it is written to w at once, such as a question.
func (a *app) fit(w io.Writer, text string) string {
	if !isTerminal(w) {
		return text
	}
	return layout.Fold(text, width(w))
}

// textWidth is how many characters of running text are on a line.
const textWidth = 78

// fill folds a text that is long wherever it goes.
func (a *app) fill(text string) string { return layout.Fold(text, min(textWidth, a.width())) }

// printTable prints a table, with indent before each line.
func (a *app) printTable(t layout.Table, indent string) {
	for _, line := range t.Lines() {
		fmt.Fprintln(a.folded(a.out), indent+line)
	}
}
