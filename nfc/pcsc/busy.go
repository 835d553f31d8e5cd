//go:build linux || freebsd || windows || (darwin && cgo)

package pcsc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofido/fido/nfc"
)

// busy is how soon the service is asked again while another program has a
// transaction.
const busy = 20 * time.Millisecond

// whenFree calls f until no other program has a transaction. pcscd does not wait for
// its end but refuses what has to, after a short while or at once.
func whenFree(ctx context.Context, f func() error) error {
	for {
		err := f()
		if !errors.Is(err, SharingViolation) {
			return err
		}
		select {
		case <-time.After(busy):
		case <-ctx.Done():
			return stillBusy(ctx)
		}
	}
}

// stillBusy is the error of what has waited for another program until ctx ended.
func stillBusy(ctx context.Context) error {
	return fmt.Errorf("%w: %w", SharingViolation, nfc.ContextError(ctx))
}
