// Command check says whether the whole project is in order. It is what
// continuous integration runs, and what to run before a change is sent:
//
//	go run ./internal/check -install
//
// It runs a fixed list of steps (-list), all of them whatever the others
// found, and prints one line for each, and for a failed step everything that
// its commands said. Nothing is skipped silently: a step that can't run has
// failed, and skipped tests are named.
//
// The system tests and some builds need Debian packages. With -install the
// first step installs the missing ones; without, it lists them and fails.
//
// It exits with 0 when all steps passed, 1 when one failed, 2 when it was
// called wrongly, and 130 when it was interrupted; go run makes 1 of all but 0.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the children and then this program; the second,
	// which nobody catches, this program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for what only main can do. It returns the exit
// status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	install := flags.Bool("install", false, "install missing Debian packages (as root or through sudo)")
	fuzztime := flags.Duration("fuzztime", 3*time.Second, "how long each fuzz target runs")
	only := flags.String("only", "", "run only these steps, a `list` with commas")
	list := flags.Bool("list", false, "list the steps and stop")
	verbose := flags.Bool("v", false, "show what the commands of each step say")
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "check: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	chosen, err := choose(steps, *only)
	if err != nil {
		fmt.Fprintln(stderr, "check:", err)
		return 2
	}
	if *list {
		for _, s := range chosen {
			fmt.Fprintf(stdout, "%-12s %s\n", s.name, s.about)
		}
		return 0
	}
	w, err := openWorkspace(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "check:", err)
		return 2
	}
	c := config{workspace: w, install: *install, fuzztime: *fuzztime}
	passed := runSteps(ctx, c, chosen, stdout, *verbose)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "check: interrupted")
		return 130
	case !passed:
		return 1
	}
	return 0
}

// choose returns the steps that only names, in their own order, or all.
func choose(all []step, only string) ([]step, error) {
	if only == "" {
		return all, nil
	}
	wanted := strings.Split(only, ",")
	var chosen []step
	for _, s := range all {
		if i := slices.Index(wanted, s.name); i >= 0 {
			wanted = slices.Delete(wanted, i, i+1)
			chosen = append(chosen, s)
		}
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("no step %s; -list shows them", strings.Join(wanted, ", "))
	}
	return chosen, nil
}
