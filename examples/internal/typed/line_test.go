package typed

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func TestLine(t *testing.T) {
	failed := errors.New("failed")
	for _, test := range []struct {
		name     string
		in       io.Reader
		want     string
		err      error
		leftOver string
	}{
		{"a line/what follows is left", strings.NewReader("one\ntwo\n"), "one", nil, "two\n"},
		{"a line of Windows", strings.NewReader("one\r\ntwo"), "one", nil, "two"},
		{"an empty line", strings.NewReader("\ntwo"), "", nil, "two"},
		{"no end of the line", strings.NewReader("one"), "one", nil, ""},
		{"nothing/the end", strings.NewReader(""), "", io.EOF, ""},
		{"too long/its beginning", strings.NewReader("12345678901\ntwo"), "1234567890", nil, "two"},
		{"a failure in the middle/no line", io.MultiReader(strings.NewReader("on"), iotest.ErrReader(failed)), "", failed, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Line(test.in, 10)
			if string(got) != test.want || err != test.err {
				t.Errorf("%q, %v", got, err)
			}
			if rest, _ := io.ReadAll(test.in); string(rest) != test.leftOver {
				t.Errorf("%q is left", rest)
			}
		})
	}
}

// Who waits is let go when the context ends, and a line that comes after is wiped.
func TestAwait(t *testing.T) {
	slow := errors.New("too slow")
	for _, test := range []struct {
		name string
		with func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		{"its time has passed/the cause", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, time.Minute, slow)
		}, slow},
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Minute, func() { cancel(slow) })
			return ctx, func() { cancel(nil) }
		}, context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := test.with(t.Context())
				defer cancel()
				line, comes := []byte("secret"), make(chan bool)
				start := time.Now()
				got, err := Await(ctx, func() ([]byte, error) { <-comes; return line, nil })
				if got != nil || err != test.want || time.Since(start) != time.Minute {
					t.Errorf("%q, %v after %v", got, err, time.Since(start))
				}
				close(comes)
				synctest.Wait()
				if string(line) != "\x00\x00\x00\x00\x00\x00" {
					t.Errorf("the line is %q", line)
				}
			})
		})
	}
}
