//go:build !windows && !(darwin && cgo) && !linux && !freebsd

package pcsc

import (
	"context"
	"errors"
	"fmt"
)

// connect says which build could: on macOS the system's library needs cgo.
func connect(context.Context) (service, error) {
	return nil, fmt.Errorf("card readers need a build with cgo on this system: %w", errors.ErrUnsupported)
}
