package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// command is a program to run.
type command struct {
	argv     []string
	dir      string   // the workspace's root unless set
	env      []string // NAME=value, beside the environment
	terminal bool     // may ask the person at the terminal something
}

// run runs a command and sends what it says to the step's log.
func (j *job) run(ctx context.Context, c command) error {
	return j.execute(ctx, c, j.log)
}

// output runs a command, returns its standard output, and sends only standard
// error to the log.
func (j *job) output(ctx context.Context, c command) ([]byte, error) {
	var out bytes.Buffer
	err := j.execute(ctx, c, &out)
	return out.Bytes(), err
}

func (j *job) execute(ctx context.Context, c command, stdout io.Writer) error {
	fmt.Fprintf(j.log, "$ %s\n", strings.Join(slices.Concat(c.env, c.argv), " "))
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Dir = j.root
	if c.dir != "" {
		cmd.Dir = c.dir
	}
	cmd.Env = slices.Concat(os.Environ(), j.env, c.env)
	cmd.Stdout, cmd.Stderr = stdout, j.log
	if c.terminal {
		cmd.Stdin = os.Stdin
	} else {
		ownGroup(cmd)
	}
	// Time to end by itself; after that, leave kills the whole group.
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if !c.terminal {
		leave(cmd)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(c.argv[0]), err) // the log has the whole line
	}
	return nil
}
