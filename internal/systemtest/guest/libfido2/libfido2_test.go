//go:build guest

// Package libfido2 tests against the tools of libfido2, as Debian packages
// them.
package libfido2

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/gofido/fido/internal/systemtest/guest"
)

func TestMain(m *testing.M) { guest.Main(m) }

func TestToolsStart(t *testing.T) {
	for _, tt := range []struct {
		name   string
		argv   []string
		status int
		says   string
	}{
		{"token", []string{"fido2-token", "-V"}, 0, "1."},
		{"cred", []string{"fido2-cred"}, 1, "usage: fido2-cred"},
		{"assert", []string{"fido2-assert"}, 1, "usage: fido2-assert"},
		{"list without a key", []string{"fido2-token", "-L"}, 0, ""},
		{"shell", []string{"sh", "-c", "echo from busybox"}, 0, "from busybox"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.CommandContext(guest.Context(t), tt.argv[0], tt.argv[1:]...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != tt.status || !strings.Contains(string(out), tt.says) {
				t.Errorf("exit status %d, want %d; output %q, want one with %q", got, tt.status, out, tt.says)
			}
		})
	}
}
