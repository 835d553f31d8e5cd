package nfc_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
)

func ExampleDetect() {
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		log.Fatal(err)
	}
	card := nfc.Loopback(soft)
	defer card.Close()
	version, err := nfc.Detect(context.Background(), card, nil)
	fmt.Println(version, err)
	// Output: U2F_V2 <nil>
}

// A key is left as it was: no CTAP2 command, and the card still open.
func TestDetectSendsNothingElse(t *testing.T) {
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	card := nfc.Loopback(soft)
	defer card.Close()
	sent := 0
	trace := func(e nfc.TraceEvent) {
		if e.Sent {
			sent++
		}
	}
	if _, err := nfc.Detect(t.Context(), card, &nfc.Config{Trace: trace}); err != nil || sent != 1 {
		t.Errorf("%d commands, %v", sent, err)
	}
	if n := len(soft.Commands()); n != 0 {
		t.Errorf("the key was asked %d times", n)
	}
	if err := card.Begin(t.Context()); err != nil {
		t.Errorf("the card is no longer open: %v", err)
	}
}

func TestDetectWaitsNoLongerThanItsContext(t *testing.T) {
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	card := nfc.Loopback(soft)
	defer card.Close()
	other := card.Share()
	if err := other.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer other.End()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := nfc.Detect(ctx, card, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("another program has the card: %v", err)
	}
}
