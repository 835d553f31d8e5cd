package hid

import (
	"errors"
	"fmt"
	"io/fs"
)

// ErrNotFIDO is returned for a HID device that is not a FIDO key: its report
// descriptor has no collection with [FIDOUsage].
var ErrNotFIDO = errors.New("it is a HID device, but not a FIDO key")

// An AccessError is a key that is there but that this program may not open.
type AccessError struct {
	Path   string
	Advice string // a sentence that tells a person what to do
	Err    error  // what the system said; errors.Is(err, fs.ErrPermission) as a rule
}

func (e *AccessError) Error() string {
	s := "the key at " + e.Path + " can't be opened: " + e.Err.Error()
	if e.Advice != "" {
		s += ". " + e.Advice
	}
	return s
}

// Unwrap returns Err.
func (e *AccessError) Unwrap() error { return e.Err }

// NewAccessError returns an [*AccessError] with advice for the system that the
// program runs on. err is what the system said.
func NewAccessError(path string, err error) *AccessError {
	return &AccessError{Path: path, Advice: advice(err), Err: err}
}

// NewOpenError returns the error of opening the device at path for any other
// reason than a lack of permission. If err says that nothing is there, the text
// tells what to do about it.
func NewOpenError(path string, err error) *fs.PathError {
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: plug the key in, or take the path of one that is", err)
	}
	return &fs.PathError{Op: "open", Path: path, Err: err}
}
