package vpcd_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/vpcd"
)

// wire writes messages as the wire has them.
func wire(messages ...string) []byte {
	var b []byte
	for _, m := range messages {
		b = binary.BigEndian.AppendUint16(b, uint16(len(m)))
		b = append(b, m...)
	}
	return b
}

const chooseFIDO = "\x00\xa4\x04\x00\x08\xa0\x00\x00\x06\x47\x2f\x00\x01\x00"

// FuzzServe: whatever comes from a reader, the card answers with whole messages,
// ends when the reader hangs up, and works at the next reader.
func FuzzServe(f *testing.F) {
	for _, seed := range [][]byte{
		nil,
		wire("\x01", "\x04", chooseFIDO, "\x80\x10\x80\x00\x01\x04\x00", "\x80\x12\x01\x00", "\x00"),
		wire("\x01", chooseFIDO, "\x02", "\x80\x10\x80\x00\x01\x04\x00", "\x03", "\xff", ""),
		wire("\x00", "\x00", "\x04", "\x04")[:7],
		{0xff, 0xff, 1, 2, 3},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		synctest.Test(t, func(t *testing.T) {
			key, err := virtual.New(virtual.Config{Algorithms: []cose.Algorithm{cose.ES256}})
			if err != nil {
				t.Fatal(err)
			}
			a := nfc.NewApplet(key, nil)
			reader, done := pipe(t, a)
			var answers bytes.Buffer
			read := make(chan struct{})
			go func() {
				defer close(read)
				io.Copy(&answers, reader)
			}()
			reader.SetWriteDeadline(time.Now().Add(time.Hour))
			if _, err := reader.Write(input); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute) // longer than a key waits for its user
			reader.Close()
			if err := <-done; err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("the reader has hung up: %v", err)
			}
			<-read
			for b := answers.Bytes(); len(b) > 0; {
				if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
					t.Fatalf("the card sends %x, which is no message", b)
				}
				b = b[2+int(binary.BigEndian.Uint16(b)):]
			}
			conn, err := nfc.Open(t.Context(), nfc.LoopbackApplet(a), nil)
			if err != nil {
				t.Fatalf("the next reader: %v", err)
			}
			defer conn.Close()
			if _, err := ctap2.NewClient(conn, nil).GetInfo(t.Context()); err != nil {
				t.Fatalf("the next reader: %v", err)
			}
		})
	})
}

// FuzzCard: whatever comes from a simulator, every call ends in its time with an
// error that nfc.Card names.
func FuzzCard(f *testing.F) {
	for _, seed := range [][]byte{
		nil,
		wire("\x3b\x80", "\x90\x00", "\x3b\x80", "\x90\x00"),
		wire("\x3b\x80", "U2F_V2\x90\x00", "", "\x3b"),
		wire("", "\x90\x00")[:3],
		{0xff, 0xff, 1, 2, 3},
	} {
		f.Add(true, seed)
		f.Add(false, seed)
	}
	f.Fuzz(func(t *testing.T, hangsUp bool, input []byte) {
		synctest.Test(t, func(t *testing.T) {
			host, simulator := net.Pipe()
			go io.Copy(io.Discard, simulator)
			go func() {
				simulator.Write(input)
				if hangsUp {
					simulator.Close()
				}
			}()
			defer simulator.Close()
			const limit = time.Second
			try := func(what string, f func(context.Context) error) {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				start := time.Now()
				err := f(ctx)
				if took := time.Since(start); took > limit {
					t.Fatalf("%s takes %v: %v", what, took, err)
				}
				for _, known := range []error{nil, nfc.ErrGone, nfc.ErrReset, nfc.ErrNotSent, os.ErrClosed, context.DeadlineExceeded} {
					if errors.Is(err, known) {
						return
					}
				}
				t.Fatalf("%s: %T %v", what, err, err)
			}
			var card *vpcd.Card
			try("connecting", func(ctx context.Context) (err error) {
				card, err = vpcd.NewCard(ctx, host)
				return err
			})
			if card == nil {
				return
			}
			defer card.Close()
			for range 2 {
				try("a command", func(ctx context.Context) error {
					b, err := card.Transmit(ctx, []byte("dst"), []byte(chooseFIDO))
					if err == nil && !bytes.HasPrefix(b, []byte("dst")) {
						t.Fatalf("the answer %x does not follow what was there", b)
					}
					return err
				})
				try("a reset", card.Reset)
			}
		})
	})
}
