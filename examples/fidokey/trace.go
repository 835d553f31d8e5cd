package main

import (
	"fmt"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
)

// A tracer shows messages and reports, the way they nest: a message, and the
// reports that carry it.
type tracer struct{ *app }

func (t *tracer) message(e ctap2.TraceEvent) {
	fmt.Fprintln(t.err, t.paint(t.err, green, e.String()))
}

// report shows what a report means, then its bytes without the padding.
func (t *tracer) report(e ctaphid.TraceEvent) {
	report := e.Report
	end := len(report)
	for end > 7 && report[end-1] == 0 {
		end--
	}
	fmt.Fprintf(t.err, "    %s\n", e)
	fmt.Fprintln(t.err, t.paint(t.err, dim, fmt.Sprintf("        %x", report[:end])))
}
