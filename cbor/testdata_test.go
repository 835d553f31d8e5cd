package cbor_test

import (
	"os"
	"strings"
	"testing"
)

// getInfo returns a getInfo reply as long and as nested as they come.
func getInfo(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/getinfo.txt")
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.TrimSpace(line))
		}
	}
	return unhex(t, digits.String())
}
