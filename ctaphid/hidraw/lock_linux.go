package hidraw

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gofido/fido/ctaphid"
)

// Tries to get the lock: the pauses between them grow by half each time, from
// firstPause to lastPause, 14 seconds in all.
const (
	lockTries  = 20
	firstPause = 5 * time.Millisecond
	lastPause  = 2 * time.Second
)

// acquire calls try until it returns anything but EWOULDBLOCK, ctx ends or
// closed is closed. waited says that the lock was somebody else's in between.
func acquire(ctx context.Context, closed <-chan struct{}, try func() error) (waited bool, err error) {
	if ctx.Err() != nil {
		return false, ctaphid.ContextError(ctx)
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
		case <-closed:
			t.Stop()
			return waited, os.ErrClosed
		}
		t.Stop()
		if ctx.Err() != nil {
			return waited, fmt.Errorf("%w (%w)", ErrLocked, ctaphid.ContextError(ctx))
		}
		pause = min(pause*3/2, lastPause)
	}
	return waited, ErrLocked
}
