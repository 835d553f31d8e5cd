package ctaphid_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/ctaphidtest"
)

// checkReplies makes requests of different lengths and wants the reply to each.
func checkReplies(t *testing.T, conn *ctaphid.Conn, before func()) {
	t.Helper()
	for i := range byte(5) {
		before()
		request := bytes.Repeat([]byte{i}, 1+30*int(i))
		if reply, err := conn.CBOR(t.Context(), nil, request, nil); err != nil || !bytes.Equal(reply, request) {
			t.Errorf("request %d: the reply is %x, %v", i, reply, err)
		}
	}
}

// A device that answers everything twice.
func TestConnSecondReplyIsDropped(t *testing.T) {
	for _, tt := range []struct {
		name string
		dev  func(*ctaphidtest.Func) ctaphid.Device
	}{
		{"at once", func(f *ctaphidtest.Func) ctaphid.Device { return f }},
		{"behind a wire", func(f *ctaphidtest.Func) ctaphid.Device { return ctaphidtest.Faulty(f) }},
		{"behind a recorder", func(f *ctaphidtest.Func) ctaphid.Device { return ctaphidtest.Record(f) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				twice := ctaphidtest.NewFunc(func(m ctaphid.Message, reply func(ctaphid.Message)) { reply(m); reply(m) })
				checkReplies(t, openDevice(t, tt.dev(twice), nil), synctest.Wait)
			})
		})
	}
}

// A reply that nobody asked for, in the queue of the device in this program.
func TestLoopbackDropsOldReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := ctaphid.Loopback(newScriptedKey())
		conn := openDevice(t, dev, nil)
		old := ctaphid.Message{CID: conn.Info().CID, Command: ctaphid.CommandPing, Data: []byte("old")}
		if err := dev.WriteReport(ctaphidtest.Reports(64, old)[0]); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if reply, err := conn.Ping(t.Context(), nil, []byte("new")); err != nil || string(reply) != "new" {
			t.Errorf("PING: %q, %v", reply, err)
		}
	})
}

// A queue that drops what is new when it is full, as the kernel's does, full of
// reports for another program.
func TestConnFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := echo()
		dev.Queue = 64
		fill := func() {
			for range 100 {
				dev.Send(ctaphid.Message{CID: 0x00330003, Command: ctaphid.CommandKeepalive, Data: []byte{ctaphid.StatusProcessing}})
			}
		}
		fill()
		checkReplies(t, openDevice(t, dev, nil), fill)
	})
}

func TestPipeBeginCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, key := ctaphid.Pipe(64, 64)
		begin := host.(interface{ BeginCall(context.Context) error }).BeginCall
		p := make([]byte, 64)
		for range 256 {
			key.WriteReport(p)
		}
		wrote := make(chan error)
		go func() { wrote <- key.WriteReport(append([]byte{7}, p[1:]...)) }() // waits for room
		synctest.Wait()
		if err := begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-wrote; err != nil {
			t.Errorf("the write that waited for room: %v", err)
		}
		if n, err := host.ReadReport(p); n != 64 || err != nil || p[0] != 7 {
			t.Errorf("after it: %x, %v", p[:n], err)
		}
		host.Close()
		if err := begin(t.Context()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
