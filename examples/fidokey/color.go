package main

import (
	"io"
	"os"
)

const (
	bold  = "\x1b[1m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	dim   = "\x1b[2m"
)

// paint puts text in a colour if w is a terminal, or as --color says.
func (a *app) paint(w io.Writer, colour, text string) string {
	if !a.colored(w) {
		return text
	}
	return colour + text + "\x1b[0m"
}

func (a *app) colored(w io.Writer) bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}
