package ctaphid_test

import (
	"context"
	"errors"
	"slices"
	"testing"

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
