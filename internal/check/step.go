package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// step is one thing that is checked.
type step struct {
	name  string
	about string
	needs []string // Debian packages
	run   func(context.Context, *job) (result string, err error)
}

// config is what all steps have in common.
type config struct {
	*workspace
	install  bool
	fuzztime time.Duration
}

// job is one step at work.
type job struct {
	config
	log io.Writer // what its commands say; shown when it fails
}

// outcome is what came of a step.
type outcome struct {
	name   string
	failed bool
	took   time.Duration
	result string // one line
}

// runSteps runs the steps one after the other (the go command keeps all
// processors busy by itself), prints the outcomes, and reports whether all
// passed. It stops early only when ctx ends.
func runSteps(ctx context.Context, c config, steps []step, stdout io.Writer, verbose bool) bool {
	var outcomes []outcome
	for _, s := range steps {
		if ctx.Err() != nil {
			break
		}
		fmt.Fprintf(stdout, "%-12s ...\n", s.name)
		var log bytes.Buffer
		j := &job{config: c, log: &log}
		if verbose {
			j.log = io.MultiWriter(&log, stdout)
		}
		begin := time.Now()
		result, err := runStep(ctx, s, j)
		o := outcome{name: s.name, failed: err != nil, took: time.Since(begin).Round(100 * time.Millisecond), result: result}
		if err != nil {
			if !verbose {
				io.Copy(stdout, &log)
			}
			var rest string
			o.result, rest, _ = strings.Cut(err.Error(), "\n")
			if rest != "" {
				fmt.Fprintln(stdout, err)
			}
		}
		fmt.Fprintf(stdout, "%-12s %s %s (%v)\n", o.name, o.verdict(), o.result, o.took)
		outcomes = append(outcomes, o)
	}
	return summarize(stdout, outcomes) && ctx.Err() == nil
}

// runStep runs a step if the packages that it needs are there.
func runStep(ctx context.Context, s step, j *job) (string, error) {
	if len(s.needs) > 0 {
		missing, err := missingPackages(ctx, s.needs)
		if err != nil {
			return "", err
		}
		if len(missing) > 0 {
			return "", fmt.Errorf("not run: it needs %s; go run ./internal/check -install installs what is missing", strings.Join(missing, ", "))
		}
	}
	result, err := s.run(ctx, j)
	if ctx.Err() != nil {
		return "", errors.Join(context.Cause(ctx), err)
	}
	return result, err
}

// summarize prints the table at the end and reports whether all steps passed.
func summarize(stdout io.Writer, outcomes []outcome) bool {
	passed, failed := 0, 0
	fmt.Fprintln(stdout)
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, o := range outcomes {
		if o.failed {
			failed++
		} else {
			passed++
		}
		fmt.Fprintf(table, "%s\t%s\t%v\t%s\n", o.name, o.verdict(), o.took, o.result)
	}
	table.Flush()
	fmt.Fprintf(stdout, "\n%d passed, %d failed\n", passed, failed)
	return failed == 0
}

func (o outcome) verdict() string {
	if o.failed {
		return "FAILED"
	}
	return "ok"
}
