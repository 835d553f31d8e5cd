//go:build system && linux

package systemtest

import (
	"testing"

	"github.com/gofido/fido/internal/vm"
)

// TestUdev runs the tests of package hidraw in a machine with systemd's udevd.
// Package udev.
func TestUdev(t *testing.T) {
	t.Parallel()
	k, err := kernel()
	if err != nil {
		t.Fatal(err)
	}
	root, err := ShellRoot()
	if err != nil {
		t.Fatal(err)
	}
	if err := root.AddFile("/usr/bin/udevadm", "/usr/lib/systemd/systemd-udevd"); err != nil {
		t.Fatalf("package udev: %v", err)
	}
	root.AddData("/usr/lib/udev/rules.d/60-key.rules", []byte(`SUBSYSTEM=="hidraw", MODE="0666"`+"\n"), 0o644)
	runGuest(t, "github.com/gofido/fido/ctaphid/hidraw", []string{"guest"}, []string{"-test.run=" + *guestRun}, &vm.Machine{Kernel: k, Root: root, Modules: vm.ModulesUHID})
}
