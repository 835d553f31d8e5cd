package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/nfc/nfctest"
)

// cardMoments is about how many moments of a command a card is tried at.
const cardMoments = 5

// cardFaults are what a reader does at its n-th command, and how a command may end
// then, besides well. A key that loses power forgets its token, too, which it then
// refuses.
var cardFaults = map[string]struct {
	fault func(n int) nfctest.Fault
	codes []int
}{
	"the field is lost before an answer": {func(n int) nfctest.Fault { return nfctest.LosesField(n, false) }, []int{exitNoKey, exitPIN}},
	"the field is lost after an answer":  {func(n int) nfctest.Fault { return nfctest.LosesField(n, true) }, []int{exitNoKey, exitPIN}},
	"the key forgets":                    {nfctest.ForgetsAfter, []int{exitNoKey, exitPIN}},
	"the key is taken away":              {func(n int) nfctest.Fault { return nfctest.Vanishes(n, false) }, []int{exitNoKey}},
	"an answer is cut off":               {cutOff, []int{exitRefused}},
}

// cutOff is a reader that loses the second half of an answer, and says that it was
// all.
func cutOff(n int) nfctest.Fault {
	return func(next nfctest.Transmit) nfctest.Transmit {
		count := 0
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			b, err := next(ctx, apdu)
			if count++; err == nil && count == n && len(b) > 2 {
				b = append(b[:len(b)/2:len(b)/2], 0x90, 0)
			}
			return b, err
		}
	}
}

// counting counts the commands that a card gets.
func counting(n *int) nfctest.Fault {
	return func(next nfctest.Transmit) nfctest.Transmit {
		return func(ctx context.Context, apdu []byte) ([]byte, error) {
			*n++
			return next(ctx, apdu)
		}
	}
}

// A key at a reader that loses it, at some moments of every command: the command ends
// as the table says, in time, and costs no try of the PIN.
func TestHostileCards(t *testing.T) {
	for _, command := range hostileCommands {
		if command == "reset" {
			continue // whose person takes the key to another port
		}
		t.Run(command, func(t *testing.T) {
			most := 0
			well, _, _ := (&attack{card: counting(&most)}).inBubble(t, command)
			if err := checkAnswer(well, false); err != nil || well.code != exitOK && well.code != exitRefused {
				t.Fatalf("without a fault: exit code %d, %v:\n%s", well.code, err, well.err)
			}
			for n := 1; n <= most; n += 1 + most/cardMoments {
				for name, c := range cardFaults {
					r, h, took := (&attack{card: c.fault(n)}).inBubble(t, command)
					if err := checkAnswer(r, false); err != nil || took > hostileLimit || r.code != well.code && !slices.Contains(c.codes, r.code) || strings.Contains(r.err, "nfc: CBOR") {
						t.Errorf("%s at %d of %d: exit code %d after %v, %v:\n%s", name, n, most, r.code, took, err, r.err)
					}
					if h.PINRetries() != 8 {
						t.Errorf("%s at %d of %d: %d PIN tries are left", name, n, most, h.PINRetries())
					}
				}
			}
		})
	}
}
