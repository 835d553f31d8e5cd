package main

import (
	"context"
	"os"
	"slices"
)

// stepBuildCgo vets and builds for Windows with cgo, which is how programs that
// use package hidapi are built there. Programs are linked, to see that the C
// code finds its libraries.
func stepBuildCgo(ctx context.Context, j *job) (string, error) {
	patterns, err := j.patterns()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "gofido-check-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	env := []string{"GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=1", "CC=x86_64-w64-mingw32-gcc"}
	for _, argv := range [][]string{
		{"go", "vet"},
		{"go", "build", "-o", dir + string(os.PathSeparator)},
	} {
		if err := j.run(ctx, command{argv: slices.Concat(argv, patterns), env: env}); err != nil {
			return "", err
		}
	}
	programs, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	return plural(len(programs), "program") + " linked with Debian's mingw", nil
}
