package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stepFuzz builds the tests of each package that has fuzz targets once, with
// the fuzzer's instrumentation, and runs each target alone: the fuzzer takes all
// processors and allows one target at a time.
func stepFuzz(ctx context.Context, j *job) (string, error) {
	packages, err := j.packages(ctx)
	if err != nil {
		return "", err
	}
	cache, err := j.output(ctx, command{argv: []string{"go", "env", "GOCACHE"}})
	if err != nil {
		return "", err
	}
	// Where go test -fuzz keeps its findings too, so that each run goes on from
	// the last.
	found := filepath.Join(strings.TrimSpace(string(cache)), "fuzz")
	dir, err := os.MkdirTemp("", "gofido-fuzz-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	ran, with := 0, 0
	var failed []string
	for _, p := range packages {
		targets, err := fuzzTargets(p)
		if err != nil {
			return "", err
		}
		if len(targets) == 0 {
			continue
		}
		with++
		binary := filepath.Join(dir, "fuzz.test")
		if err := j.run(ctx, command{argv: []string{"go", "test", "-c", "-fuzz=.", "-vet=off", "-o", binary, p.ImportPath}}); err != nil {
			fmt.Fprintln(j.log, err)
			failed = append(failed, "build of "+p.ImportPath)
			continue
		}
		for _, target := range targets {
			ran++
			if err := j.fuzz(ctx, p, binary, target, filepath.Join(found, filepath.FromSlash(p.ImportPath))); err != nil {
				fmt.Fprintln(j.log, err)
				failed = append(failed, p.ImportPath+" "+target)
			}
		}
	}
	result := fmt.Sprintf("%s in %s, %v each", plural(ran, "target"), plural(with, "package"), j.fuzztime)
	if ran == 0 || len(failed) > 0 {
		return "", fmt.Errorf("%s, FAILED: %s", result, strings.Join(failed, ", "))
	}
	return result, nil
}

// fuzz runs one target. A finding is kept in the package's folder, as go test
// does it.
func (j *job) fuzz(ctx context.Context, p goPackage, binary, target, found string) error {
	argv := []string{binary, "-test.run=^$", "-test.fuzz=^" + target + "$",
		"-test.fuzztime=" + j.fuzztime.String(), "-test.fuzzcachedir=" + found}
	for attempt := 1; ; attempt++ {
		var out bytes.Buffer
		once := &job{config: j.config, log: io.MultiWriter(&out, j.log)}
		err := once.run(ctx, command{argv: argv, dir: p.Dir})
		switch {
		case bytes.Contains(out.Bytes(), []byte("not built with coverage instrumentation")):
			return errors.New("the program is built without the fuzzer's instrumentation")
		case err == nil && !bytes.Contains(out.Bytes(), []byte("elapsed:")):
			return errors.New("the target did not run")
		case attempt < 3 && outOfTime(err, out.Bytes()):
			fmt.Fprintln(j.log, "That was the fuzzer's own time limit, not a finding; once more.")
		default:
			return err
		}
	}
}

// outOfTime reports whether a run failed only because its time was over: until
// Go 1.27 the fuzzer may take its own time limit for a failure of the target
// (go.dev/issue/75804). Then it has no input to show for it.
func outOfTime(err error, output []byte) bool {
	return err != nil && bytes.Contains(output, []byte("\n    context deadline exceeded\n")) &&
		!bytes.Contains(output, []byte("Failing input written"))
}

// fuzzTargets returns the names of a package's fuzz targets, sorted.
func fuzzTargets(p goPackage) ([]string, error) {
	var targets []string
	for _, name := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
		source, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return nil, err
		}
		in, err := fuzzTargetsIn(name, source)
		if err != nil {
			return nil, err
		}
		targets = append(targets, in...)
	}
	slices.Sort(targets)
	return targets, nil
}

// fuzzTargetsIn returns the functions FuzzX(f *testing.F) of a file, by the
// rules of go test: X is empty or does not begin with a small letter.
func fuzzTargetsIn(name string, source []byte) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var targets []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || len(f.Type.Params.List) != 1 {
			continue
		}
		rest, ok := strings.CutPrefix(f.Name.Name, "Fuzz")
		if !ok || rest != "" && strings.ToUpper(rest[:1]) != rest[:1] {
			continue
		}
		pointer, ok := f.Type.Params.List[0].Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		if s, ok := pointer.X.(*ast.SelectorExpr); ok && s.Sel.Name == "F" {
			targets = append(targets, f.Name.Name)
		}
	}
	return targets, nil
}
