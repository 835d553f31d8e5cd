//go:build system && linux

package systemtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/internal/vm"
)

// shell runs a shell command in a machine with nothing but busybox.
func shell(t *testing.T, ctx context.Context, m vm.Machine, script string) (*vm.Result, error) {
	t.Helper()
	k, err := kernel()
	if err != nil {
		t.Fatal(err)
	}
	m.Kernel = k
	if m.Root, err = ShellRoot(); err != nil {
		t.Fatal(err)
	}
	return m.Run(ctx, "/bin/sh", "-c", script)
}

// TestMachine checks that no end of a program or a machine can be taken for
// another.
func TestMachine(t *testing.T) {
	for _, tt := range []struct {
		name    string
		machine vm.Machine
		script  string
		output  string
		status  int
		err     string // what the error says; "" for none
	}{
		{name: "success", script: "uname -s; echo $GOFIDO_VM >&2", output: "Linux\n1\n"},
		{name: "output byte for byte", script: `printf 'a\r\n\001\026\377'`, output: "a\r\n\x01\x16\xff"},
		{name: "failure", script: "echo said; exit 3", output: "said\n", status: 3},
		{name: "environment", machine: vm.Machine{Environment: []string{"X=y z"}}, script: `echo "$X"`, output: "y z\n"},
		{name: "killed by a signal", script: "echo said; kill -9 $$", err: "was killed: killed"},
		{name: "status that can't be told", script: "exit 200", err: "ended with status 200"},
		{name: "kernel panic", script: "echo c > /proc/sysrq-trigger", err: "the machine died without a status"},
		{name: "no end", machine: vm.Machine{Timeout: 8 * time.Second}, script: "echo said; sleep 1000", err: "not done after 8s"},
		{name: "no such module", machine: vm.Machine{Modules: []string{"nonesuch"}}, err: "has no module nonesuch"},
		{name: "module refuses", machine: vm.Machine{Modules: []string{"dummy_hcd num=1000"}}, err: "load /vm/modules/dummy_hcd.ko"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			result, err := shell(t, t.Context(), tt.machine, tt.script)
			switch {
			case tt.err == "" && err != nil:
				t.Fatal(err)
			case tt.err == "" && (string(result.Output) != tt.output || result.Status != tt.status):
				t.Errorf("output %q and status %d, want %q and %d", result.Output, result.Status, tt.output, tt.status)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got %v and %v, want an error with %q", result, err, tt.err)
			}
		})
	}
}

func TestMachineEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	changed := errors.New("changed my mind")
	time.AfterFunc(time.Second, func() { cancel(changed) }) // any time in the life of the machine
	if result, err := shell(t, ctx, vm.Machine{}, "sleep 1000"); !errors.Is(err, changed) {
		t.Errorf("got %v and %v, want the context's cause", result, err)
	}
}
