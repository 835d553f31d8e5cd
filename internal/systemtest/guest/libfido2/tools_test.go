//go:build guest

package libfido2

import (
	"bytes"
	"encoding/base64"
	"os/exec"
	"strings"
	"testing"

	"github.com/gofido/fido/internal/systemtest/guest"
)

// run runs a tool and returns its lines. Without a terminal, which the machine
// does not have, the tools read PINs from standard input.
func run(t *testing.T, stdin string, argv ...string) []string {
	t.Helper()
	out, said, err := try(t, stdin, argv...)
	if err != nil {
		t.Fatalf("%q: %v: %s", argv, err, said)
	}
	return out
}

// try is run for a tool that may fail.
func try(t *testing.T, stdin string, argv ...string) (lines []string, said string, err error) {
	t.Helper()
	cmd := exec.CommandContext(guest.Context(t), argv[0], argv[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err = cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n"), stderr.String(), err
}

func blob(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func unblob(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
