package main

import (
	"os"
	"testing"

	"github.com/gofido/fido/examples/internal/labels"
)

// asProgram is the environment variable that makes the test program fidokey
// itself.
const asProgram = "FIDOKEY_AS_PROGRAM"

// noLabels is a file of labels that is not there.
const noLabels = "/nonexistent/labels.json"

// runTests runs them; in the virtual machine it is another.
var runTests = func(m *testing.M) { os.Exit(m.Run()) }

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Setenv(labels.Variable, noLabels) // not those of whoever runs the tests
	runTests(m)
}
