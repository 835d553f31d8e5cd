package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// tally counts what go test -json tells, and keeps what was said by those that
// failed.
type tally struct {
	packages  int // that passed and have tests
	without   int // without tests
	tests     int // that passed, subtests included
	skipped   []string
	skippings []skipping
	failed    []string // packages and tests, in the order of their ends
	broken    error    // why the events could not be read

	output map[string][]string // by package, and by package and test, until it has passed
	said   []string            // by those that failed, and by no package
}

func newTally() *tally { return &tally{output: make(map[string][]string)} }

// testEvent is what the documentation of cmd/test2json and "go help buildjson"
// describe.
type testEvent struct {
	Action, Package, ImportPath, Test, Output string
}

// read counts all events.
func (t *tally) read(events io.Reader) error {
	d := json.NewDecoder(events)
	for {
		var e testEvent
		if err := d.Decode(&e); err == io.EOF {
			return nil
		} else if err != nil {
			t.broken = fmt.Errorf("go test -json: %w", err)
			return t.broken
		}
		t.add(e)
	}
}

func (t *tally) add(e testEvent) {
	key := strings.TrimSpace(e.Package + " " + e.Test)
	switch e.Action {
	case "build-output":
		t.said = append(t.said, e.Output) // only a build that fails or warns says something
	case "output":
		t.output[key] = append(t.output[key], e.Output)
	case "fail":
		t.failed = append(t.failed, key)
		t.said = append(t.said, t.output[key]...)
		delete(t.output, key)
	case "pass":
		if e.Test != "" {
			t.tests++
		} else {
			t.packages++
		}
		delete(t.output, key)
	case "skip":
		if top, _, sub := strings.Cut(e.Test, "/"); sub {
			t.skipSubtest(e.Package + " " + top)
		} else if e.Test != "" {
			t.skipped = append(t.skipped, key+": "+reason(t.output[key]))
		} else {
			t.without++
		}
		delete(t.output, key)
	}
}

// A skipping is a test some of whose subtests were skipped. The conformance suite
// does so by the hundred; its tests demand the exact list.
type skipping struct {
	test string
	n    int
}

func (t *tally) skipSubtest(test string) {
	i := slices.IndexFunc(t.skippings, func(s skipping) bool { return s.test == test })
	if i < 0 {
		i = len(t.skippings)
		t.skippings = append(t.skippings, skipping{test: test})
	}
	t.skippings[i].n++
}

// reason finds in a skipped test's output what it gave to Skip.
func reason(output []string) string {
	output = slices.DeleteFunc(slices.Clone(output), func(line string) bool {
		line = strings.TrimSpace(line)
		return line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ")
	})
	if len(output) == 0 {
		return "no reason given"
	}
	return strings.TrimSpace(output[len(output)-1])
}

// printFailures writes what those that failed said, and those that never
// ended, such as the test that was running when its program crashed.
func (t *tally) printFailures(w io.Writer) {
	for _, line := range t.said {
		io.WriteString(w, line)
	}
	if len(t.failed) == 0 {
		return
	}
	for key, lines := range t.output {
		fmt.Fprintf(w, "%s did not end:\n%s", key, strings.Join(lines, ""))
	}
}

// String is the one line about everything.
func (t *tally) String() string {
	line := fmt.Sprintf("%s in %s", plural(t.tests, "test"), plural(t.packages, "package"))
	if t.without > 0 {
		line += fmt.Sprintf(", %d without tests", t.without)
	}
	if len(t.failed) > 0 {
		line += ", FAILED: " + some(t.failed)
	}
	if len(t.skipped) > 0 {
		line += ", skipped: " + strings.Join(t.skipped, ", ") // never shortened
	}
	for _, k := range t.skippings {
		line += fmt.Sprintf(", skipped within %s: %s (go test -v gives the reasons)", k.test, plural(k.n, "subtest"))
	}
	return line
}

// some joins names, but not so many that nobody reads them.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// plural returns "1 thing" or "2 things".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
