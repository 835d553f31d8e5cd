package main

import (
	"slices"
	"testing"
)

func TestNotInstalled(t *testing.T) {
	names := []string{"gcc", "qemu-system-x86", "xz-utils"}
	for _, tt := range []struct {
		name    string
		listing string
		want    []string
	}{
		{"all", "gcc installed\nqemu-system-x86 installed\nxz-utils installed\n", nil},
		{"one unknown", "gcc installed\nxz-utils installed\n", []string{"qemu-system-x86"}},
		{"one removed, one never there", "gcc installed\nqemu-system-x86 config-files\nxz-utils not-installed\n", []string{"qemu-system-x86", "xz-utils"}},
		{"one half there", "gcc half-installed\nqemu-system-x86 installed\nxz-utils installed\n", []string{"gcc"}},
		{"nothing said", "", names},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := notInstalled(names, tt.listing); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Each package says for which steps it is, and the steps ask by that word.
func TestPackagesAreNeeded(t *testing.T) {
	asked := make(map[string]bool)
	for _, s := range steps {
		for _, name := range s.needs {
			asked[name] = true
		}
	}
	for _, p := range debianPackages {
		if !asked[p.name] {
			t.Errorf("no step needs %s", p.name)
		}
	}
}
