package hidraw

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Tries to get the lock: the pauses between them grow by half each time, from
// firstPause to lastPause, 14 seconds in all.
const (
	lockTries  = 20
	firstPause = 5 * time.Millisecond
	lastPause  = 2 * time.Second
)

// acquire calls try until it returns anything but EWOULDBLOCK. waited says
// that the lock was somebody else's in between.
func acquire(ctx context.Context, try func() error) (waited bool, err error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	pause := firstPause
	for range lockTries {
		if err := try(); err != unix.EWOULDBLOCK {
			return waited, err
		}
		waited = true
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return waited, fmt.Errorf("%w (%w)", ErrLocked, context.Cause(ctx))
		}
		pause = min(pause*3/2, lastPause)
	}
	return waited, ErrLocked
}
