// Package keptfile keeps what a program remembers in a file: one program at a time
// changes it, and a crash leaves what was there before or what is new.
package keptfile

import (
	"os"
	"path/filepath"
)

// Replace writes a file that only its owner may read, and puts it in place
// when it is on the disk.
func Replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails when the file is in place, as it should
	if _, err := f.Write(b); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
