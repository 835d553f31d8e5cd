//go:build linux

package vm

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Root is the file system that a machine starts with. It has Debian's layout:
// /bin, /sbin, /lib and /lib64 are links into /usr, and a path that goes
// through one of them names the same file as the path under /usr. Folders that
// a file needs are made with it.
//
// Files of the host are read when a machine starts, not when they are added. A
// Root must not be changed while a machine starts with it.
type Root struct {
	entries map[string]rootEntry // by cleaned path in the guest, without the leading slash
}

// rootEntry is one file: a file of the host, or data, or a link or folder.
type rootEntry struct {
	mode         uint32
	source       string // path on the host
	data         []byte // contents, or where a link leads
	major, minor uint32
}

// NewRoot returns a root with the folders that a program expects, and with no
// program.
func NewRoot() *Root {
	r := &Root{entries: make(map[string]rootEntry)}
	for _, dir := range []string{"usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "dev", "proc", "sys", "run", "tmp", "root", "etc"} {
		r.folder(dir)
	}
	for _, dir := range []string{"bin", "sbin", "lib", "lib64"} {
		r.entries[dir] = rootEntry{mode: modeSymlink | 0o777, data: []byte("usr/" + dir)}
	}
	// The kernel opens it for process 1; without it process 1 has no standard output.
	r.entries["dev/console"] = rootEntry{mode: modeCharacter | 0o600, major: 5, minor: 1}
	return r
}

// Clone returns a copy that can be added to without changing r.
func (r *Root) Clone() *Root { return &Root{entries: maps.Clone(r.entries)} }

// clean returns guest as a key of entries.
func clean(guest string) string {
	p := strings.TrimPrefix(path.Clean("/"+guest), "/")
	first, _, _ := strings.Cut(p, "/")
	switch first {
	case "bin", "sbin", "lib", "lib64":
		return "usr/" + p
	}
	return p
}

// folder makes dir and those above it.
func (r *Root) folder(dir string) {
	for ; dir != "." && dir != "/" && dir != ""; dir = path.Dir(dir) {
		if _, ok := r.entries[dir]; ok {
			return
		}
		r.entries[dir] = rootEntry{mode: modeDirectory | 0o755}
	}
}

func (r *Root) put(guest string, e rootEntry) {
	p := clean(guest)
	r.folder(path.Dir(p))
	r.entries[p] = e
}

// AddData puts a file with the given contents and permissions at guest.
func (r *Root) AddData(guest string, data []byte, permissions fs.FileMode) {
	r.put(guest, rootEntry{mode: modeRegular | uint32(permissions.Perm()), data: data})
}

// AddLink makes guest a symbolic link to target.
func (r *Root) AddLink(target, guest string) {
	r.put(guest, rootEntry{mode: modeSymlink | 0o777, data: []byte(target)})
}

// AddFile puts the host's file at guest, with its permissions and, when it is
// a dynamically linked program or a library, with the shared libraries that it
// names, which keep their places. Links are followed.
func (r *Root) AddFile(host, guest string) error {
	info, err := os.Stat(host)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", host)
	}
	r.put(guest, rootEntry{mode: modeRegular | uint32(info.Mode().Perm()), source: host})
	return r.addLibraries(host)
}

// AddPrograms puts programs of the host at the paths that they have there.
func (r *Root) AddPrograms(paths ...string) error {
	for _, p := range paths {
		if err := r.AddFile(p, p); err != nil {
			return err
		}
	}
	return nil
}

// AddTree puts a folder of the host with all that is in it at guest. Paths
// for which skip, if given, returns true are left out; it is asked with the
// path relative to host. Links stay links.
func (r *Root) AddTree(host, guest string, skip func(relative string) bool) error {
	return filepath.WalkDir(host, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(host, p)
		if err != nil {
			return err
		}
		if relative != "." && skip != nil && skip(relative) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		to := path.Join(guest, relative)
		switch {
		case d.IsDir():
			r.folder(clean(to))
			return nil
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			r.AddLink(target, to)
			return nil
		case d.Type().IsRegular():
			return r.AddFile(p, to)
		}
		return nil // sockets and pipes mean nothing in another machine
	})
}

// libraryFolders is where Debian's dynamic linker looks without being told.
var libraryFolders = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib", "/lib64", "/usr/lib64"}

// addLibraries adds the libraries that the ELF file names, and theirs in turn,
// and the dynamic linker. A file of another format needs none.
func (r *Root) addLibraries(host string) error {
	f, err := elf.Open(host)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) || errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		if err != nil {
			return err
		}
		if err := r.addLibrary(string(bytes.TrimRight(name, "\x00"))); err != nil {
			return err
		}
	}
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil // no dynamic section: a static program
	}
	folders := slices.Concat(r.runPath(f, host), libraryFolders)
	for _, name := range names {
		at := slices.IndexFunc(folders, func(dir string) bool {
			_, err := os.Stat(filepath.Join(dir, name))
			return err == nil
		})
		if at < 0 {
			return fmt.Errorf("%s needs the library %s, which is in none of %s", host, name, strings.Join(folders, ", "))
		}
		if err := r.addLibrary(filepath.Join(folders[at], name)); err != nil {
			return err
		}
	}
	return nil
}

// runPath returns the folders that the file itself names for its libraries.
func (*Root) runPath(f *elf.File, host string) (folders []string) {
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		values, _ := f.DynString(tag)
		for _, v := range values {
			for dir := range strings.SplitSeq(v, ":") {
				folders = append(folders, strings.ReplaceAll(dir, "$ORIGIN", filepath.Dir(host)))
			}
		}
	}
	return folders
}

func (r *Root) addLibrary(p string) error {
	if _, ok := r.entries[clean(p)]; ok {
		return nil
	}
	return r.AddFile(p, p)
}

// write writes the root as an initramfs. Sorted paths put a folder before
// what is in it.
func (r *Root) write(w io.Writer) error {
	c := &cpioWriter{w: w}
	for _, name := range slices.Sorted(maps.Keys(r.entries)) {
		e := r.entries[name]
		h := cpioHeader{name: name, mode: e.mode, size: int64(len(e.data)), major: e.major, minor: e.minor}
		if e.source == "" {
			c.entry(h, bytes.NewReader(e.data))
			continue
		}
		if err := writeFile(c, h, e.source); err != nil {
			return err
		}
	}
	return c.close()
}

func writeFile(c *cpioWriter, h cpioHeader, source string) error {
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.size = info.Size()
	c.entry(h, f)
	return c.err
}
