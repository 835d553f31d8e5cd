package fido

import (
	"errors"
	"strings"

	"github.com/gofido/fido/ctaphid/hid"
)

// List returns the security keys that are plugged in, whether this program may
// open them or not: hid.Info.Access says why not. No keys is not an error. The
// error is errors.ErrUnsupported, with advice, in a build that can't look.
func List() ([]hid.Info, error) { return list() }

// ErrNoKey says that no security key is plugged in, as far as [List] can see.
var ErrNoKey = errors.New("fido: no security key is plugged in: plug one in, or name the device to open")

// A SelectError says that more than one key is plugged in, so that the caller
// must name one.
type SelectError struct {
	Keys []hid.Info
}

func (e *SelectError) Error() string {
	paths := make([]string, len(e.Keys))
	for i, k := range e.Keys {
		paths[i] = k.Path
	}
	return "fido: several security keys are plugged in; name one of " + strings.Join(paths, ", ")
}

// only returns the path of the only key.
func only() (string, error) {
	keys, err := list()
	switch {
	case err != nil:
		return "", err
	case len(keys) == 0:
		return "", ErrNoKey
	case len(keys) > 1:
		return "", &SelectError{keys}
	}
	return keys[0].Path, nil
}
