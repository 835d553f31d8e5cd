//go:build guest

package hid

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/internal/systemtest/guest"
)

// reversed answers a request with its bytes in reverse.
type reversed struct{}

func (reversed) CBOR(_ context.Context, _ uint64, dst, request []byte, _ func(byte)) []byte {
	return append(dst, reverse(request)...)
}

func (reversed) MSG(_ context.Context, _ uint64, dst, apdu []byte) []byte {
	return append(dst, reverse(apdu)...)
}

func reverse(b []byte) []byte {
	b = bytes.Clone(b)
	slices.Reverse(b)
	return b
}

// serve makes a Server a device and opens it.
func serve(t *testing.T, lock hidraw.Lock) (key *uhid.Device, open func() *ctaphid.Conn) {
	t.Helper()
	key, info := uhidKey(t, uhid.Options{})
	server := ctaphid.NewServer(reversed{}, &ctaphid.ServerConfig{MaxMessage: uhid.MaxMessage})
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, key) }()
	t.Cleanup(func() { cancel(); key.Close(); <-served })
	return key, func() *ctaphid.Conn {
		conn, err := ctaphid.Open(guest.Context(t), openKey(t, info.Path, lock), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
}

func TestUHIDServer(t *testing.T) {
	_, open := serve(t, hidraw.LockOpen)
	conn := open()
	for _, n := range []int{1, 57, 58, 116, 117, 1024, uhid.MaxMessage} {
		data := bytes.Repeat([]byte{byte(n), 2, 3}, n)[:n]
		start := time.Now()
		got, err := conn.Ping(guest.Context(t), nil, data)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("PING with %d bytes: %d bytes, %v", n, len(got), err)
		}
		t.Logf("PING with %d bytes: %v", n, time.Since(start))
		want := reverse(data)
		if got, err := conn.CBOR(guest.Context(t), nil, data, nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("CBOR with %d bytes: %d bytes, %v", n, len(got), err)
		}
	}
	if _, err := conn.Ping(guest.Context(t), nil, make([]byte, uhid.MaxMessage+1)); !errors.Is(err, ctaphid.ErrInvalidLen) {
		t.Errorf("PING with one byte more: %v", err)
	}
	if _, err := conn.Ping(guest.Context(t), nil, []byte("after that")); err != nil {
		t.Error(err)
	}
}

// Programs that share a key: the key tells them apart.
func TestUHIDServerSeveralPrograms(t *testing.T) {
	_, open := serve(t, hidraw.LockNone)
	var programs sync.WaitGroup
	for i := range 3 {
		conn := open()
		programs.Go(func() {
			for j := range 20 {
				data := fmt.Appendf(nil, "message %d of program %d, longer than one report can be", j, i)
				want := reverse(data)
				if got, err := conn.CBOR(guest.Context(t), nil, data, nil); err != nil || !bytes.Equal(got, want) {
					t.Errorf("program %d, message %d: %q, %v", i, j, got, err)
				}
			}
		})
	}
	programs.Wait()
}

func TestUHIDServerUnplug(t *testing.T) {
	key, open := serve(t, hidraw.LockOpen)
	conn := open()
	key.Close()
	if _, err := conn.Ping(guest.Context(t), nil, []byte("hello")); !errors.Is(err, ctaphid.ErrGone) {
		t.Error(err)
	}
}
