//go:build unix

package keptfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Lock opens a file that no other program may have locked. Closing it, or
// the end of the program, gives the lock back; the file itself stays.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if err == unix.EWOULDBLOCK {
			err = errors.New("another fidokey is using it")
		}
		return nil, err
	}
	return f, nil
}
