package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/examples/internal/typed"
	"github.com/spf13/cobra"
)

// errDeclined says that the user did not want it.
var errDeclined = errors.New("you did not agree: nothing was changed")

// errNeedPIN says that a command can't go on without the key's PIN.
var errNeedPIN = problem(exitPIN, "this key wants its PIN: run fidokey in a terminal and enter it, or give it with --pin-stdin")

// What errNeedPIN and context.DeadlineExceeded mean at a prompt.
var (
	errNoPIN = because(errNeedPIN, "no PIN was entered")
	errSlow  = because(context.DeadlineExceeded, "you took too long to answer: --timeout gives you more time")
)

// errLongPIN says that no key takes so long a PIN, however long it is.
var errLongPIN = because(&pinuv.PINError{Rule: pinuv.PINTooManyBytes, Have: maxPIN, Limit: pinuv.MaxPINBytes}, "the PIN is too long: a key takes at most %d characters", pinuv.MaxPINBytes)

// promptTime is how long a person at a terminal has to answer: longer than a key has,
// as a good PIN takes some thought.
const promptTime = 5 * time.Minute

// patience is how long to wait for an answer of the user.
func (a *app) patience() time.Duration {
	if a.hasty || !isTerminal(a.in) {
		return a.timeout
	}
	return max(promptTime, a.timeout)
}

// confirm asks a question that changes something if the answer is yes. Without a
// terminal only --yes, which is in yes, is an answer.
func (a *app) confirm(ctx context.Context, yes bool, format string, args ...any) error {
	if err := a.canConfirm(yes); err != nil || yes {
		return err
	}
	answer, err := a.readLine(ctx, fmt.Sprintf(format, args...)+" [y/N] ")
	if err == io.EOF { // Ctrl-D
		fmt.Fprintln(a.err)
		return errDeclined
	}
	if err != nil {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errDeclined
	}
	return nil
}

// canConfirm finds out whether confirm can be answered, before the user does
// anything in vain.
func (a *app) canConfirm(yes bool) error {
	if yes || isTerminal(a.in) {
		return nil
	}
	return badUse("nobody can be asked without a terminal: --yes says that you agree")
}

// agree is confirm after the consequences have been told. --quiet silences them
// only for one who has agreed already.
func (a *app) agree(ctx context.Context, yes bool, question string, consequences ...string) error {
	for _, line := range consequences {
		if !yes || !a.quiet {
			fmt.Fprintln(a.err, a.fill(line))
		}
	}
	return a.confirm(ctx, yes, "%s", question)
}

// yesFlag adds the flag that agrees beforehand.
func yesFlag(c *cobra.Command, yes *bool) {
	c.Flags().BoolVarP(yes, "yes", "y", false, "agree to what the command would ask about")
}

// dryRunFlag adds the flag that changes nothing, where otherwise things are deleted,
// or what the command calls it.
func dryRunFlag(c *cobra.Command, dryRun *bool, deleted, del string) {
	c.Flags().BoolVarP(dryRun, "dry-run", "n", false, "show what would be "+deleted+", and "+del+" nothing")
}

// readLine asks for a line, from a terminal or a pipe. The end of the input is
// io.EOF, and a user who takes too long errSlow. When ctx ends, the read that is pending is left behind.
func (a *app) readLine(ctx context.Context, prompt string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.patience(), errSlow)
	defer cancel()
	fmt.Fprint(a.err, a.fit(a.err, prompt))
	line, err := typed.Await(ctx, func() ([]byte, error) { return typed.Line(a.in, maxLine) })
	if ctx.Err() != nil && err != nil {
		fmt.Fprintln(a.err)
	}
	return string(line), err
}

// maxPIN is the most bytes of a line that is read as a PIN, more than any key
// takes: of a longer one nobody knows how long it is.
const maxPIN = 256

// maxLine is the most bytes of an answer.
const maxLine = 4096

// readPIN asks for a PIN: at the terminal, or the next line of standard input
// with --pin-stdin. The caller wipes it.
func (a *app) readPIN(ctx context.Context, prompt string) (pin []byte, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.patience(), errSlow)
	defer cancel()
	switch {
	case isTerminal(a.in): // with --pin-stdin too, so that it is not shown
		pin, err = typed.Secret(ctx, a.in.(*os.File), a.fit(a.err, prompt), maxPIN, a.err)
	case a.pinStdin:
		pin, err = typed.Await(ctx, func() ([]byte, error) { return typed.Line(a.in, maxPIN) })
		pin = bytes.TrimPrefix(pin, []byte("\ufeff")) // PowerShell begins a pipe with it
	default:
		return nil, errNeedPIN
	}
	switch {
	case err == io.EOF, err == nil && len(pin) == 0:
		return nil, errNoPIN
	case err == nil && len(pin) == maxPIN:
		clear(pin)
		return nil, errLongPIN
	}
	return pin, err
}
