package main

import (
	"cmp"
	"io"
	"strings"

	"github.com/gofido/fido/examples/internal/layout"
	"github.com/spf13/cobra"
)

// helpWidth is how wide the help is at most.
const helpWidth = 80

// help prints what --help of a command tells, as wide as the terminal has room for.
func (a *app) help(c *cobra.Command, _ []string) {
	text := layout.Unwrap(strings.TrimSpace(cmp.Or(c.Long, c.Short))) + "\n\n" + c.UsageString()
	io.WriteString(a.out, layout.Fold(text, min(helpWidth, width(a.out))))
}
