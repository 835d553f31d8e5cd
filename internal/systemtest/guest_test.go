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
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gofido/fido/internal/vm"
)

var guestRun = flag.String("guest.run", "", "run only the guest's tests that match the `regexp`")

var guestUpdate = flag.Bool("guest.update", false, "write the screens that fidokey shows in the machine")

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
			args := []string{"-test.run=" + cmp.Or(*guestRun, m.run)}
			if *guestUpdate && m.name == "screens" {
				args = append(args, "-update")
			}
			runGuest(t, m.pkg, m.tags, args, &vm.Machine{
				Kernel: k, Root: root, Modules: m.modules, Memory: m.memory,
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

// runGuest runs the tests of a package in the machine, as args say, and repeats
// each as a subtest of t. Those in skips, and no others, must be skipped.
func runGuest(t *testing.T, pkg string, tags, args []string, m *vm.Machine, skips ...string) {
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
	result, err := m.Run(t.Context(), append([]string{program, "-test.v=test2json"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	writeScreens(t, result.Output)
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

// aScreen is what fidokey's tests say with -update: the name and the contents of a
// file.
var aScreen = regexp.MustCompile(`(?m)^screen (\S+) (".*")$`)

// writeScreens writes, or removes, the files of the screens in a guest's output.
func writeScreens(t *testing.T, output []byte) {
	for _, m := range aScreen.FindAllSubmatch(output, -1) {
		file := filepath.Join("../../examples/fidokey/testdata/screens", filepath.Base(string(m[1])))
		screen, err := strconv.Unquote(string(m[2]))
		if err == nil && screen != "" {
			err = os.WriteFile(file, []byte(screen), 0o644)
		} else if err == nil {
			os.Remove(file) // there is one only if it had to be different before
		}
		if err != nil {
			t.Error(err)
		}
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
