package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/examples/internal/layout"
	"github.com/spf13/cobra"
)

// every returns the command lines of all commands below c, and its own.
func every(c *cobra.Command) [][]string {
	lines := [][]string{strings.Fields(c.CommandPath())[1:]}
	for _, sub := range c.Commands() {
		lines = append(lines, every(sub)...)
	}
	return lines
}

func TestHelp(t *testing.T) {
	a := &app{system: thisSystem}
	for _, words := range every(a.root()) {
		t.Run(strings.Join(append([]string{"fidokey"}, words...), " ")+"/fits a terminal", func(t *testing.T) {
			r := fidokey(t, t.Context(), "", slices.Concat(words, []string{"--help"})...)
			if r.code != exitOK {
				t.Fatalf("exit code %d: %s", r.code, r.err)
			}
			for line := range strings.Lines(r.out) {
				if line = strings.TrimSuffix(line, "\n"); layout.Width(line) > helpWidth {
					t.Errorf("%d characters: %s", layout.Width(line), line)
				}
			}
		})
	}
}

// What is not there is said by the name of the command that does not have it.
func TestNoSuchCommand(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"passkey list", `there is no command "passkey" in fidokey: is it passkeys that you mean?`},
		{"passkeys lst", `there is no command "lst" in fidokey passkeys: is it list that you mean?`},
		{"blobs everything", `there is no command "everything" in fidokey blobs; fidokey blobs --help tells what there is`},
		{"register --usr ada", "unknown flag: --usr; fidokey register --help tells what there is"},
	} {
		t.Run(c.line+"/where to look", func(t *testing.T) {
			r := fidokey(t, t.Context(), "", strings.Fields(c.line)...)
			if want := "fidokey: " + c.want + "\n"; r.code != exitUsage || r.err != want {
				t.Errorf("exit code %d and %q, want %d and %q", r.code, r.err, exitUsage, want)
			}
		})
	}
}

// On a narrow terminal nothing is broken in the middle of a word, and tables keep
// their columns.
func TestScreenNarrow(t *testing.T) {
	scenario{columns: 50, not: cardReaders("their words differ in length")}.play(t, func(s *stage) {
		s.Run("pin verify")
		s.Exit(exitPIN)
		s.setPIN()
		s.Run("pin set")
		s.Exit(exitPIN)
		s.Run("pin change")
		s.Answer("left): ", "12345")
		s.Answer("New PIN: ", "123")
		s.Answer("New PIN: ", "1234567")
		s.Answer("again: ", "1234567")
		s.Answer("left): ", "1234")
		s.Exit(exitOK)
		s.Run("config")
		s.Run("passkeys delete --help")
	})
}

// Where no simulator runs, the error is in words, without the layers that met it.
func TestNoSimulator(t *testing.T) {
	r := fidokey(t, t.Context(), "", "info", "-d", "udp:127.0.0.1:1:0")
	if want := "fidokey: nobody listens at 127.0.0.1:1 (UDP): start the simulator there, or give the address at which it runs\n"; r.code != exitNoKey || r.err != want {
		t.Errorf("exit code %d and %q, want %d and %q", r.code, r.err, exitNoKey, want)
	}
}
