//go:build unix

package main

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// aFlag matches where a flag stands in the usage that cobra makes of it.
var aFlag = regexp.MustCompile(`(?m)^ {2,6}(?:-\w, )?--([a-z-]+)`)

// flagNames returns the names of flags, of which usages tells.
func flagNames(usages string) (names []string) {
	for _, m := range aFlag.FindAllStringSubmatch(usages, -1) {
		names = append(names, m[1])
	}
	return names
}

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
			for _, name := range flagNames(c.Flags().FlagUsages()) {
				if c.Flags().Changed(name) {
					shown[path+" --"+name] = true
					shown["--"+name] = true
				}
			}
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
		for _, name := range flagNames(c.LocalNonPersistentFlags().FlagUsages()) {
			if own := path + " --" + name; name != "help" && !shown[own] {
				t.Errorf("no screen shows fidokey %s", own)
			}
		}
	}
	for _, name := range flagNames(root.PersistentFlags().FlagUsages()) {
		if !shown["--"+name] {
			t.Errorf("no screen shows --%s", name)
		}
	}
}
