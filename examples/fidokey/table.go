package main

import (
	"fmt"
	"strings"
)

// A table has rows whose columns begin at the same place in each.
type table [][]string

func (t *table) add(cells ...string) { *t = append(*t, cells) }

// lines are the rows as they are shown. The last cell of a row has all the room that
// is left, and makes no column wider.
func (t table) lines() []string {
	var widths []int
	for _, row := range t {
		for i, cell := range row[:len(row)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], shownWidth(cell))
		}
	}
	lines := make([]string, len(t))
	for i, row := range t {
		var line strings.Builder
		last := len(row) - 1
		for k, cell := range row[:last] {
			line.WriteString(cell + strings.Repeat(" ", widths[k]-shownWidth(cell)+2))
		}
		lines[i] = strings.TrimRight(line.String()+row[last], " ")
	}
	return lines
}

// printTable prints a table, with indent before each line.
func (a *app) printTable(t table, indent string) {
	for _, line := range t.lines() {
		fmt.Fprintln(a.folded(a.out), indent+line)
	}
}
