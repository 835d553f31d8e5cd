//go:build !(cgo && (darwin || windows || freebsd || (linux && hidapi)))

package hidapi

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/gofido/fido/ctaphid/hid"
)

var errUnsupported = fmt.Errorf("hidapi: %s: %w", instead(), errors.ErrUnsupported)

// instead says which build could.
func instead() string {
	switch runtime.GOOS {
	case "linux":
		return "use package hidraw, or build with cgo and -tags hidapi"
	case "darwin", "windows", "freebsd":
		return "build with cgo (CGO_ENABLED=1 and a C compiler) to use keys on " + runtime.GOOS
	}
	return "HID devices can't be used on " + runtime.GOOS
}

// List returns an error that is errors.ErrUnsupported.
func List() ([]hid.Info, error) { return nil, errUnsupported }

// Open returns an error that is errors.ErrUnsupported.
func Open(context.Context, string) (*Device, error) { return nil, errUnsupported }
