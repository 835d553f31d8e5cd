package main

import (
	"os"
	"testing"
)

// asProgram is the environment variable that makes the test program fidokey
// itself.
const asProgram = "FIDOKEY_AS_PROGRAM"

// runTests runs them; in the virtual machine it is another.
var runTests = func(m *testing.M) { os.Exit(m.Run()) }

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	runTests(m)
}
