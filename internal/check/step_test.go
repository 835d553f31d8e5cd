package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	all := []step{{name: "a"}, {name: "b"}, {name: "c"}}
	for _, tt := range []struct{ name, only, want, err string }{
		{"all", "", "abc", ""},
		{"in their own order", "c,a", "ac", ""},
		{"unknown", "b,x,y", "", "no step x, y; -list shows them"},
		{"twice", "b,b", "", "no step b; -list shows them"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			chosen, err := choose(all, tt.only)
			got, problem := "", ""
			for _, s := range chosen {
				got += s.name
			}
			if err != nil {
				problem = err.Error()
			}
			if got != tt.want || problem != tt.err {
				t.Errorf("got %q and %q, want %q and %q", got, problem, tt.want, tt.err)
			}
		})
	}
}

func TestRunSteps(t *testing.T) {
	passes := step{name: "passes", run: func(_ context.Context, j *job) (string, error) {
		fmt.Fprintln(j.log, "quiet words")
		return "three things", nil
	}}
	fails := step{name: "fails", run: func(_ context.Context, j *job) (string, error) {
		fmt.Fprintln(j.log, "loud words")
		return "", errors.New("it is broken\nbadly")
	}}
	for _, tt := range []struct {
		name   string
		steps  []step
		passed bool
		says   []string
		last   string
	}{
		{"all pass", []step{passes, passes}, true, []string{"three things"}, "2 passed, 0 failed"},
		{"one fails and the next still runs", []step{fails, passes}, false, []string{"loud words", "badly", "three things"}, "1 passed, 1 failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if passed := runSteps(t.Context(), config{}, tt.steps, &out, false); passed != tt.passed {
				t.Errorf("passed is %v, want %v", passed, tt.passed)
			}
			for _, s := range tt.says {
				if !strings.Contains(out.String(), s) {
					t.Errorf("the output lacks %q:\n%s", s, out.String())
				}
			}
			if strings.Contains(out.String(), "quiet words") {
				t.Errorf("a passed step's words are shown:\n%s", out.String())
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if last := lines[len(lines)-1]; last != tt.last {
				t.Errorf("the last line is %q, want %q", last, tt.last)
			}
		})
	}
}

func TestRunStepsEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := step{name: "interrupted", run: func(context.Context, *job) (string, error) {
		cancel()
		return "fine", nil
	}}
	later := step{name: "later", run: func(context.Context, *job) (string, error) {
		t.Error("a step runs after the end")
		return "", nil
	}}
	var out strings.Builder
	if runSteps(ctx, config{}, []step{interrupted, later}, &out, false) {
		t.Error("an interrupted check has passed")
	}
}
