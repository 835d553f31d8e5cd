//go:build system && linux

package systemtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gofido/fido/internal/vm"
)

// TestHIDAPI runs the tests of package hidapi in a machine. It stands apart
// from TestGuest because their program needs cgo and shared libraries. Packages
// gcc and libudev-dev.
func TestHIDAPI(t *testing.T) {
	t.Parallel()
	k, err := kernel()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "hidapi.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, "-trimpath", "-buildvcs=false",
		"-tags", "guest,hidapi", "github.com/gofido/fido/ctaphid/hidapi")
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("packages gcc and libudev-dev: %v\n%s", err, out)
	}
	root := vm.NewRoot()
	if err := root.AddFile(program, "/bin/hidapi.test"); err != nil {
		t.Fatal(err)
	}
	m := &vm.Machine{Kernel: k, Root: root, Modules: vm.ModulesUHID}
	result, err := m.Run(t.Context(), "/bin/hidapi.test", "-test.v=test2json", "-test.run="+*guestRun)
	if err != nil {
		t.Fatal(err)
	}
	report, err := parseOutput(t, result.Output)
	if err != nil {
		t.Fatalf("%v\n%s", err, result.Output)
	}
	replay(t, report, nil)
	if problem := report.Problem(result.Status); problem != "" {
		t.Errorf("%s\nBeside its tests it said:\n%s\nThe console:\n%s", problem, report.Output, result.Console)
	}
}
