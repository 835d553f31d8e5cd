package main

import (
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events string
		line   string
		log    string
	}{
		{
			name: "passed",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"said\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"pass","Package":"p"}
{"Action":"skip","Package":"empty"}`,
			line: "1 test in 1 package, 1 without tests",
		},
		{
			name: "failed",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"not shown\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"fail","Package":"p"}`,
			line: "1 test in 0 packages, FAILED: p TestB, p",
			log:  "why\nFAIL\n",
		},
		{
			name: "skipped",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: no IPv6\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			line: "0 tests in 1 package, skipped: p TestA: a_test.go:3: no IPv6",
		},
		{
			name: "skipped subtests",
			events: `{"Action":"skip","Package":"p","Test":"TestA/x"}
{"Action":"skip","Package":"p","Test":"TestA/y/z"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			line: "1 test in 1 package, skipped within p TestA: 2 subtests (go test -v gives the reasons)",
		},
		{
			name: "not built",
			events: `{"Action":"build-output","ImportPath":"p","Output":"p.go:1: undefined: x\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`,
			line: "0 tests in 0 packages, FAILED: p",
			log:  "p.go:1: undefined: x\n",
		},
		{
			name: "crashed",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"fatal error\n"}
{"Action":"fail","Package":"p"}`,
			line: "0 tests in 0 packages, FAILED: p",
			log:  "p TestA did not end:\nfatal error\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newTally()
			if err := got.read(strings.NewReader(tt.events)); err != nil {
				t.Fatal(err)
			}
			if got.String() != tt.line {
				t.Errorf("line %q, want %q", got, tt.line)
			}
			var log strings.Builder
			got.printFailures(&log)
			if log.String() != tt.log {
				t.Errorf("log %q, want %q", log.String(), tt.log)
			}
		})
	}
	if err := newTally().read(strings.NewReader("PASS\n")); err == nil {
		t.Error("what is no event is read")
	}
}
