//go:build !(cgo && (darwin || windows || freebsd || (linux && hidapi)))

package hidapi

import (
	"errors"
	"strings"
	"testing"
)

func TestUnsupported(t *testing.T) {
	_, errList := List()
	_, errOpen := Open(t.Context(), "path")
	for _, err := range []error{errList, errOpen} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.HasPrefix(err.Error(), "hidapi: ") || !strings.Contains(err.Error(), "cgo") {
			t.Error(err)
		}
	}
}
