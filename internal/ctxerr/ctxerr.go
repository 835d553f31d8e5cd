// Package ctxerr tells why a context ended.
package ctxerr

import (
	"context"
	"fmt"
)

// Of returns why ctx has ended: its error, context.Canceled or
// context.DeadlineExceeded, and its cause, if it was given another; errors.Is finds
// both.
func Of(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == err {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}
