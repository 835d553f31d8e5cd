package main

import (
	"errors"
	"slices"
	"testing"
)

func TestFuzzTargetsIn(t *testing.T) {
	const source = `package p

import "testing"

func FuzzFirst(f *testing.F)     {}
func Fuzz(f *testing.F)          {}
func Fuzz_underscore(f *testing.F) {}
func Fuzzy(f *testing.F)         {}
func FuzzOfATest(t *testing.T)   {}
func FuzzOfTwo(f *testing.F, n int) {}
func FuzzValue(f testing.F)      {}
func TestFuzz(t *testing.T)      {}
func (x thing) FuzzMethod(f *testing.F) {}
`
	got, err := fuzzTargetsIn("p_test.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"FuzzFirst", "Fuzz", "Fuzz_underscore"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, err := fuzzTargetsIn("p_test.go", []byte("package")); err == nil {
		t.Errorf("a broken file has %q", got)
	}
}

func TestOutOfTime(t *testing.T) {
	failed := errors.New("exit status 1")
	const stumbled = "fuzz: elapsed: 3s, execs: 40304 (0/sec)\n--- FAIL: FuzzX (3.20s)\n    context deadline exceeded\nFAIL\n"
	for _, tt := range []struct {
		name   string
		err    error
		output string
		want   bool
	}{
		{"passed", nil, "fuzz: elapsed: 3s\nPASS\n", false},
		{"time over, nothing found", failed, stumbled, true},
		{"a finding that says the same", failed, stumbled + "\n    Failing input written to testdata/fuzz/FuzzX/12\n", false},
		{"a finding", failed, "--- FAIL: FuzzX (0.1s)\n    Failing input written to testdata/fuzz/FuzzX/12\n", false},
		{"a target that says it among other words", failed, "--- FAIL: FuzzX\n    x_test.go:3: got context deadline exceeded, want nil\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := outOfTime(tt.err, []byte(tt.output)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
