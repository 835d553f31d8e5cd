//go:build cgo && (darwin || windows || freebsd || (linux && hidapi))

package hidapi

import (
	"context"
	"errors"
	"os"
	"testing"
)

// The list of this machine, whatever it has, comes without an error.
func TestList(t *testing.T) {
	keys, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.Path == "" {
			t.Errorf("%+v", k)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, path := range []string{"", "no such path", "/dev/no-such-node", "a\x00b", t.TempDir()} {
		d, err := Open(t.Context(), path)
		if d != nil || err == nil {
			t.Errorf("%q was opened", path)
		}
		if _, ok := errors.AsType[*os.PathError](err); !ok {
			t.Errorf("%q: %T %v", path, err, err)
		}
	}
}

func TestOpenEndsWithTheContext(t *testing.T) {
	library <- struct{}{} // as a slow List would
	defer end()
	cause := errors.New("the window was closed")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := Open(ctx, "path"); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Error(err)
	}
}
