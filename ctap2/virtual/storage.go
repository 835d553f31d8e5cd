package virtual

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"sync"
)

// A Storage keeps what survives when a key loses power: records of bytes under
// names. The key calls one method at a time.
type Storage interface {
	// Load returns all records. The key keeps none of the memory.
	Load() (map[string][]byte, error)

	// Commit writes the changed records, and deletes those whose value is nil:
	// all of them or, if it fails, none. It keeps none of the memory, which
	// the key wipes. If it fails the key answers CTAP1_ERR_OTHER.
	Commit(changes map[string][]byte) error
}

// A StorageError says that a key can't start from what its Storage holds.
type StorageError struct {
	Record string // the name of the record at fault; "" if Load or Commit failed
	Err    error
}

func (e *StorageError) Error() string {
	if e.Record == "" {
		return "virtual: storage: " + e.Err.Error()
	}
	return fmt.Sprintf("virtual: storage: record %q is corrupt: %v", e.Record, e.Err)
}

// Unwrap returns Err.
func (e *StorageError) Unwrap() error { return e.Err }

// ErrPowerCut is what a [MemoryStorage] answers when the power is cut.
var ErrPowerCut = errors.New("virtual: the power was cut")

// A MemoryStorage keeps records in memory, counts the commits, and can cut the
// power at any of them. The zero value is empty and ready. It may be used by
// several goroutines, but by one key at a time.
type MemoryStorage struct {
	mu      sync.Mutex
	records map[string][]byte
	commits int
	cut     bool // armed: left says after how many commits
	left    int
	written bool // the commit that the cut hits is still written
}

// NewMemoryStorage returns an empty storage.
func NewMemoryStorage() *MemoryStorage { return new(MemoryStorage) }

// Load returns a copy of all records.
func (s *MemoryStorage) Load() (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut && s.left < 0 {
		return nil, ErrPowerCut
	}
	return s.copy(), nil
}

func (s *MemoryStorage) copy() map[string][]byte {
	c := make(map[string][]byte, len(s.records))
	for name, value := range s.records {
		c[name] = bytes.Clone(value)
	}
	return c
}

// Commit implements Storage. It fails with [ErrPowerCut] from the commit on
// that CutPowerAfter or CutPowerAfterWrite names.
func (s *MemoryStorage) Commit(changes map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		s.left--
		if s.left < -1 || s.left == -1 && !s.written {
			s.left = -2
			return ErrPowerCut
		}
	}
	if s.records == nil {
		s.records = make(map[string][]byte, len(changes))
	}
	for name, value := range changes {
		if value == nil {
			delete(s.records, name)
			continue
		}
		// Reusing the old memory keeps a counter that is written at each login
		// from costing an allocation.
		s.records[name] = append(s.records[name][:0], value...)
	}
	s.commits++
	if s.cut && s.left == -1 {
		s.left = -2
		return ErrPowerCut
	}
	return nil
}

// Commits returns how many commits have been written.
func (s *MemoryStorage) Commits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commits
}

// CutPowerAfter lets n more commits through and then cuts the power: the next
// commit, and all that follow, fail and write nothing. PowerCycle ends it.
func (s *MemoryStorage) CutPowerAfter(n int) { s.arm(n, false) }

// CutPowerAfterWrite is CutPowerAfter, but the commit at which the power goes
// is written all the same, and the key does not hear of it.
func (s *MemoryStorage) CutPowerAfterWrite(n int) { s.arm(n, true) }

func (s *MemoryStorage) arm(n int, written bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut, s.left, s.written = true, max(n, 0), written
}

// PowerCycle gives the power back after a cut. [Key.PowerCycle] calls it.
func (s *MemoryStorage) PowerCycle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = false
}

// Snapshot returns a copy of all records, for Restore.
func (s *MemoryStorage) Snapshot() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copy()
}

// Restore replaces all records. A key that runs on the storage notices at its
// next PowerCycle.
func (s *MemoryStorage) Restore(snapshot map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = maps.Clone(snapshot)
	s.records = s.copy()
}
