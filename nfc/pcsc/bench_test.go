//go:build system && linux

package pcsc_test

import (
	"testing"

	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
)

// echo is a Handler that answers a CTAP2 request with one byte.
type echo struct{ nfc.Handler }

func BenchmarkRoundTrip(b *testing.B) {
	d := daemon(b)
	insert(b, d, nfc.NewApplet(echo{}, nil))
	card, err := pcsc.Open(b.Context(), reader(b), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer card.Close()
	command := []byte{0, 0xa4, 4, 0, 1, 0xff} // another application: answered at once
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if out, err = card.Transmit(b.Context(), out[:0], command); err != nil {
			b.Fatal(err)
		}
	}
}
