package main

import (
	"slices"
	"testing"
)

func TestBuildTags(t *testing.T) {
	for _, tt := range []struct {
		name   string
		source string
		want   []string
	}{
		{"none", "package p\n", nil},
		{"one", "//go:build hidapi\n\npackage p\n", []string{"hidapi"}},
		{"all of an expression", "// Copyright\n\n//go:build (linux && !cgo) || a || (b && linux)\n\npackage p\n", []string{"a", "b", "cgo", "linux"}},
		{"after the package clause", "package p\n\n//go:build hidapi\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := buildTags([]byte(tt.source))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if tags, err := buildTags([]byte("//go:build a &&\n\npackage p\n")); err == nil {
		t.Errorf("a broken expression gives %q", tags)
	}
}
