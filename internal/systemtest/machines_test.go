//go:build system && linux

package systemtest

import (
	"slices"
	"time"

	"github.com/gofido/fido/internal/vm"
)

const guests = "github.com/gofido/fido/internal/systemtest/guest/"

// machines lists the packages whose tests run in a virtual machine, and the
// machine that each gets.
var machines = []struct {
	name    string
	pkg     string
	tags    []string
	root    func() (*vm.Root, error)
	modules []string
	memory  int           // MiB; 0 is 512
	timeout time.Duration // 0 is two minutes
}{
	{
		name:    "hid",
		pkg:     guests + "hid",
		tags:    []string{"guest"},
		root:    ShellRoot,
		modules: twoGadgetsAndUHID,
	},
	{
		name:    "libfido2",
		pkg:     guests + "libfido2",
		tags:    []string{"guest"},
		root:    FIDO2Root,
		modules: twoGadgetsAndUHID,
	},
	{
		name:    "python",
		pkg:     guests + "python",
		tags:    []string{"guest"},
		root:    PythonRoot,
		modules: twoGadgetsAndUHID,
	},
}

// twoGadgetsAndUHID allows two USB keys at once. The controllers come first,
// so that no other module brings dummy_hcd along without its parameter.
var twoGadgetsAndUHID = slices.Concat([]string{"dummy_hcd num=2"}, vm.ModulesGadget, vm.ModulesUHID)
