package fuzz

import (
	"context"
	"sync"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
)

// A user does the same each time the key asks: the lower two bits of a byte say
// what (see virtual.Decision and virtual.Verification), the others how long it
// takes, in twentieths of a second.
type user struct {
	decision     virtual.Decision
	verification virtual.Verification
	takes        time.Duration

	released chan struct{} // closed by release
	once     sync.Once
}

func newUser(b byte) *user {
	does := [4]struct {
		d virtual.Decision
		v virtual.Verification
	}{
		{virtual.Touch, virtual.Verified},
		{virtual.NoTouch, virtual.NoVerification},
		{virtual.Decline, virtual.NotVerified},
		{virtual.LongTouch, virtual.VerifyDeclined},
	}[b&3]
	return &user{
		decision: does.d, verification: does.v,
		takes:    time.Duration(b>>2) * 50 * time.Millisecond,
		released: make(chan struct{}),
	}
}

// release makes the user touch the key whenever it asks, and now if it is
// asking.
func (u *user) release() { u.once.Do(func() { close(u.released) }) }

// wait takes the time that the user takes. It reports whether the user was
// released meanwhile.
func (u *user) wait(ctx context.Context) (released bool) {
	timer := time.NewTimer(u.takes)
	defer timer.Stop()
	select {
	case <-u.released:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	if u.decision != virtual.NoTouch {
		return false
	}
	select {
	case <-u.released:
		return true
	case <-ctx.Done():
		return false
	}
}

// Touch implements virtual.User.
func (u *user) Touch(ctx context.Context, _ virtual.Prompt) virtual.Decision {
	if u.wait(ctx) {
		return virtual.Touch
	}
	return u.decision
}

// Verify implements virtual.User.
func (u *user) Verify(ctx context.Context, _ virtual.Prompt) virtual.Verification {
	if u.wait(ctx) {
		return virtual.Verified
	}
	return u.verification
}
