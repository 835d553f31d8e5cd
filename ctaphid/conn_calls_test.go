package ctaphid_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// locking is a Device that notes when calls begin and end.
type locking struct {
	ctaphid.Device
	log []string
	err error
}

func (l *locking) BeginCall(context.Context) error {
	l.log = append(l.log, "begin")
	return l.err
}

func (l *locking) EndCall() { l.log = append(l.log, "end") }

func (l *locking) WriteReport(p []byte) error {
	l.log = append(l.log, "write")
	return l.Device.WriteReport(p)
}

// A Device that wants to know is told of each call, the first INIT included.
func TestConnCalls(t *testing.T) {
	dev := &locking{Device: ctaphidtest.NewFunc(func(m ctaphid.Message, reply func(ctaphid.Message)) { reply(m) })}
	conn, err := ctaphid.Open(t.Context(), dev, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Ping(t.Context(), nil, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"begin", "write", "end", "begin", "write", "end"}; !slices.Equal(dev.log, want) {
		t.Errorf("%q instead of %q", dev.log, want)
	}

	// A call that can't begin sends nothing and leaves the turn to the next.
	dev.log, dev.err = nil, errors.New("another program has the key")
	if _, err := conn.Ping(t.Context(), nil, nil); !errors.Is(err, dev.err) {
		t.Errorf("the error is %v", err)
	}
	if want := []string{"begin"}; !slices.Equal(dev.log, want) {
		t.Errorf("%q instead of %q", dev.log, want)
	}
	dev.err = nil
	if err := conn.Wink(t.Context()); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// waiting is a Device whose calls have to wait for another program.
type waiting struct {
	ctaphid.Device
	closed chan struct{}
}

func (w *waiting) BeginCall(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctaphid.ContextError(ctx)
	case <-w.closed:
		return errors.New("what a backend says that is closed meanwhile")
	}
}

func (w *waiting) Close() error {
	close(w.closed)
	return w.Device.Close()
}

// Close does not wait for a call that has not begun yet.
func TestConnCloseWhileACallWaitsToBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &later{waiting: waiting{Device: echo(), closed: make(chan struct{})}}
		conn, err := ctaphid.Open(t.Context(), dev, nil)
		if err != nil {
			t.Fatal(err)
		}
		results := make(chan error)
		for range 2 { // one waits to begin, one for its turn
			go func() { results <- conn.Wink(t.Context()) }()
		}
		synctest.Wait()
		start := time.Now()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		for range 2 {
			checkError(t, <-results, os.ErrClosed)
		}
		checkElapsed(t, start, 0)
	})
}

// later lets the first call, INIT, begin.
type later struct {
	waiting
	begun bool
}

func (l *later) BeginCall(ctx context.Context) error {
	if l.begun {
		return l.waiting.BeginCall(ctx)
	}
	l.begun = true
	return nil
}

func TestContextErrorHasTheCause(t *testing.T) {
	cause := errors.New("the window was closed")
	for _, tt := range []struct {
		name string
		call func(ctx context.Context) error
	}{
		{"Serve", func(ctx context.Context) error {
			_, key := ctaphid.Pipe(64, 64)
			return ctaphid.NewServer(newScriptedKey(), nil).Serve(ctx, key)
		}},
		{"BeginCall", func(ctx context.Context) error {
			_, err := ctaphid.Open(ctx, &waiting{Device: echo(), closed: make(chan struct{})}, nil)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(cause) })
				if err := tt.call(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}
