//go:build linux

package vm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// BuildTest compiles the tests of a package into a program in dir that a
// [Root] can hold: one file without shared libraries, for Linux on amd64. pkg
// is an import path of this workspace; tags are build tags. It returns the
// program's path.
func BuildTest(ctx context.Context, dir, pkg string, tags ...string) (string, error) {
	program := filepath.Join(dir, path.Base(pkg)+".test")
	if err := goBuild(ctx, program, tags, "test", "-c", pkg); err != nil {
		return "", err
	}
	// go test -c writes nothing, and succeeds, when there is no test.
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("%s with tags %q has no tests", pkg, tags)
	}
	return program, nil
}

// BuildProgram compiles a main package like [BuildTest] compiles tests.
func BuildProgram(ctx context.Context, dir, pkg string, tags ...string) (string, error) {
	program := filepath.Join(dir, path.Base(pkg))
	return program, goBuild(ctx, program, tags, "build", pkg)
}

// goBuild runs the go command with -o and the tags put before the package.
func goBuild(ctx context.Context, output string, tags []string, args ...string) error {
	last := len(args) - 1
	flags := []string{"-o", output, "-trimpath", "-buildvcs=false", "-tags", strings.Join(tags, ",")}
	args = append(append(args[:last:last], flags...), args[last])
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
