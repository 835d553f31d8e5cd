package ctaphid_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid"
)

func TestLoopback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ctaphid.Loopback(newScriptedKey())
		r := &rawHost{TB: t, dev: l, in: 64, out: 64}
		if m := r.exchange(r.open(), ctaphid.CommandCBOR, []byte{keyEcho}); string(m.Data) != "\x00\x04" {
			t.Errorf("CBOR replied %v %x", m.Command, m.Data)
		}
		for range 2 {
			if err := l.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		if _, err := l.ReadReport(make([]byte, 64)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("reading after Close: %v, want os.ErrClosed", err)
		}
	}) // which fails if a goroutine is left
}

func TestLoopbackReportSizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ctaphid.LoopbackServer(ctaphid.NewServer(newScriptedKey(), nil), 32, 16)
		defer l.Close()
		if in, out := l.ReportSizes(); in != 16 || out != 32 {
			t.Errorf("the host's reports have %d bytes in and %d out, want 16 and 32", in, out)
		}
		r := &rawHost{TB: t, dev: l, in: 16, out: 32}
		if m := r.exchange(r.open(), ctaphid.CommandPing, make([]byte, 100)); len(m.Data) != 100 {
			t.Errorf("PING replied %v, %d bytes", m.Command, len(m.Data))
		}
	})
}

func TestLoopbackUnplug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ctaphid.Loopback(newScriptedKey())
		defer l.Close()
		r := &rawHost{TB: t, dev: l, in: 64, out: 64}
		r.writeMessage(ctaphid.Message{CID: r.open(), Command: ctaphid.CommandCBOR, Data: []byte{keyTouch}})
		if m := r.readMessage(); m.Command != ctaphid.CommandKeepalive {
			t.Fatalf("the key sent %v, want KEEPALIVE", m.Command)
		}
		l.SetReadDeadline(time.Time{})
		read := make(chan error)
		go func() {
			_, err := l.ReadReport(make([]byte, 64))
			read <- err
		}()
		synctest.Wait()
		l.Unplug()
		if err := <-read; !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("a read while the key is unplugged returned %v, want ErrGone", err)
		}
		if err := l.WriteReport(make([]byte, 64)); !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("a write after that returned %v, want ErrGone", err)
		}

		again := ctaphid.LoopbackServer(l.Server(), 64, 64)
		defer again.Close()
		r.dev = again
		if m := r.exchange(r.open(), ctaphid.CommandPing, []byte("hello")); string(m.Data) != "hello" {
			t.Errorf("after a replug PING replied %v %x", m.Command, m.Data)
		}
	})
}

// A key that pulls itself out when it should be touched.
type ejecting struct {
	scriptedKey
	device *ctaphid.LoopbackDevice
}

func (k *ejecting) CBOR(ctx context.Context, _ uint64, dst, request []byte, _ func(byte)) []byte {
	if request[0] == keyTouch {
		k.device.Unplug()
		time.Sleep(time.Second)
	}
	return append(dst, 0)
}

func TestLoopbackUnplugByTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := new(ejecting)
		key.device = ctaphid.Loopback(key)
		r := &rawHost{TB: t, dev: key.device, in: 64, out: 64}
		r.writeMessage(ctaphid.Message{CID: r.open(), Command: ctaphid.CommandCBOR, Data: []byte{keyTouch}})
		r.dev.SetReadDeadline(time.Time{})
		if _, err := r.dev.ReadReport(make([]byte, 64)); !errors.Is(err, ctaphid.ErrGone) {
			t.Errorf("reading from a key that pulled itself out: %v, want ErrGone", err)
		}

		// Plugged in again at once, it waits for its handler to return.
		again := ctaphid.LoopbackServer(key.device.Server(), 64, 64)
		defer again.Close()
		r.dev = again
		start := time.Now()
		r.writeMessage(ctaphid.Message{CID: ctaphid.BroadcastCID, Command: ctaphid.CommandInit, Data: make([]byte, 8)})
		if report := r.read(time.Minute); report == nil || time.Since(start) != time.Second {
			t.Errorf("after %v INIT was answered with %x", time.Since(start), report)
		}
	})
}

func TestLoopbackServerTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := ctaphid.Loopback(newScriptedKey())
		defer first.Close()
		synctest.Wait()
		second := ctaphid.LoopbackServer(first.Server(), 64, 64)
		defer second.Close()
		r := &rawHost{TB: t, dev: second, in: 64, out: 64}
		r.write([]byte{0xff, 0xff, 0xff, 0xff, 0x86, 0, 8})
		if report := r.read(time.Minute); report != nil {
			t.Errorf("the second device of a Server answered %s", describe(report))
		}
		first.Unplug()
		if report := r.read(soon); report == nil {
			t.Error("when the first was unplugged the second did not answer")
		}

		third := ctaphid.LoopbackServer(first.Server(), 64, 64)
		synctest.Wait()
		third.Close() // while it waits
	})
}

// The host's end of this package, and the key's, understand one another.
func TestLoopbackConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newScriptedKey()
		key.touch = make(chan struct{})
		conn, err := ctaphid.Open(t.Context(), ctaphid.Loopback(key), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()

		var statuses []byte
		go func() {
			time.Sleep(time.Minute)
			key.touch <- struct{}{}
		}()
		reply, err := conn.CBOR(t.Context(), nil, []byte{keyTouch}, func(status byte) { statuses = append(statuses, status) })
		if err != nil || string(reply) != "\x00" || string(statuses) != "\x02" {
			t.Errorf("a touch after a minute: %x, %v, with statuses %x", reply, err, statuses)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if reply, err = conn.CBOR(ctx, nil, []byte{keyTouch}, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no touch: %x, %v, want context.DeadlineExceeded", reply, err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("cancelled after %v, want 1s", d)
		}
		if reply, err = conn.CBOR(t.Context(), nil, []byte{keyEcho}, nil); err != nil || string(reply) != "\x00\x04" {
			t.Errorf("after a cancellation: %x, %v", reply, err)
		}
	})
}
