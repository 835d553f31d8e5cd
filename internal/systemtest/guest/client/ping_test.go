//go:build guest

package client

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// counted returns n bytes of which none equals the one 64, or 59, further on.
func counted(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8)
	}
	return b
}

func TestPing(t *testing.T) {
	each(t, func(t *testing.T, r guest.Route) {
		client := ours.Open(t, guest.NewKey(t, r, virtual.Config{}), patient())
		for _, size := range []int{0, 1, 57, 58, 1024, r.Longest} {
			data := counted(size)
			for range 3 {
				start := time.Now()
				echo, err := client.HID().Ping(guest.Context(t), nil, data)
				if err != nil {
					t.Fatalf("%d bytes: %v", size, err)
				}
				if !bytes.Equal(echo, data) {
					t.Errorf("%d bytes came back as %d others", size, len(echo))
				}
				t.Logf("%d bytes there and back: %v", size, time.Since(start))
			}
		}
	})
}

// A request that the key's end of the route can't take is refused before it
// overflows the kernel's queue for long, and the next one works.
func TestPingBeyondTheRoute(t *testing.T) {
	client := ours.Open(t, guest.NewKey(t, guest.UHID, virtual.Config{}), patient())
	if _, err := client.HID().Ping(guest.Context(t), nil, counted(ctaphid.MaxMessageSize)); !errors.Is(err, ctaphid.ErrInvalidLen) {
		t.Errorf("%d bytes: %v, want INVALID_LEN", ctaphid.MaxMessageSize, err)
	}
	if _, err := client.HID().Ping(guest.Context(t), nil, counted(1024)); err != nil {
		t.Errorf("after it: %v", err)
	}
}
