package main

import (
	"os"
	"strings"
	"testing"
)

// The README shows this program, word for word.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(source), "\npackage main")
	if !strings.Contains(string(readme), "```go\npackage main"+program+"```\n") {
		t.Error("the README does not contain the program as it is")
	}
}
