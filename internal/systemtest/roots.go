//go:build linux

package systemtest

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofido/fido/internal/vm"
)

// ShellRoot returns a root with busybox, for its shell and the usual small
// programs. Package busybox-static.
func ShellRoot() (*vm.Root, error) {
	root := vm.NewRoot()
	if err := root.AddFile("/bin/busybox", "/bin/busybox"); err != nil {
		return nil, fmt.Errorf("package busybox-static: %w", err)
	}
	for _, name := range []string{
		"base64", "cat", "cp", "dd", "dmesg", "echo", "env", "grep", "head", "hexdump", "kill", "ln", "ls", "mkdir",
		"mount", "ps", "rm", "sh", "sleep", "sort", "tail", "timeout", "tr", "wc",
	} {
		root.AddLink("busybox", "/bin/"+name)
	}
	root.AddData("/etc/passwd", []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644)
	root.AddData("/etc/group", []byte("root:x:0:\n"), 0o644)
	return root, nil
}

// FIDO2Root returns [ShellRoot] with fido2-token, fido2-cred and fido2-assert.
// Package fido2-tools.
func FIDO2Root() (*vm.Root, error) {
	root, err := ShellRoot()
	if err != nil {
		return nil, err
	}
	if err := root.AddPrograms("/usr/bin/fido2-token", "/usr/bin/fido2-cred", "/usr/bin/fido2-assert"); err != nil {
		return nil, fmt.Errorf("package fido2-tools: %w", err)
	}
	return root, nil
}

// FidokeyRoot returns [ShellRoot] with the program examples/fidokey.
func FidokeyRoot() (*vm.Root, error) {
	root, err := ShellRoot()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gofido-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program, err := vm.BuildProgram(context.Background(), dir, "github.com/gofido/fido/examples/fidokey")
	if err != nil {
		return nil, err
	}
	contents, err := os.ReadFile(program) // the folder does not last until the machine starts
	if err != nil {
		return nil, err
	}
	root.AddData("/bin/fidokey", contents, 0o755)
	return root, nil
}

// pythonModules is what python-fido2 imports beside the standard library.
var pythonModules = []string{"fido2", "cryptography", "_cffi_backend", "six"}

// PythonRoot returns [ShellRoot] with Debian's Python and python-fido2.
// Packages python3 and python3-fido2.
func PythonRoot() (*vm.Root, error) {
	root, err := ShellRoot()
	if err != nil {
		return nil, err
	}
	interpreter, err := filepath.EvalSymlinks("/usr/bin/python3") // such as /usr/bin/python3.11
	if err != nil {
		return nil, fmt.Errorf("package python3: %w", err)
	}
	if err := root.AddFile(interpreter, "/usr/bin/python3"); err != nil {
		return nil, err
	}
	library := "/usr/lib/" + path.Base(interpreter)
	if err := root.AddTree(library, library, notForPython); err != nil {
		return nil, fmt.Errorf("package python3: %w", err)
	}
	const distribution = "/usr/lib/python3/dist-packages"
	for _, name := range pythonModules {
		found, err := filepath.Glob(filepath.Join(distribution, name+"*"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("package python3-fido2: no %s in %s", name, distribution)
		}
		for _, p := range found {
			if err := addAny(root, p); err != nil {
				return nil, err
			}
		}
	}
	// The module cryptography does not start without OpenSSL's "legacy" provider.
	const providers = "/usr/lib/x86_64-linux-gnu/ossl-modules"
	return root, root.AddTree(providers, providers, nil)
}

// addAny adds a file or a folder at its own place.
func addAny(root *vm.Root, p string) error {
	info, err := os.Stat(p)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return root.AddTree(p, p, nil)
	}
	return root.AddFile(p, p)
}

// notForPython leaves out what is large in the standard library and not for
// running programs.
func notForPython(relative string) bool {
	first, _, _ := strings.Cut(relative, "/")
	return strings.HasPrefix(first, "config-") ||
		slices.Contains([]string{"test", "idlelib", "lib2to3", "ensurepip", "pydoc_data", "tkinter", "turtledemo"}, first)
}
