package systemtest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Report is what a test program said, as go tool test2json tells it.
type Report struct {
	Tests  []*Test // in the order of starting; a subtest after its parent
	Output string  // what no test said
	Result string  // of the whole: "pass", "fail", or "" when the program did not say
}

// Test is one test or subtest.
type Test struct {
	Name   string // TestA/sub
	Result string // "pass", "fail", "skip", or "" when it did not end
	Output string
}

// ParseReport reads the events of go tool test2json.
func ParseReport(events io.Reader) (*Report, error) {
	var r Report
	byName := make(map[string]*Test)
	for d := json.NewDecoder(events); ; {
		var e struct{ Action, Test, Output string }
		if err := d.Decode(&e); err == io.EOF {
			return &r, nil
		} else if err != nil {
			return nil, fmt.Errorf("test2json: %w", err)
		}
		test := byName[e.Test]
		if test == nil && e.Test != "" {
			test = &Test{Name: e.Test}
			byName[e.Test] = test
			r.Tests = append(r.Tests, test)
		}
		switch e.Action {
		case "output":
			if test != nil {
				test.Output += e.Output
			} else {
				r.Output += e.Output
			}
		case "pass", "fail", "skip":
			if test != nil {
				test.Result = e.Action
			} else {
				r.Result = e.Action
			}
		}
	}
}

// Top returns the tests that are no subtests.
func (r *Report) Top() []*Test {
	var top []*Test
	for _, t := range r.Tests {
		if !strings.Contains(t.Name, "/") {
			top = append(top, t)
		}
	}
	return top
}

// Below returns the subtests of t, at all depths.
func (r *Report) Below(t *Test) []*Test {
	var below []*Test
	for _, u := range r.Tests {
		if strings.HasPrefix(u.Name, t.Name+"/") {
			below = append(below, u)
		}
	}
	return below
}

// Problem says why a test is not a passed one, or "". A test that is skipped is
// a problem, because the machine is made for its tests.
func (t *Test) Problem() string {
	switch t.Result {
	case "pass":
		return ""
	case "fail":
		return "failed in the machine"
	case "skip":
		return "was skipped in the machine"
	}
	return "did not end in the machine"
}

// Problem says why the whole is no success although every single test may be,
// or "". status is the program's exit status.
func (r *Report) Problem(status int) string {
	switch {
	case len(r.Tests) == 0:
		return fmt.Sprintf("no test ran (exit status %d)", status)
	case status != 0:
		return fmt.Sprintf("the test program ended with status %d", status)
	case r.Result != "pass":
		return "the test program did not say PASS"
	}
	return ""
}
