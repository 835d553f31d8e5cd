//go:build unix

package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestEveryCommandIsOnAScreen checks that the screens show every command, and every
// flag, those of all commands included.
func TestEveryCommandIsOnAScreen(t *testing.T) {
	files, err := fs.Glob(screens, "*.txt")
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]bool)
	for _, file := range files {
		b, err := fs.ReadFile(screens, file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			args, isCommand := strings.CutPrefix(strings.TrimSpace(line), "$ fidokey ")
			if !isCommand {
				continue
			}
			path, words := command(t, args)
			shown[path] = true
			c, rest, err := wholeRoot().Find(words)
			if err != nil {
				t.Fatal(err)
			}
			c.ParseFlags(rest) // as far as they are right
			c.Flags().Visit(func(f *pflag.Flag) {
				shown[path+" --"+f.Name] = true
				shown["--"+f.Name] = true
			})
		}
	}
	root := wholeRoot()
	for _, path := range commands(root) {
		if !shown[path] {
			t.Errorf("no screen shows fidokey %s", path)
		}
		c, _, err := root.Find(strings.Fields(path))
		if err != nil {
			t.Fatal(err)
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if own := path + " --" + f.Name; f.Name != "help" && !shown[own] {
				t.Errorf("no screen shows fidokey %s", own)
			}
		})
	}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !shown["--"+f.Name] {
			t.Errorf("no screen shows --%s", f.Name)
		}
	})
}
