//go:build (linux || freebsd) && !(scard && !cgo) && !(scard && system)

package pcsc

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofido/fido/internal/fakepcscd"
	"github.com/gofido/fido/nfc"
)

// A card that another program keeps is busy, not gone, whether the service refuses
// to reset it or has the reset wait; and nothing that was left behind gets in the way
// once it is free. There is one daemon: the system's library looks for its socket once,
// so that the tests with a real one are in another program.
func TestResetOfBusyCard(t *testing.T) {
	var refuse atomic.Bool
	hang := make(chan struct{})
	var wait atomic.Pointer[chan struct{}]
	f := &fakepcscd.Daemon{Reconnect: func() uint32 {
		if w := wait.Load(); w != nil {
			<-*w
		}
		if refuse.Load() {
			return uint32(SharingViolation)
		}
		return 0
	}}
	f.Start(t)
	f.Set(fakepcscd.Reader{Name: "A", Events: 1, ATR: fakepcscd.ContactlessATR})
	card, err := Open(t.Context(), "A", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	busy := func(what string) {
		t.Helper()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, nfc.ErrGone)
		defer cancel()
		if err := card.Reset(ctx); !errors.Is(err, nfc.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refuse.Store(true)
	busy("refused")
	refuse.Store(false)
	if err := card.Reset(t.Context()); err != nil {
		t.Errorf("free again: %v", err)
	}
	if !resetMayWait {
		return
	}
	wait.Store(&hang)
	defer close(hang)
	busy("waiting")
	wait.Store(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := card.Reset(ctx); err != nil { // by another connection
		t.Fatal(err)
	}
	if err := card.Begin(ctx); err != nil {
		t.Error(err)
	}
	if err := card.End(); err != nil {
		t.Error(err)
	}
}
