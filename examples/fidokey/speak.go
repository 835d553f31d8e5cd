package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// tell says to a person what was done. Programs (--json) and people who want
// silence (--quiet) are told by the exit code.
func (a *app) tell(format string, args ...any) {
	if !a.json && !a.quiet {
		fmt.Fprintf(a.folded(a.out), format+"\n", args...)
	}
}

// hint says what to do now, or what is going on. It is no part of the result.
func (a *app) hint(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.folded(a.err), format+"\n", args...)
	}
}

// urge says what the user has to do with the key now, without which nothing goes
// on: --quiet does not silence it.
func (a *app) urge(text string) {
	a.urged.Store(true)
	fmt.Fprintln(a.folded(a.err), a.paint(a.err, bold, text))
}

// result prints what a command has found: v with --json, and otherwise what
// words prints. That standard output fails is for [output] to remember.
func (a *app) result(v any, words func()) error {
	if a.json {
		return a.printJSON(v)
	}
	words()
	return nil
}

func (a *app) printJSON(v any) error {
	a.answered = true
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(a.out, printable(b.String()))
	return err
}

// printable escapes in JSON what package json leaves as it is and a terminal obeys or
// hides: C1 controls, and the marks that turn the direction of text. A program reads
// the same.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// A progress is a line that tells how far long work has come. On a terminal each
// text takes the place of the one before; elsewhere each is a line.
type progress struct {
	*app
	shown bool
}

func (p *progress) show(format string, args ...any) {
	switch {
	case p.quiet:
	case rewritable(p.err):
		fmt.Fprintf(p.err, "\r\x1b[K"+format, args...)
		p.shown = true
	default:
		fmt.Fprintf(p.err, format+"\n", args...)
	}
}

// end leaves the last text where it is and goes to the next line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprintln(p.err)
		p.shown = false
	}
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.err, "\r\x1b[K")
		p.shown = false
	}
}

// sentence makes an error's text the beginning of one.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// base64URL is how WebAuthn's JSON writes bytes.
func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
