package nfctest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/nfctest"
)

// A reader that takes short APDUs alone, and a card that answers SELECT in two
// steps: the connection copes.
func ExampleFaulty() {
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	card := nfctest.Faulty(nfc.Loopback(key), nfctest.MaxTransceive(261), nfctest.RemainingOnSelect())
	conn, err := nfc.Open(context.Background(), card, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println(conn.Version(), conn.CTAP2())
	// Output: U2F_V2 true
}

// A card that disappears after the second command, in the middle of a request.
func ExampleVanishes() {
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	card := nfctest.Faulty(nfc.Loopback(key), nfctest.Vanishes(1, true))
	_, err = nfc.Open(context.Background(), card, &nfc.Config{Return: -1})
	fmt.Println(errors.Is(err, nfc.ErrGone))
	// Output: true
}

// A fault of one's own: the third command gets a status word that no card gives.
func ExampleFault() {
	strange := func(next nfctest.Transmit) nfctest.Transmit {
		commands := 0
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			if commands++; commands == 3 {
				return []byte{0x12, 0x34}, nil
			}
			return next(ctx, apdu)
		}
	}
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := nfc.Open(context.Background(), nfctest.Faulty(nfc.Loopback(key), strange), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_, err = conn.CBOR(context.Background(), nil, []byte{0x04}, nil)
	fmt.Println(err)
	// Output: nfc: CBOR failed: the card answers status word 1234 to a CTAP2 request
}

// What a host sends to a card that speaks CTAP2 alone and takes three seconds.
func ExampleScript() {
	test := func(t *testing.T) {
		card := nfctest.NewScript(t, `
			> 00a40400 08 a0000006472f0001 00
			< 4649444f5f325f30 9000             # FIDO_2_0
			> 80108000 01 04 00
			~ 3s
			< 00 a1 01 81 684649444f5f325f30 9000
			> 80120100                          # the end of the session
			< 9000
		`)
		start := time.Now()
		conn, err := nfc.Open(t.Context(), card, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		reply, err := conn.CBOR(t.Context(), nil, []byte{0x04}, nil)
		t.Logf("%x, %v after %v", reply, err, time.Since(start))
	}
	_ = func(t *testing.T) { synctest.Test(t, test) } // in virtual time
}

// A card that answers with a function.
func ExampleFunc() {
	card := &nfctest.Func{Answer: func(ctx context.Context, apdu []byte) ([]byte, error) {
		return []byte{0x6a, 0x82}, nil // a card without the application
	}}
	_, err := nfc.Open(context.Background(), card, nil)
	fmt.Println(errors.Is(err, nfc.ErrNoApplet))
	// Output: true
}
