package main

import (
	"fmt"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/nfc"
)

// A tracer shows messages and reports or APDUs, the way they nest: a message, and
// what carries it.
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

// apdu shows what an APDU means, then its bytes.
func (t *tracer) apdu(e nfc.TraceEvent) {
	fmt.Fprintf(t.err, "    %s\n", e)
	fmt.Fprintln(t.err, t.paint(t.err, dim, fmt.Sprintf("        %x", e.APDU)))
}
