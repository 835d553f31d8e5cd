package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/examples/internal/keptfile"
)

// fileStorage keeps the software key's records in one file, which each commit
// replaces whole: a crash leaves the old state or the new.
type fileStorage struct {
	path    string
	records map[string][]byte
	lock    *os.File
}

// openFileStorage opens the state at path, a new one if there is no such file
// or an empty one. Two programs can't have it open at once: the PIN retries that
// one has written would come back with the other.
func openFileStorage(path string) (*fileStorage, error) {
	lock, err := keptfile.Lock(path + ".lock")
	if err != nil {
		return nil, problem(exitFailed, "the state in %s: %w", path, err)
	}
	s := &fileStorage{path, map[string][]byte{}, lock}
	b, err := os.ReadFile(path)
	if err == nil && len(b) > 0 {
		err = cbor.Unmarshal(b, &s.records)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Close()
		return nil, problem(exitFailed, "%s is not the state of a software key: %w", path, err)
	}
	return s, nil
}

// Close lets another program have the state.
func (s *fileStorage) Close() error { return s.lock.Close() }

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
	if err := keptfile.Replace(s.path, b); err != nil {
		return err
	}
	s.records = next
	return nil
}
