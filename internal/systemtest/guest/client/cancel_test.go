//go:build guest

package client

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// A call that waits for a touch ends when its context or its connection does,
// and the key hears of it: it stops asking and takes the next request.
func TestCancel(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*fido.Key, context.CancelFunc) error
		want error
	}{
		{"by the context", func(_ *fido.Key, cancel context.CancelFunc) error { cancel(); return nil }, context.Canceled},
		{"by Close", func(c *fido.Key, _ context.CancelFunc) error { return c.Close() }, os.ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, r guest.Route) {
				user := newAbsent()
				key := guest.NewKey(t, r, virtual.Config{User: user})
				client := ours.Open(t, key, patient())
				ctx, cancel := context.WithCancel(guest.Context(t))
				defer cancel()
				ended := make(chan error, 1)
				go func() { ended <- client.Selection(ctx) }()
				happens(t, "the key asks for a touch", user.asked)

				start := time.Now()
				if err := tt.end(client, cancel); err != nil {
					t.Error(err)
				}
				if err := <-ended; !errors.Is(err, tt.want) {
					t.Errorf("the call ended with %v, want %v", err, tt.want)
				}
				t.Logf("the call ended after %v", time.Since(start))
				happens(t, "the key stops asking", user.left)

				key.SetUser(virtual.AlwaysTouch())
				if errors.Is(tt.want, os.ErrClosed) {
					client = ours.Open(t, key, patient())
				}
				register(t, client, cose.ES256, false, "")
				var statuses []ctap2.Status
				for _, c := range key.Commands() {
					if c.Command() == ctap2.CommandSelection {
						statuses = append(statuses, c.Status)
					}
				}
				if len(statuses) != 1 || statuses[0] != ctap2.StatusKeepaliveCancel {
					t.Errorf("the key answered selection with %v", statuses)
				}
			})
		})
	}
}
