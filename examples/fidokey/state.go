package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/gofido/fido/cbor"
)

// fileStorage keeps the software key's records in one file, which each commit
// replaces whole: a crash leaves the old state or the new.
type fileStorage struct {
	path    string
	records map[string][]byte
}

func openFileStorage(path string) (*fileStorage, error) {
	s := &fileStorage{path, map[string][]byte{}}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, err
	}
	if err := cbor.Unmarshal(b, &s.records); err != nil {
		return nil, fmt.Errorf("%s is not a state that serve has written: %w", path, err)
	}
	return s, nil
}

func (s *fileStorage) Load() (map[string][]byte, error) { return s.records, nil }

func (s *fileStorage) Commit(changes map[string][]byte) error {
	next := maps.Clone(s.records)
	for name, value := range changes {
		if value == nil {
			delete(next, name)
		} else {
			next[name] = append([]byte{}, value...)
		}
	}
	b, err := cbor.Marshal(next)
	if err != nil {
		return err
	}
	if err := replaceFile(s.path, b); err != nil {
		return err
	}
	s.records = next
	return nil
}

// replaceFile writes a file that only its owner may read, and puts it in place
// when it is on the disk.
func replaceFile(path string, b []byte) error {
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
