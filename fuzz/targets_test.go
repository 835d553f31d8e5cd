package fuzz

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTargets compares the list in README.md with the targets of the module.
func TestTargets(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	missing := make(map[string]bool) // rows of the table
	for _, row := range regexp.MustCompile("(?m)^\\| `(Fuzz\\w+)` \\| `([\\w/]+)` \\|").FindAllSubmatch(readme, -1) {
		missing[string(row[2])+" "+string(row[1])] = true
	}
	if len(missing) == 0 {
		t.Fatal("README.md has no table of targets")
	}
	target := regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\) \{$`)
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel("..", filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, match := range target.FindAllSubmatch(source, -1) {
			name := filepath.ToSlash(folder) + " " + string(match[1])
			if !missing[name] {
				t.Errorf("README.md does not say what %s is about", name)
			}
			delete(missing, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range missing {
		t.Errorf("README.md speaks of %s, which does not exist", name)
	}
}
