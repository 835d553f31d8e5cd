//go:build system && linux && !(scard && cgo)

package pcsc

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gofido/fido/internal/pcscd"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
	"github.com/gofido/fido/nfc/vpcd"
)

// BenchmarkBare is BenchmarkTransmit's command of 2,007 bytes in a loop over the
// daemon's socket that does nothing else: the floor.
func BenchmarkBare(b *testing.B) {
	d, err := pcscd.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(d.Stop)
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(cancel)
	go func() {
		for ctx.Err() == nil {
			vpcd.Connect(ctx, d.Addr, nfc.NewApplet(struct{ nfc.Handler }{}, nil))
			time.Sleep(10 * time.Millisecond)
		}
	}()
	w, err := Watch(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	var e Event
	for e.Kind != CardArrived {
		if e, err = w.Next(ctx); err != nil {
			b.Fatal(err)
		}
	}
	card, err := Open(ctx, e.Reader.Name, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer card.Close()
	c := card.h.(*daemonCard)
	command, err := iso7816.Command{INS: iso7816.INSSelect, P1: 4, Data: make([]byte, 2000), Form: iso7816.Extended}.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	var request []byte
	for _, n := range []uint32{32, cmdTransmit, c.card, c.protocol, ioRequestSize, uint32(len(command)), c.protocol, ioRequestSize, maxAnswer, 0} {
		request = binary.NativeEndian.AppendUint32(request, n)
	}
	request = append(request, command...)
	answer := make([]byte, 32+2)
	var conn net.Conn = c.conn
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, answer); err != nil {
			b.Fatal(err)
		}
	}
}
