//go:build guest

package client

import (
	"context"
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
)

// An absent user tells when the key begins to ask for a touch and when it
// stops, and never touches it.
type absent struct {
	asked, left chan struct{}
}

func newAbsent() *absent {
	return &absent{asked: make(chan struct{}, 16), left: make(chan struct{}, 16)}
}

func (u *absent) Touch(ctx context.Context, _ virtual.Prompt) virtual.Decision {
	u.asked <- struct{}{}
	<-ctx.Done()
	u.left <- struct{}{}
	return virtual.NoTouch
}

func (*absent) Verify(context.Context, virtual.Prompt) virtual.Verification {
	return virtual.NoVerification
}

// happens waits for an event.
func happens(t *testing.T, what string, event <-chan struct{}) {
	t.Helper()
	ctx := guest.Context(t)
	select {
	case <-event:
	case <-ctx.Done():
		t.Fatalf("%s: %v", what, context.Cause(ctx))
	}
}
