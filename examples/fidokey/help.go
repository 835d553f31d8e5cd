package main

import (
	"cmp"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// helpWidth is how wide the help is at most.
const helpWidth = 80

// help prints what --help of a command tells, as wide as the terminal has room for.
func (a *app) help(c *cobra.Command, _ []string) {
	text := reflow(strings.TrimSpace(cmp.Or(c.Long, c.Short))) + "\n\n" + c.UsageString()
	io.WriteString(a.out, fold(text, min(helpWidth, width(a.out))))
}

// reflow makes each paragraph one line. What is indented stays as it is.
func reflow(text string) string {
	var out strings.Builder
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		out.WriteString(line)
		if i == len(lines)-1 {
			break
		}
		if ofParagraph(line) && !strings.HasSuffix(line, ":") && ofParagraph(lines[i+1]) {
			out.WriteByte(' ')
		} else {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// ofParagraph reports whether a line is one of a paragraph.
func ofParagraph(line string) bool {
	return line != "" && line[0] != ' ' && line[0] != '\t'
}
