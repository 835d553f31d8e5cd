package nfc_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/nfctest"
)

// echoHandler answers a request with a status and as many bytes.
type echoHandler struct{}

func (echoHandler) CBOR(_ context.Context, _ uint64, dst, request []byte, _ func(byte)) []byte {
	return append(append(dst, 0), request...)
}

func (echoHandler) MSG(_ context.Context, _ uint64, dst, _ []byte) []byte {
	return append(dst, 0x90, 0)
}

// BenchmarkConn is a request of 1,000 bytes, and a reply of as many, to a card in
// memory: the connection and the applet. In the short form these are five commands
// there and four parts back.
func BenchmarkConn(b *testing.B) {
	for _, length := range []nfc.Length{nfc.ShortOnly, nfc.ExtendedFirst} {
		for _, size := range []int{10, 1000} {
			name := map[nfc.Length]string{nfc.ShortOnly: "short", nfc.ExtendedFirst: "extended"}[length]
			b.Run(fmt.Sprintf("%s/%d bytes", name, size), func(b *testing.B) {
				conn := open(b, nfc.Loopback(echoHandler{}), &nfc.Config{Length: length})
				benchmarkCBOR(b, conn, size)
			})
		}
	}
}

// BenchmarkConnAlone is the connection without an applet: a card that answers at
// once.
func BenchmarkConnAlone(b *testing.B) {
	response := append(make([]byte, 200), 0x90, 0)
	card := &nfctest.Func{Answer: func(_ context.Context, apdu []byte) ([]byte, error) {
		switch {
		case apdu[1] == 0xa4:
			return []byte("FIDO_2_0\x90\x00"), nil
		case apdu[0]&0x10 != 0:
			return response[200:], nil
		}
		return response, nil
	}}
	benchmarkCBOR(b, open(b, card, nil), 1000)
}

func benchmarkCBOR(b *testing.B, conn *nfc.Conn, size int) {
	request := make([]byte, size)
	request[0] = 0x40
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var reply []byte
	var err error
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if reply, err = conn.CBOR(ctx, reply[:0], request, nil); err != nil {
			b.Fatal(err)
		}
	}
}
