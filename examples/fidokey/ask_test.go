package main

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"
)

// A person at a terminal has five minutes, however short the time for the key is, and
// what --timeout says if it was given.
func TestPatience(t *testing.T) {
	_, terminal, err := pty.Open()
	if errors.Is(err, pty.ErrUnsupported) {
		t.Skip("this system has no pseudo-terminals")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	for _, test := range []struct {
		name string
		app  *app
		want time.Duration
	}{
		{"at a terminal", &app{in: terminal, timeout: time.Minute}, 5 * time.Minute},
		{"at a terminal with --timeout", &app{in: terminal, timeout: 2 * time.Second, hasty: true}, 2 * time.Second},
		{"through a pipe", &app{in: new(io.PipeReader), timeout: time.Minute}, time.Minute},
	} {
		if got := test.app.patience(); got != test.want {
			t.Errorf("%s: %v instead of %v", test.name, got, test.want)
		}
	}
}

// Who takes too long is told so, and not that the key did.
func TestSlowAnswer(t *testing.T) {
	for name, ask := range map[string]func(context.Context, *app) error{
		"a question": func(ctx context.Context, a *app) error { _, err := a.readLine(ctx, "Well? "); return err },
		"a PIN":      func(ctx context.Context, a *app) error { _, err := a.readPIN(ctx, "PIN: "); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, w := io.Pipe()
				defer w.Close()
				a := &app{in: r, err: io.Discard, timeout: promptTime, pinStdin: true}
				start := time.Now()
				err := ask(t.Context(), a)
				if passed := time.Since(start); passed != 5*time.Minute {
					t.Errorf("after %v", passed)
				}
				if code := exitCode(t.Context(), err); code != exitTimeout || a.explain(t.Context(), err) != errSlow.Error() {
					t.Errorf("exit code %d: %v", code, err)
				}
			})
		})
	}
}
