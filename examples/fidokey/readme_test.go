//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// calls matches what the README has fidokey do: its name as the first word of a
// command, and all up to where a shell ends that.
var calls = regexp.MustCompile(`(^|[|;&]\s*)(?:go run \./examples/)?fidokey( [^|;&<>#]*)`)

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

// pluggedIn keeps the key of the lines that name none, where a person has the only
// one that is plugged in; backup the one that the README compares it with.
const pluggedIn, backup = "plugged-in", "hidraw1"

// placeholder is what stands for the ID of a passkey.
var placeholder = regexp.MustCompile(` ID\b`)

// changed returns the PIN that follows after a change, and that both keys have when
// the README compares them.
func changed(pin string) string { return pin[1:] + pin[:1] }

// onlyPasskey returns the ID of the passkey on a key.
func onlyPasskey(t *testing.T, state, pin string) string {
	t.Helper()
	r := fidokey(t, t.Context(), pin+"\n", "passkeys", "list", "--json", "--pin-stdin", "--device", "virtual:"+state)
	var listed struct {
		Sites []struct{ Passkeys []struct{ ID string } }
	}
	if err := json.Unmarshal([]byte(r.out), &listed); err != nil || len(listed.Sites) != 1 || len(listed.Sites[0].Passkeys) != 1 {
		t.Fatalf("there is not one passkey, but: %s%s", r.out, r.err)
	}
	return listed.Sites[0].Passkeys[0].ID
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
		if calls.MatchString(joined) {
			all = append(all, example{i + 1, joined})
		}
		joined = ""
	}
	if len(all) == 0 {
		t.Fatal("the README has no example")
	}
	return all
}

// wholeRoot returns all commands, with the one that run adds.
func wholeRoot() *cobra.Command {
	root := new(app).root()
	root.InitDefaultCompletionCmd()
	return root
}

// command returns the command of a call's arguments, such as "passkeys list".
func command(t *testing.T, args string) (path string, words []string) {
	t.Helper()
	words, err := shellWords(args)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := wholeRoot().Find(words)
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	_, path, _ = strings.Cut(c.CommandPath(), " ")
	if strings.HasPrefix(path, "completion ") {
		path = "completion" // whose shells are one
	}
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
	dir, pin := t.TempDir(), "271828"
	if r := fidokey(t, t.Context(), changed(pin)+"\n", "pin", "set", "--pin-stdin", "--device", "virtual:"+filepath.Join(dir, backup)); r.code != exitOK {
		t.Fatal(r.err)
	}
	for _, e := range readmeExamples(t) {
		t.Run(fmt.Sprintf("line %d", e.number), func(t *testing.T) {
			line := e.text
			if placeholder.MatchString(line) {
				line = placeholder.ReplaceAllString(line, " "+onlyPasskey(t, filepath.Join(dir, pluggedIn), pin))
			}
			line = calls.ReplaceAllStringFunc(line, func(call string) string {
				m := calls.FindStringSubmatch(call)
				start, args := m[1], m[2]
				path, words := command(t, args)
				for _, p := range inPlace {
					args = p.pattern.ReplaceAllString(args, p.instead)
				}
				if hasDevice(words) || isListed(withoutDevice, path) || strings.Contains(args, "-h") {
					return start + "fidokey" + args
				}
				return start + "fidokey --device virtual:" + pluggedIn + args
			})
			want := 0
			if _, code, ok := strings.Cut(e.text, "exit code "); ok {
				fmt.Sscan(code, &want)
			}
			x := newTerminal(t, columns)
			x.startProgram(line, line, dir)
			newPIN := pin
			if strings.Contains(line, "pin change") {
				newPIN = changed(pin)
			}
			answers := []struct{ question, keys string }{
				{"PIN of ", pin + "\r"},
				{"New PIN: ", newPIN + "\r"},
				{"The same again: ", newPIN + "\r"},
				{"Type erase to erase it: ", "erase\r"},
				{"[y/N] ", "y\r"},
				{"Ctrl-C ends it.", "\x03"},
			}
			var questions []string
			for _, a := range answers {
				questions = append(questions, a.question)
			}
			for {
				i := x.await(questions)
				if i < 0 {
					break
				}
				x.Send(answers[i].keys)
			}
			pin = newPIN
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
			path, _ := command(t, call[2])
			has[path] = true
		}
	}
	for _, path := range commands(wholeRoot()) {
		if !has[path] {
			t.Errorf("the README has no example of fidokey %s", path)
		}
	}
}

// commands returns the commands that do something, below c.
func commands(c *cobra.Command) (all []string) {
	for _, c := range c.Commands() {
		_, path, _ := strings.Cut(c.CommandPath(), " ")
		switch {
		case !c.IsAvailableCommand() || c.Name() == "help":
		case c.HasAvailableSubCommands() && c.Name() != "completion":
			all = append(all, commands(c)...)
		default:
			all = append(all, path)
		}
	}
	return all
}
