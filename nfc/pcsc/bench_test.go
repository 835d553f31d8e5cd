//go:build system && linux

package pcsc_test

import (
	"context"
	"testing"

	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
	"github.com/gofido/fido/nfc/pcsc"
)

// benchmarkCard opens a card that answers a command for an application that it
// does not have at once, and such a command with n bytes of data.
func benchmarkCard(b *testing.B, n int) (*pcsc.Card, []byte) {
	d := daemon(b)
	insert(b, d, nfc.NewApplet(struct{ nfc.Handler }{}, nil))
	card, err := pcsc.Open(b.Context(), reader(b), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { card.Close() })
	form := iso7816.Short
	if n > form.MaxData() {
		form = iso7816.Extended
	}
	command, err := iso7816.Command{INS: iso7816.INSSelect, P1: 4, Data: make([]byte, n), Form: form}.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	return card, command
}

// BenchmarkTransmit is one command there and back through the daemon. With the tag
// scard it goes through the system's library instead.
func BenchmarkTransmit(b *testing.B) {
	for _, bench := range []struct {
		name  string
		bytes int
	}{{"6 bytes", 1}, {"2007 bytes", 2000}} {
		b.Run(bench.name, func(b *testing.B) {
			card, command := benchmarkCard(b, bench.bytes)
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			var out []byte
			var err error
			b.ReportAllocs()
			for b.Loop() {
				if out, err = card.Transmit(ctx, out[:0], command); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
