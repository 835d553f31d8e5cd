//go:build guest && cgo && linux && hidapi

package hidapi_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/internal/systemtest/guest"
)

// guestConn opens the software key, which is plugged in, by way of HIDAPI.
func guestConn(t *testing.T, c virtual.Config) (guest.Key, *ctaphid.Conn) {
	t.Helper()
	key := guest.NewKey(t, guest.UHID, c)
	conn, err := ctaphid.Open(guest.Context(t), guestOpen(t, key.Path), &ctaphid.Config{Silence: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return key, conn
}

func TestGuestKey(t *testing.T) {
	_, conn := guestConn(t, virtual.Config{})
	for _, size := range []int{0, 1, 57, 58, 1024, guest.UHID.Longest} {
		data := bytes.Repeat([]byte("ping"), size)[:size]
		if got, err := conn.Ping(guest.Context(t), nil, data); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back as %d; %v", size, len(got), err)
		}
	}
	info, err := ctap2.NewClient(conn, nil).GetInfo(guest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	if info.AAGUID != virtual.DefaultAAGUID {
		t.Errorf("%+v", info)
	}
}

// A call that waits for a touch ends when the key is unplugged or the
// connection closed.
func TestGuestKeyCallEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*testing.T, guest.Key, *ctaphid.Conn)
		want error
	}{
		{"unplug", func(t *testing.T, k guest.Key, _ *ctaphid.Conn) { k.Unplug(t) }, ctaphid.ErrGone},
		{"close", func(t *testing.T, _ guest.Key, c *ctaphid.Conn) {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}, os.ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			user := virtual.NewManual()
			key, conn := guestConn(t, virtual.Config{User: user})
			ended := make(chan error, 1)
			go func() { ended <- ctap2.NewClient(conn, nil).Selection(guest.Context(t)) }()
			<-user.Prompts
			start := time.Now()
			tt.end(t, key, conn)
			if err := <-ended; !errors.Is(err, tt.want) {
				t.Errorf("the call ended with %v, want %v", err, tt.want)
			}
			t.Logf("the call ended after %v", time.Since(start))
		})
	}
}
