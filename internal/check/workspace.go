package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// workspace is the project: the modules that go.work joins.
type workspace struct {
	root    string   // the folder of go.work
	modules []string // folders, absolute
	env     []string // for the go command
}

// openWorkspace finds the workspace that the current folder is in.
func openWorkspace(ctx context.Context) (*workspace, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "-json", "GOWORK", "GOFLAGS").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var env struct{ GOWORK, GOFLAGS string }
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	if env.GOWORK == "" || env.GOWORK == "off" {
		return nil, errors.New("there is no go.work here; run this in the project's folder")
	}
	// Without version control information the go command does not care who
	// owns the folder.
	w := &workspace{
		root: filepath.Dir(env.GOWORK),
		env:  []string{"GOFLAGS=" + strings.TrimSpace(env.GOFLAGS+" -buildvcs=false")},
	}
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	list.Dir = w.root
	out, err = list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	w.modules = strings.Split(strings.TrimSpace(string(out)), "\n")
	return w, nil
}

// patterns returns the patterns for all packages of all modules: ./...
// does not enter a module inside another.
func (w *workspace) patterns() ([]string, error) {
	var patterns []string
	for _, dir := range w.modules {
		relative, err := filepath.Rel(w.root, dir)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, "./"+filepath.ToSlash(filepath.Join(relative, "...")))
	}
	return patterns, nil
}

// goFiles returns all Go files of the project, relative to its root, whatever
// their build constraints.
func (w *workspace) goFiles() ([]string, error) {
	var files []string
	err := filepath.WalkDir(w.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != w.root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ".go") {
			relative, err := filepath.Rel(w.root, path)
			if err != nil {
				return err
			}
			files = append(files, relative)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no Go files in %s", w.root)
	}
	return files, err
}

// goPackage is a package as go list tells it.
type goPackage struct {
	Dir          string
	ImportPath   string
	TestGoFiles  []string
	XTestGoFiles []string
}

// packages lists the packages of the workspace, as built here with no tags.
func (j *job) packages(ctx context.Context) ([]goPackage, error) {
	patterns, err := j.patterns()
	if err != nil {
		return nil, err
	}
	out, err := j.output(ctx, command{argv: append([]string{"go", "list", "-json=Dir,ImportPath,TestGoFiles,XTestGoFiles"}, patterns...)})
	if err != nil {
		return nil, err
	}
	var list []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); err == io.EOF {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, p)
	}
}

// read reads a file of the project.
func (w *workspace) read(relative string) ([]byte, error) {
	return os.ReadFile(filepath.Join(w.root, relative))
}
