package layout

import (
	"strings"
)

// A Table has rows whose columns begin at the same place in each.
type Table [][]string

// Add adds a row.
func (t *Table) Add(cells ...string) { *t = append(*t, cells) }

// Lines are the rows as they are shown. The last cell of a row has all the room that
// is left, and makes no column wider.
func (t Table) Lines() []string {
	var widths []int
	for _, row := range t {
		for i, cell := range row[:len(row)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(cell))
		}
	}
	lines := make([]string, len(t))
	for i, row := range t {
		var line strings.Builder
		last := len(row) - 1
		for k, cell := range row[:last] {
			line.WriteString(cell + strings.Repeat(" ", widths[k]-Width(cell)+2))
		}
		lines[i] = strings.TrimRight(line.String()+row[last], " ")
	}
	return lines
}
