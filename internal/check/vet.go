package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// stepVet runs go vet over all modules, and once more for each build tag, over
// everything because a tag changes what others import.
func stepVet(ctx context.Context, j *job) (string, error) {
	tags, err := j.tagged(ctx)
	if err != nil {
		return "", err
	}
	patterns, err := j.patterns()
	if err != nil {
		return "", err
	}
	names := slices.Sorted(maps.Keys(tags))
	failed := 0
	for _, tag := range append([]string{""}, names...) {
		if err := j.run(ctx, command{argv: slices.Concat([]string{"go", "vet", "-tags=" + tag}, patterns)}); err != nil {
			failed++
		}
	}
	if failed > 0 {
		return "", fmt.Errorf("go vet finds fault in %d of %d runs", failed, len(names)+1)
	}
	return "without tags and with " + strings.Join(names, ", "), nil
}

// stepVetCross vets the files of each other system; one processor is enough.
func stepVetCross(ctx context.Context, j *job) (string, error) {
	return j.everySystem(ctx, "vet", []string{"windows/amd64", "darwin/arm64", "freebsd/amd64"})
}

// stepBuild builds for everything that is supported.
func stepBuild(ctx context.Context, j *job) (string, error) {
	return j.everySystem(ctx, "build", []string{
		"linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64",
		"darwin/amd64", "darwin/arm64", "freebsd/amd64", "freebsd/arm64",
	})
}

// everySystem runs one subcommand of go over all modules for each GOOS/GOARCH,
// without cgo.
func (j *job) everySystem(ctx context.Context, subcommand string, systems []string) (string, error) {
	patterns, err := j.patterns()
	if err != nil {
		return "", err
	}
	var failed []string
	for _, system := range systems {
		goos, goarch, _ := strings.Cut(system, "/")
		err := j.run(ctx, command{
			argv: slices.Concat([]string{"go", subcommand}, patterns),
			env:  []string{"CGO_ENABLED=0", "GOOS=" + goos, "GOARCH=" + goarch},
		})
		if err != nil {
			failed = append(failed, system)
		}
	}
	if len(failed) > 0 {
		return "", fmt.Errorf("go %s fails for %s", subcommand, strings.Join(failed, ", "))
	}
	return strings.Join(systems, ", "), nil
}
