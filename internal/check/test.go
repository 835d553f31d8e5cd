package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

func stepTest(ctx context.Context, j *job) (string, error) {
	patterns, err := j.patterns()
	if err != nil {
		return "", err
	}
	return j.test(ctx, patterns)
}

func stepRace(ctx context.Context, j *job) (string, error) {
	patterns, err := j.patterns()
	if err != nil {
		return "", err
	}
	// go vet has a step of its own.
	return j.test(ctx, append([]string{"-race", "-vet=off"}, patterns...))
}

// elsewhere are the tags with steps of their own: stepSystem starts what the
// tag system selects, and that starts what guest selects.
var elsewhere = []string{"system", "guest"}

// stepTestTags runs the tests of the packages that have files with a build tag,
// with the tag.
func stepTestTags(ctx context.Context, j *job) (string, error) {
	tags, err := j.tagged(ctx)
	if err != nil {
		return "", err
	}
	var results []string
	var failures []error
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if slices.Contains(elsewhere, tag) {
			continue
		}
		result, err := j.test(ctx, append([]string{"-tags=" + tag}, tags[tag]...))
		if err != nil {
			failures = append(failures, fmt.Errorf("with tag %s: %w", tag, err))
		}
		results = append(results, tag+": "+result)
	}
	if len(results) == 0 {
		return "the project has no such tag", nil
	}
	return strings.Join(results, "; "), errors.Join(failures...)
}

func stepSystem(ctx context.Context, j *job) (string, error) {
	tags, err := j.tagged(ctx)
	if err != nil {
		return "", err
	}
	packages := tags["system"]
	if len(packages) == 0 {
		return "", errors.New("no package has tests with the tag system")
	}
	// The result of a machine is no function of the files that the go command
	// looks at, so it is never taken from the cache.
	result, err := j.test(ctx, append([]string{"-tags=system", "-count=1"}, packages...))
	failures := []error{err}
	// What another tag makes of the same packages meets the same systems.
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		both := slices.DeleteFunc(slices.Clone(tags[tag]), func(dir string) bool { return !slices.Contains(packages, dir) })
		if slices.Contains(elsewhere, tag) || len(both) == 0 {
			continue
		}
		more, err := j.test(ctx, append([]string{"-tags=system," + tag, "-count=1"}, both...))
		if err != nil {
			err = fmt.Errorf("with tag %s: %w", tag, err)
		}
		failures = append(failures, err)
		result += "; " + tag + ": " + more
	}
	return result, errors.Join(failures...)
}

// hung is when a package's tests are taken for hung: not before they are done on a
// slow machine that has other work.
const hung = time.Hour

// test runs go test, counts what it tells, and puts what failed into the log.
func (j *job) test(ctx context.Context, args []string) (string, error) {
	read, write := io.Pipe()
	done := make(chan *tally)
	go func() {
		t := newTally()
		err := t.read(read)
		read.CloseWithError(err) // so that nobody waits for a reader that has given up
		done <- t
	}()
	argv := append([]string{"go", "test", "-json", "-timeout=" + hung.String()}, args...)
	err := j.execute(ctx, command{argv: argv}, write)
	write.Close()
	t := <-done
	t.printFailures(j.log)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s (%w)", t, err)
	case t.broken != nil:
		return "", t.broken
	case len(t.failed) > 0 || t.tests == 0:
		return "", errors.New(t.String())
	}
	return t.String(), nil
}
