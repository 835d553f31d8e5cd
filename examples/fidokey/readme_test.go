//go:build unix

package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// program is how the README names fidokey.
const program = "go run ./examples/fidokey"

// withoutExample are the commands, and those below them, that have no example in
// the README yet.
var withoutExample = []string{
	"blobs", "completion", "config", "fingerprints", "label", "login", "passkeys", "pin", "ping", "register", "reset", "wink",
}

// withoutDevice are the commands that take no --device, or do something else
// without one.
var withoutDevice = []string{"", "completion", "demo", "help", "list", "passkeys compare", "serve"}

// inPlace stands in the lines that are run for what a test does not have, or must
// not touch.
var inPlace = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`/dev/hidraw(\d+)`), "virtual:hidraw$1"},
	{regexp.MustCompile(`pcsc:\S*`), "virtual:card"},
	{regexp.MustCompile(`--udp \S+|--uhid|--vpcd\S*`), "--udp 127.0.0.1:0"}, // any port that is free
}

// noDevice is the key of the lines that name none, where a person has the only one
// that is plugged in.
const noDevice = "virtual:plugged-in"

// readmeAnswers is what the reader of the README types when asked.
var readmeAnswers = []struct{ question, keys string }{
	{"PIN of ", "271828\r"},
	{"[y/N] ", "y\r"},
	{"Ctrl-C ends it.", "\x03"},
}

// An example is a line of the README that runs fidokey.
type example struct {
	number int // of the line
	text   string
}

// readmeExamples returns the lines, those that a backslash joins as one.
func readmeExamples(t *testing.T) (all []example) {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	isFenced, joined := false, ""
	for i, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, "```") {
			isFenced = !isFenced
			continue
		}
		if !isFenced && !strings.HasPrefix(line, "    ") {
			continue
		}
		joined += strings.TrimSpace(line)
		if before, goesOn := strings.CutSuffix(joined, "\\"); goesOn {
			joined = before
			continue
		}
		if strings.Contains(joined, program) {
			all = append(all, example{i + 1, joined})
		}
		joined = ""
	}
	if len(all) == 0 {
		t.Fatal("the README has no example")
	}
	return all
}

// calls matches what the README has fidokey do, up to where a shell ends the
// command.
var calls = regexp.MustCompile(regexp.QuoteMeta(program) + `([^|;&<>]*)`)

// command returns the command of a call's arguments, such as "passkeys list".
func command(t *testing.T, args string) (path string, words []string) {
	t.Helper()
	words, err := shellWords(args)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := new(app).root().Find(words)
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	_, path, _ = strings.Cut(c.CommandPath(), " ")
	return path, words
}

func isListed(list []string, path string) bool {
	for _, p := range list {
		if path == p || p != "" && strings.HasPrefix(path, p+" ") {
			return true
		}
	}
	return false
}

// TestReadme runs what the README says, line by line, in one folder. A line whose
// comment ends with "exit code N" must end so, the others well.
func TestReadme(t *testing.T) {
	ownConfig(t)
	dir := t.TempDir()
	for _, e := range readmeExamples(t) {
		t.Run(fmt.Sprintf("line %d", e.number), func(t *testing.T) {
			line := calls.ReplaceAllStringFunc(e.text, func(call string) string {
				args := strings.TrimPrefix(call, program)
				path, words := command(t, args)
				for _, p := range inPlace {
					args = p.pattern.ReplaceAllString(args, p.instead)
				}
				if hasDevice(words) || isListed(withoutDevice, path) || strings.Contains(args, "-h") {
					return "fidokey" + args
				}
				return "fidokey --device " + noDevice + args
			})
			want := 0
			if _, code, ok := strings.Cut(e.text, "exit code "); ok {
				fmt.Sscan(code, &want)
			}
			x := newTerminal(t)
			x.startProgram(line, line, dir)
			var questions []string
			for _, a := range readmeAnswers {
				questions = append(questions, a.question)
			}
			for {
				i := x.await(questions)
				if i < 0 {
					break
				}
				x.Send(readmeAnswers[i].keys)
			}
			x.Exit(want)
			t.Logf("\n%s", x.Screen())
		})
	}
}

// TestReadmeHasEveryCommand checks that every command has an example.
func TestReadmeHasEveryCommand(t *testing.T) {
	has := make(map[string]bool)
	for _, e := range readmeExamples(t) {
		for _, call := range calls.FindAllStringSubmatch(e.text, -1) {
			path, _ := command(t, call[1])
			has[path] = true
		}
	}
	missing := make(map[string]bool)
	for _, path := range commands(new(app).root()) {
		if has[path] {
			continue
		}
		if !isListed(withoutExample, path) {
			t.Errorf("the README has no example of fidokey %s", path)
		}
		for _, listed := range withoutExample {
			if isListed([]string{listed}, path) {
				missing[listed] = true
			}
		}
	}
	for _, listed := range withoutExample {
		if c, _, err := new(app).root().Find(strings.Fields(listed)); err == nil && c.HasParent() && !missing[listed] {
			t.Errorf("the README has examples of fidokey %s: take it out of withoutExample", listed)
		}
	}
}

// commands returns the commands that do something, below c.
func commands(c *cobra.Command) (all []string) {
	for _, c := range c.Commands() {
		_, path, _ := strings.Cut(c.CommandPath(), " ")
		switch {
		case !c.IsAvailableCommand() || c.Name() == "help":
		case c.HasAvailableSubCommands() && c.Name() != "completion": // whose shells are one
			all = append(all, commands(c)...)
		default:
			all = append(all, path)
		}
	}
	return all
}
