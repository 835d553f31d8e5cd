package hidraw

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestAcquire(t *testing.T) {
	busy := func(times int) func() error {
		return func() error {
			if times--; times >= 0 {
				return unix.EWOULDBLOCK
			}
			return nil
		}
	}
	for _, tt := range []struct {
		name    string
		try     func() error
		timeout time.Duration // of the context
		waited  bool
		want    error
		least   time.Duration
		most    time.Duration
	}{
		{"free", busy(0), time.Hour, false, nil, 0, 0},
		{"freed soon", busy(3), time.Hour, true, nil, 20 * time.Millisecond, 50 * time.Millisecond},
		{"freed late", busy(19), time.Hour, true, nil, 10 * time.Second, 15 * time.Second},
		{"never freed", busy(1000), time.Hour, true, ErrLocked, 10 * time.Second, 15 * time.Second},
		{"context ends first", busy(1000), time.Second, true, context.DeadlineExceeded, time.Second, time.Second},
		{"context ends with the first pause", busy(1000), firstPause, true, context.DeadlineExceeded, firstPause, firstPause},
		{"context has ended", busy(0), 0, false, context.DeadlineExceeded, 0, 0},
		{"other error", func() error { return unix.EBADF }, time.Hour, false, unix.EBADF, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				start := time.Now()
				waited, err := acquire(ctx, nil, tt.try)
				if waited != tt.waited || !errors.Is(err, tt.want) {
					t.Errorf("got %v, %v; want %v, %v", waited, err, tt.waited, tt.want)
				}
				if d := time.Since(start); d < tt.least || d > tt.most {
					t.Errorf("took %v", d)
				}
				if tt.waited && err != nil && !errors.Is(err, ErrLocked) {
					t.Errorf("%v does not say that the key is locked", err)
				}
			})
		})
	}
}

// Two opens of a file stand for two programs: flock belongs to an open.
func lockPair(t *testing.T, lock Lock) (a, b *Device) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "node")
	open := func() *Device {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return newDevice(f, usual, lock)
	}
	return open(), open()
}

func TestCallsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := lockPair(t, LockCall)
		if err := a.BeginCall(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.BeginCall(ctx); !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("second call: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			a.EndCall()
		}()
		if err := b.BeginCall(t.Context()); err != nil {
			t.Errorf("after the first call: %v", err)
		}
		if err := b.Close(); err != nil { // gives the lock back
			t.Error(err)
		}
		if err := a.BeginCall(t.Context()); err != nil {
			t.Errorf("after Close: %v", err)
		}
	})
}

// The wait for another program's call ends at once when the Device is closed,
// by way of its Conn too, and with the context's error and its cause.
func TestWaitForTheLockEnds(t *testing.T) {
	cause := errors.New("the window was closed")
	for _, tt := range []struct {
		name string
		end  func(d *Device, cancel context.CancelCauseFunc)
		want []error
	}{
		{"Close", func(d *Device, _ context.CancelCauseFunc) { d.Close() }, []error{os.ErrClosed}},
		{"context", func(_ *Device, cancel context.CancelCauseFunc) { cancel(cause) }, []error{ErrLocked, context.Canceled, cause}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := lockPair(t, LockCall)
				if err := a.BeginCall(t.Context()); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				time.AfterFunc(8*time.Second, func() { tt.end(b, cancel) })
				start := time.Now()
				err := b.BeginCall(ctx)
				for _, want := range tt.want {
					if !errors.Is(err, want) {
						t.Errorf("the error is %v, want one that is %v", err, want)
					}
				}
				if took := time.Since(start); took != 8*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestContextThatHasEnded(t *testing.T) {
	cause := errors.New("the window was closed")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := acquire(ctx, nil, func() error { return nil })
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("the error is %v", err)
	}
}

func TestCallsDoNotLockOtherwise(t *testing.T) {
	for _, lock := range []Lock{LockOpen, LockNone} {
		a, b := lockPair(t, lock)
		if err := errors.Join(a.BeginCall(t.Context()), b.BeginCall(t.Context())); err != nil {
			t.Errorf("%v: %v", lock, err)
		}
		a.EndCall()
		b.EndCall()
	}
}

func TestLockString(t *testing.T) {
	for lock, want := range map[Lock]string{LockOpen: "open", LockCall: "call", LockNone: "none", 9: "unknown lock"} {
		if got := lock.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
