//go:build system && linux

package systemtest

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gofido/fido/internal/vm"
)

var guestRun = flag.String("guest.run", "", "run only the guest's tests that match the `regexp`")

var kernel = sync.OnceValues(func() (*vm.Kernel, error) {
	// Not a test's context: the kernel outlives the test that asks first.
	return vm.Prepare(context.Background())
})

// TestGuest runs each package of guest tests in its machine.
func TestGuest(t *testing.T) {
	for _, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			k, err := kernel()
			if err != nil {
				t.Fatal(err)
			}
			root, err := m.root()
			if err != nil {
				t.Fatal(err)
			}
			runGuest(t, m.pkg, m.tags, cmp.Or(*guestRun, m.run), &vm.Machine{
				Kernel: k, Root: root, Modules: m.modules, Memory: m.memory, Timeout: m.timeout,
			}, m.skips...)
		})
	}
}

// TestEveryGuestPackageHasAMachine keeps a new package from being forgotten.
func TestEveryGuestPackageHasAMachine(t *testing.T) {
	dirs, err := os.ReadDir("guest")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, m := range machines {
		known[m.pkg] = true
	}
	for _, d := range dirs {
		if d.IsDir() && !known[guests+d.Name()] {
			t.Errorf("guest/%s is in no line of machines_test.go", d.Name())
		}
	}
}

// runGuest runs the tests of a package that match the pattern in the machine and
// repeats each as a subtest of t. Those in skips, and no others, must be skipped.
func runGuest(t *testing.T, pkg string, tags []string, pattern string, m *vm.Machine, skips ...string) {
	t.Helper()
	binary, err := vm.BuildTest(t.Context(), t.TempDir(), pkg, tags...)
	if err != nil {
		t.Fatal(err)
	}
	program := "/bin/" + path.Base(binary)
	m.Root = m.Root.Clone()
	if err := m.Root.AddFile(binary, program); err != nil {
		t.Fatal(err)
	}
	result, err := m.Run(t.Context(), program, "-test.v=test2json", "-test.run="+pattern)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the machine ran for %v", result.Duration)
	report, err := parseOutput(t, result.Output)
	if err != nil {
		t.Fatalf("%v\n%s", err, result.Output)
	}
	replay(t, report, skips)
	if problem := report.Problem(result.Status); problem != "" {
		t.Errorf("%s\nBeside its tests it said:\n%s\nThe console:\n%s", problem, report.Output, result.Console)
	}
}

// parseOutput passes a test program's output through the go command's own
// reader of it.
func parseOutput(t *testing.T, output []byte) (*Report, error) {
	var events, stderr bytes.Buffer
	convert := exec.CommandContext(t.Context(), "go", "tool", "test2json")
	convert.Stdin, convert.Stdout, convert.Stderr = bytes.NewReader(output), &events, &stderr
	if err := convert.Run(); err != nil {
		t.Log(stderr.String())
		return nil, err
	}
	return ParseReport(&events)
}

func replay(t *testing.T, report *Report, skips []string) {
	for _, top := range report.Top() {
		t.Run(top.Name, func(t *testing.T) {
			replayOne(t, top, skips)
			for _, sub := range report.Below(top) {
				t.Run(strings.TrimPrefix(sub.Name, top.Name+"/"), func(t *testing.T) { replayOne(t, sub, skips) })
			}
		})
	}
}

func replayOne(t *testing.T, test *Test, skips []string) {
	io.WriteString(t.Output(), test.Output)
	switch skip := slices.Contains(skips, test.Name); {
	case skip && test.Result == "pass":
		t.Error("ran in the machine, and should have been skipped")
	case skip && test.Result == "skip":
	case test.Problem() != "":
		t.Error(test.Problem())
	}
}
