package nfc_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
	"github.com/gofido/fido/nfc/nfctest"
)

// transactions counts how often a card was given back.
type transactions struct {
	nfc.Card
	ends atomic.Int32
}

func (c *transactions) End() error {
	c.ends.Add(1)
	return c.Card.End()
}

// The end of a sequence waits for nobody: not for another's call that takes a minute.
// The card is given back when that is done.
func TestEndSequenceDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		card := &transactions{Card: &nfctest.Func{Answer: func(ctx context.Context, apdu []byte) ([]byte, error) {
			if apdu[1] == iso7816.INSSelect {
				return []byte("FIDO_2_0\x90\x00"), nil
			}
			time.Sleep(time.Minute)
			return []byte{0, 0xa0, 0x90, 0}, nil
		}}}
		conn := open(t, card, nil)
		for range 2 {
			if err := conn.BeginSequence(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		before := card.ends.Load()
		done := make(chan error)
		go func() {
			_, err := conn.CBOR(t.Context(), nil, []byte{0x04}, nil)
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		conn.EndSequence()
		conn.EndSequence()
		if took := time.Since(start); took != 0 || card.ends.Load() != before {
			t.Errorf("it takes %v; given back in the middle of a call: %v", took, card.ends.Load() != before)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := card.ends.Load() - before; n != 1 {
			t.Errorf("given back %d times", n)
		}
		if _, err := conn.CBOR(t.Context(), nil, []byte{0x04}, nil); err != nil || card.ends.Load() != before+2 {
			t.Errorf("a call of its own: %v, given back %d times", err, card.ends.Load()-before-1)
		}
	})
}
