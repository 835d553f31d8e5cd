package systemtest

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	const start = `{"Action":"start"}
{"Action":"run","Test":"TestA"}
{"Action":"output","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"run","Test":"TestA/sub"}
{"Action":"output","Test":"TestA/sub","Output":"said\n"}
`
	for _, tt := range []struct {
		name    string
		events  string
		status  int
		problem string   // of the whole
		tests   []string // name: problem
	}{
		{
			name: "all passed",
			events: start + `{"Action":"pass","Test":"TestA/sub"}
{"Action":"pass","Test":"TestA"}
{"Action":"output","Output":"PASS\n"}
{"Action":"pass"}`,
			tests: []string{"TestA: ", "TestA/sub: "},
		},
		{
			name: "a subtest failed",
			events: start + `{"Action":"fail","Test":"TestA/sub"}
{"Action":"fail","Test":"TestA"}
{"Action":"fail"}`,
			status:  1,
			problem: "the test program ended with status 1",
			tests:   []string{"TestA: failed in the machine", "TestA/sub: failed in the machine"},
		},
		{
			name: "a subtest was skipped",
			events: start + `{"Action":"skip","Test":"TestA/sub"}
{"Action":"pass","Test":"TestA"}
{"Action":"pass"}`,
			tests: []string{"TestA: ", "TestA/sub: was skipped in the machine"},
		},
		{
			name:    "the program exited in a test",
			events:  start,
			problem: "the test program did not say PASS",
			tests:   []string{"TestA: did not end in the machine", "TestA/sub: did not end in the machine"},
		},
		{
			name:    "no test matched",
			events:  `{"Action":"output","Output":"testing: warning: no tests to run\n"}` + "\n" + `{"Action":"pass"}`,
			problem: "no test ran (exit status 0)",
		},
		{
			name:    "nothing said",
			problem: "no test ran (exit status 0)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseReport(strings.NewReader(tt.events))
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Problem(tt.status); got != tt.problem {
				t.Errorf("problem %q, want %q", got, tt.problem)
			}
			var tests []string
			for _, top := range r.Top() {
				tests = append(tests, top.Name+": "+top.Problem())
				for _, sub := range r.Below(top) {
					tests = append(tests, sub.Name+": "+sub.Problem())
				}
			}
			if got, want := strings.Join(tests, "\n"), strings.Join(tt.tests, "\n"); got != want {
				t.Errorf("tests\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestReportRejectsWhatIsNoEvent(t *testing.T) {
	if r, err := ParseReport(strings.NewReader("PASS\n")); err == nil {
		t.Errorf("got %+v", r)
	}
}
