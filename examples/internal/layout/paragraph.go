package layout

import "strings"

// Unwrap makes each paragraph one line. What is indented stays as it is.
func Unwrap(text string) string {
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
