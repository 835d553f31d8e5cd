package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"go/build/constraint"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// tagged returns the project's own build tags, each with the folders (as
// patterns) of the packages whose files ask for it.
func (j *job) tagged(ctx context.Context) (map[string][]string, error) {
	// The names of systems and processors are build tags too.
	out, err := j.output(ctx, command{argv: []string{"go", "tool", "dist", "list"}})
	if err != nil {
		return nil, err
	}
	foreign := map[string]bool{"unix": true, "cgo": true, "race": true, "ignore": true, "gc": true, "gccgo": true}
	for _, name := range strings.FieldsFunc(string(out), func(r rune) bool { return r == '/' || r == '\n' }) {
		foreign[name] = true
	}
	files, err := j.goFiles()
	if err != nil {
		return nil, err
	}
	tags := make(map[string][]string)
	for _, name := range files {
		source, err := j.read(name)
		if err != nil {
			return nil, err
		}
		used, err := buildTags(source)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		dir := "./" + path.Dir(filepath.ToSlash(name))
		for _, tag := range used {
			if !foreign[tag] && !strings.HasPrefix(tag, "go1.") && !slices.Contains(tags[tag], dir) {
				tags[tag] = append(tags[tag], dir)
			}
		}
	}
	return tags, nil
}

// buildTags returns the tags in a Go file's build constraint.
func buildTags(source []byte) ([]string, error) {
	lines := bufio.NewScanner(bytes.NewReader(source))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "package ") {
			return nil, nil // constraints come before
		}
		if !constraint.IsGoBuild(line) {
			continue
		}
		expression, err := constraint.Parse(line)
		if err != nil {
			return nil, err
		}
		tags := make(map[string]bool)
		expression.Eval(func(tag string) bool { tags[tag] = true; return true }) // it asks for every tag
		return slices.Sorted(maps.Keys(tags)), nil
	}
	return nil, lines.Err()
}
