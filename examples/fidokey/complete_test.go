package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// complete returns what a shell would offer after these words, and what cobra
// tells it to do.
func complete(t *testing.T, words ...string) (offered []string, directive cobra.ShellCompDirective) {
	t.Helper()
	r := fidokey(t, t.Context(), "", append([]string{"__complete"}, words...)...)
	if r.code != exitOK {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
	last := lines[len(lines)-1]
	n, err := strconv.Atoi(strings.TrimPrefix(last, ":"))
	if err != nil {
		t.Fatalf("the last line is %q", last)
	}
	for _, line := range lines[:len(lines)-1] {
		word, _, _ := strings.Cut(line, "\t")
		offered = append(offered, word)
	}
	return offered, cobra.ShellCompDirective(n)
}

// everyCommand calls f for the program and all its commands, with the words that
// lead to each.
func everyCommand(c *cobra.Command, path []string, f func(c *cobra.Command, path []string)) {
	f(c, path)
	for _, c := range c.Commands() {
		if c.IsAvailableCommand() && c.Name() != "completion" {
			everyCommand(c, append(slices.Clip(path), c.Name()), f)
		}
	}
}

// A shell offers every command, below those that have some.
func TestCompleteCommands(t *testing.T) {
	everyCommand(new(app).root(), nil, func(c *cobra.Command, path []string) {
		if !c.HasAvailableSubCommands() {
			return
		}
		offered, directive := complete(t, append(path, "")...)
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() && !slices.Contains(offered, sub.Name()) {
				t.Errorf("after fidokey %s a shell does not offer %s", strings.Join(path, " "), sub.Name())
			}
		}
		if directive != cobra.ShellCompDirectiveNoFileComp {
			t.Errorf("after fidokey %s a shell offers files", strings.Join(path, " "))
		}
	})
	if offered, _ := complete(t, ""); !slices.Contains(offered, "completion") {
		t.Errorf("a shell offers %q", offered)
	}
}

var (
	longFlag  = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+)`)
	valueFlag = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+) ([A-Za-z]+)\b`)
)

// A shell offers all flags of a command, files for the value of one whose help
// calls it FILE, and no files for others'.
func TestCompleteFlags(t *testing.T) {
	everyCommand(new(app).root(), nil, func(c *cobra.Command, path []string) {
		usages := c.LocalFlags().FlagUsages() + c.InheritedFlags().FlagUsages()
		offered, _ := complete(t, append(path, "--")...)
		for _, m := range longFlag.FindAllStringSubmatch(usages, -1) {
			if !slices.ContainsFunc(offered, func(word string) bool { return strings.TrimSuffix(word, "=") == "--"+m[1] }) {
				t.Errorf("for fidokey %s a shell does not offer --%s", strings.Join(path, " "), m[1])
			}
		}
		for _, m := range valueFlag.FindAllStringSubmatch(c.LocalFlags().FlagUsages(), -1) {
			_, directive := complete(t, append(path, "--"+m[1], "")...)
			if offers := directive&cobra.ShellCompDirectiveNoFileComp == 0; offers != (m[2] == "FILE") {
				t.Errorf("for fidokey %s --%s a shell offers files: %t", strings.Join(path, " "), m[1], offers)
			}
		}
	})
}

// A shell offers devices for --device of every command, and what the values of the
// others may be.
func TestCompleteValues(t *testing.T) {
	everyCommand(new(app).root(), nil, func(c *cobra.Command, path []string) {
		for _, flag := range []string{"-d", "--device"} {
			offered, directive := complete(t, append(path, flag, "")...)
			for _, want := range []string{"virtual", "udp:", "pcsc:", "vpcd:"} {
				if !slices.Contains(offered, want) || directive&cobra.ShellCompDirectiveNoFileComp == 0 {
					t.Errorf("for fidokey %s %s a shell offers %q, and does %v", strings.Join(path, " "), flag, offered, directive)
					break
				}
			}
		}
	})
	for _, test := range []struct {
		words []string
		want  []string
	}{
		{[]string{"list", "--color", ""}, []string{"auto", "always", "never"}},
		{[]string{"info", "--lock", ""}, []string{"open", "call", "none"}},
		{[]string{"serve", "--profile", ""}, []string{"fido23", "fido21", "fido20", "u2f"}},
		{[]string{"completion", ""}, []string{"bash", "fish", "powershell", "zsh"}},
	} {
		if offered, _ := complete(t, test.words...); !slices.Equal(offered, test.want) {
			t.Errorf("after %q a shell offers %q", test.words, offered)
		}
	}
}

// A shell offers no files where a command takes no argument, and none but where its
// help says FILE or it compares listings.
func TestCompleteArguments(t *testing.T) {
	everyCommand(new(app).root(), nil, func(c *cobra.Command, path []string) {
		_, directive := complete(t, append(path, "")...)
		want := strings.Contains(c.Use, "FILE") || c.CommandPath() == "fidokey passkeys compare"
		if offers := directive&cobra.ShellCompDirectiveNoFileComp == 0; offers != want {
			t.Errorf("for fidokey %s a shell offers files: %t", strings.Join(path, " "), offers)
		}
	})
}

// A shell offers a key that is plugged in, or its reader, and does not ask it
// anything.
func TestScreenComplete(t *testing.T) {
	scenario{not: simulators("a completion offers no address of a simulator")}.play(t, func(s *stage) {
		before := len(s.key.Commands())
		offered, _ := complete(s.T, "info", "--device", "")
		if !slices.Contains(offered, s.device) {
			s.Errorf("a shell offers %q without %s", offered, s.device)
		}
		if n := len(s.key.Commands()) - before; n != 0 {
			s.Errorf("the key got %d commands", n)
		}
	})
}
