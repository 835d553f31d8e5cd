//go:build linux

package vm

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// unpack reads an archive by the kernel's description of it, and returns each
// entry as "path mode contents".
func unpack(t *testing.T, archive []byte) []string {
	t.Helper()
	var entries []string
	for at := 0; ; {
		const header = 110
		if at%4 != 0 || len(archive) < at+header || string(archive[at:at+6]) != "070701" {
			t.Fatalf("no header at %d of %d", at, len(archive))
		}
		field := func(i int) int {
			v, err := strconv.ParseUint(string(archive[at+6+8*i:at+14+8*i]), 16, 32)
			if err != nil {
				t.Fatalf("header at %d, field %d: %v", at, i, err)
			}
			return int(v)
		}
		mode, size, major, minor, nameSize := field(1), field(6), field(9), field(10), field(11)
		name := string(archive[at+header : at+header+nameSize])
		data := (at + header + nameSize + 3) &^ 3
		if !strings.HasSuffix(name, "\x00") {
			t.Fatalf("name %q has no end", name)
		}
		name = strings.TrimSuffix(name, "\x00")
		if name == "TRAILER!!!" {
			if data != len(archive) {
				t.Errorf("%d bytes after the trailer", len(archive)-data)
			}
			return entries
		}
		entry := fmt.Sprintf("%s %o %s", name, mode, archive[data:data+size])
		if major != 0 {
			entry += fmt.Sprintf("%d:%d", major, minor)
		}
		entries = append(entries, entry)
		at = (data + size + 3) &^ 3
	}
}

func TestRoot(t *testing.T) {
	host := t.TempDir()
	for name, contents := range map[string]string{"tree/a/one": "1", "tree/a/two": "22", "tree/skipped/x": "-", "tree/b": "4444"} {
		p := filepath.Join(host, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(contents), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("b", filepath.Join(host, "tree/link")); err != nil {
		t.Fatal(err)
	}
	root := NewRoot()
	if err := root.AddTree(filepath.Join(host, "tree"), "/opt/tree", func(p string) bool { return p == "skipped" }); err != nil {
		t.Fatal(err)
	}
	if err := root.AddFile(filepath.Join(host, "tree/b"), "/sbin/b"); err != nil {
		t.Fatal(err)
	}
	root.AddData("/lib/deep/down/file", []byte("data"), 0o600)
	before := root.Clone()
	root.AddLink("file", "/usr/lib/deep/down/link")

	archive := func(r *Root) []string {
		var b bytes.Buffer
		if err := r.write(&b); err != nil {
			t.Fatal(err)
		}
		return unpack(t, b.Bytes())
	}
	got := archive(root)
	want := []string{
		"bin 120777 usr/bin",
		"dev/console 20600 5:1",
		"opt/tree/a/one 100640 1",
		"opt/tree/a/two 100640 22",
		"opt/tree/b 100640 4444",
		"opt/tree/link 120777 b",
		"usr/sbin/b 100640 4444",
		"usr/lib/deep/down/file 100600 data",
		"usr/lib/deep/down/link 120777 file",
	}
	have := make(map[string]bool)
	for _, entry := range got {
		name, _, _ := strings.Cut(entry, " ")
		if parent, _ := filepath.Split(name); parent != "" && !have[strings.TrimSuffix(parent, "/")] {
			t.Errorf("%s comes before its folder", name)
		}
		have[name], have[entry] = true, true
	}
	for _, entry := range want {
		if !have[entry] {
			t.Errorf("there is no %q", entry)
		}
	}
	if have["opt/tree/skipped"] {
		t.Error("the skipped folder is there")
	}
	if n := len(archive(before)); n != len(got)-1 {
		t.Errorf("the copy made before the last entry has %d entries, want %d", n, len(got)-1)
	}
}

func TestRootRefuses(t *testing.T) {
	root := NewRoot()
	if err := root.AddFile(t.TempDir(), "/x"); err == nil {
		t.Error("a folder is taken for a file")
	}
	gone := filepath.Join(t.TempDir(), "gone")
	if err := os.WriteFile(gone, []byte("contents"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := root.AddFile(gone, "/gone"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	if err := root.write(new(bytes.Buffer)); err == nil {
		t.Error("an archive is written without one of its files")
	}
}
