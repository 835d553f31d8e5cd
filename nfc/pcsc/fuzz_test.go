//go:build (linux || freebsd) && !(scard && cgo)

package pcsc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofido/fido/internal/fakepcscd"
	"github.com/gofido/fido/nfc"
)

// numbers encodes numbers as pcscd does.
func numbers(all ...uint32) []byte {
	var b []byte
	for _, n := range all {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return b
}

// greeting is what pcscd answers at the beginning of a connection.
var greeting = numbers(protocolMajor, protocolMinor, 0, scopeSystem, 77, 0)

// FuzzDaemon: whatever comes from the socket of pcscd, every call ends in its time
// and with an error of the documented types, and no more memory is taken than the
// protocol needs. Each connection gets the same bytes, without regard to what is
// asked, and then the end; if honest is true an honest greeting comes first.
func FuzzDaemon(f *testing.F) {
	states := func(all ...[]byte) []byte {
		return append(bytes.Join(all, nil), make([]byte, (maxReaders-len(all))*readerStateSize)...)
	}
	state := func(r fakepcscd.Reader) []byte { return r.State() }
	a := states(state(reader("A", 1, someATR)))
	connected := numbers(77, 0, 0, 0, 0, 0)
	card := append(make([]byte, 4+readerNameSize+8), numbers(5, protocolT1, 0)...)
	answer := func(n, rv uint32, data string) []byte {
		return append(numbers(5, protocolT1, ioRequestSize, 5, protocolT1, ioRequestSize, n, rv), data...)
	}
	for _, stream := range [][]byte{
		nil,
		a,
		bytes.Join([][]byte{a, a, make([]byte, 8)}, nil),
		bytes.Join([][]byte{card, a, connected}, nil),
		bytes.Join([][]byte{card, a, numbers(0, 0, 0, 0, 0, uint32(InvalidParameter)), answer(2, 0, "\x90\x00"), make([]byte, 64)}, nil),
		bytes.Join([][]byte{card, a, numbers(0, 0, 0, 0, 1<<31, 0)}, nil),
		bytes.Join([][]byte{card, a, numbers(0, 0, 0, 0, 0, 1), answer(1<<32-1, 0, "")}, nil),
		states(state(reader("A", 1, []byte{})), bytes.Repeat([]byte{0xff}, readerStateSize)),
		numbers(4, 9, 0, 1, 2, 3),
		greeting,
	} {
		f.Add(true, stream)
		f.Add(false, stream)
	}
	path := filepath.Join(f.TempDir(), "s")
	f.Setenv("PCSCLITE_CSOCK_NAME", path)
	l, err := net.Listen("unix", path)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close() })
	var stream atomic.Pointer[[]byte]
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute)) // longer than any client may take
				c.Write(*stream.Load())
				c.(*net.UnixConn).CloseWrite()
				io.Copy(io.Discard, c)
			}()
		}
	}()
	f.Fuzz(func(t *testing.T, honest bool, input []byte) {
		if honest {
			input = append(bytes.Clone(greeting), input...)
		}
		stream.Store(&input)
		const limit = 50 * time.Millisecond
		try := func(what string, f func(context.Context) error) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			start := time.Now()
			err := f(ctx)
			if took := time.Since(start); took > 10*time.Second { // the machine may be busy
				t.Fatalf("%s takes %v: %v", what, took, err)
			}
			if _, typed := errors.AsType[*OpError](err); err != nil && !typed {
				t.Fatalf("%s: %T %v", what, err, err)
			}
		}
		try("listing", func(ctx context.Context) error {
			_, err := List(ctx)
			return err
		})
		try("watching", func(ctx context.Context) error {
			w, err := Watch(ctx)
			if err != nil {
				return err
			}
			defer w.Close()
			for range 3 {
				if _, err := w.Next(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		try("a card", func(ctx context.Context) error {
			card, err := Open(ctx, "A", nil)
			if err != nil {
				return err
			}
			defer card.Close()
			card.USBAddress(ctx)
			card.Begin(ctx)
			b, err := card.Transmit(ctx, []byte("dst"), []byte{0, 0xa4, 4, 0})
			if err == nil && (len(b) < len("dst")+2 || !bytes.HasPrefix(b, []byte("dst"))) {
				t.Fatalf("the card answers %x", b)
			}
			card.Reset(ctx)
			card.End()
			return err
		})
		try("a connection", func(ctx context.Context) error {
			card, err := Open(ctx, "A", nil)
			if err != nil {
				return err
			}
			conn, err := nfc.Open(ctx, card, &nfc.Config{Return: -1, Grace: 10 * time.Millisecond})
			if err == nil {
				return conn.Close()
			}
			if _, typed := errors.AsType[*nfc.OpError](err); !typed {
				t.Fatalf("%T %v", err, err)
			}
			return nil
		})
	})
}
