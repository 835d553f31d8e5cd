//go:build linux

package vm

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Modules for the devices that tests make.
var (
	// ModulesUHID are for devices made on /dev/uhid.
	ModulesUHID = []string{"uhid", "hid-generic"}

	// ModulesGadget are for USB devices made with internal/vm/gadget, on the
	// controller that the kernel simulates.
	ModulesGadget = []string{"usbhid", "hid-generic", "dummy_hcd", "usb_f_hid"}
)

// module is a kernel module in the order of loading.
type module struct {
	name       string // of the file
	contents   []byte
	parameters string
}

// modules returns the named modules and all that they depend on, each after
// its dependencies. A name may be followed by parameters ("dummy_hcd num=2").
// What is built into the kernel is left out.
func (k *Kernel) modules(ctx context.Context, names []string) ([]module, error) {
	builtin, err := k.builtin()
	if err != nil {
		return nil, err
	}
	var order []module
	seen := make(map[string]bool)
	var add func(name, parameters string) error
	add = func(name, parameters string) error {
		key := strings.ReplaceAll(name, "-", "_")
		if seen[key] || builtin[key] {
			return nil
		}
		seen[key] = true
		file, contents, err := k.module(ctx, name)
		if err != nil {
			return err
		}
		dependencies, err := moduleDependencies(contents)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, d := range dependencies {
			if err := add(d, ""); err != nil {
				return err
			}
		}
		order = append(order, module{name: file, contents: contents, parameters: parameters})
		return nil
	}
	for _, n := range names {
		name, parameters, _ := strings.Cut(n, " ")
		if err := add(name, parameters); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// builtin returns the names of the modules that the kernel has already.
func (k *Kernel) builtin() (map[string]bool, error) {
	list, err := os.ReadFile(filepath.Join(k.dir, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	for p := range strings.FieldsSeq(string(list)) {
		names[strings.ReplaceAll(strings.TrimSuffix(path.Base(p), ".ko"), "-", "_")] = true
	}
	return names, nil
}

// module reads one module. The kernel takes - and _ in names for the same.
func (k *Kernel) module(ctx context.Context, name string) (file string, contents []byte, err error) {
	under := strings.ReplaceAll(name, "-", "_")
	for _, base := range []string{name, under, strings.ReplaceAll(under, "_", "-")} {
		contents, err := os.ReadFile(filepath.Join(k.dir, "modules", base+".ko"))
		if err == nil {
			return base + ".ko", contents, nil
		}
		if packed, err := os.ReadFile(filepath.Join(k.dir, "modules", base+".ko.xz")); err == nil {
			contents, err := unxz(ctx, packed)
			return base + ".ko", contents, err
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", nil, err
		}
	}
	return "", nil, fmt.Errorf("kernel %s has no module %s (package vm keeps no modules of %s)", k.Version, name, strings.Join(notNeeded, ", "))
}

// moduleDependencies returns the names that a module says it depends on: the
// entry "depends" of its section .modinfo, which is a list of NUL-ended
// name=value strings.
func moduleDependencies(contents []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(contents))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, errors.New("not a kernel module: no .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for entry := range bytes.SplitSeq(info, []byte{0}) {
		if list, ok := bytes.CutPrefix(entry, []byte("depends=")); ok {
			return strings.FieldsFunc(string(list), func(r rune) bool { return r == ',' }), nil
		}
	}
	return nil, nil
}
