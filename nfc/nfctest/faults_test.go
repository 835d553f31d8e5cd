package nfctest_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/nfctest"
)

// echo is a card that answers every command with the response here.
func echo(response string) *nfctest.Func {
	return &nfctest.Func{Answer: func(context.Context, []byte) ([]byte, error) { return hex.DecodeString(response) }}
}

// Each fault does to these commands what it says.
func TestFaults(t *testing.T) {
	const selectFIDO = "00a4040008a0000006472f000100"
	for _, c := range []struct {
		name      string
		fault     nfctest.Fault
		response  string // of the card behind it
		exchanges []string
	}{
		{"ShortOnly", nfctest.ShortOnly(), "9000", []string{"8010000000000104", "6700", "801000000104", "9000"}},
		{"MaxTransceive", nfctest.MaxTransceive(6), "01029000", []string{"801000000104", "01029000", "8010000002040400", "not sent"}},
		{"RemainingOnSelect", nfctest.RemainingOnSelect(), "0102039000",
			[]string{selectFIDO, "6103", "00c0000002", "01026101", "00c0000001", "039000", "801000000104", "0102039000"}},
		{"ExactLe", nfctest.ExactLe(), "0102039000", []string{selectFIDO, "6c03", "00a4040008a0000006472f000103", "0102039000", "8011000003", "0102039000"}},
		{"T0", nfctest.T0(), "0102039000",
			[]string{"801000000104", "6103", "80c0000004", "6c03", "80c0000003", "0102039000", "8011000000", "6c03", "8011000003", "0102039000", "80110000000000", "not sent"}},
		{"NeverFinishes", nfctest.NeverFinishes(2), "9000", []string{"801080000104", "029100", "8011110000", "029100", selectFIDO, "9000"}},
		{"ChainsForever", nfctest.ChainsForever(2), "059000", []string{"801080000104", "056102", "80c0000002", "00006102", "80c0000001", "006102"}},
		{"GetResponseClass", nfctest.GetResponseClass(0), "9000", []string{"80c0000000", "6e00", "00c0000000", "9000"}},
		{"WithoutChaining", nfctest.WithoutChaining(), "9000", []string{"901000000104", "6884", "801000000104", "9000", "80", "9000"}},
		{"WithoutGetResponse", nfctest.WithoutGetResponse(), "9000", []string{"801080000104", "6a86", "801000000104", "9000"}},
		{"LosesField", nfctest.LosesField(2, false), "9000", []string{"80120100", "9000", "80120100", "gone", "80120100", "gone", "reset", "", "80120100", "9000"}},
		{"LosesField, answered", nfctest.LosesField(2, true), "9000", []string{"80120100", "9000", "80120100", "9000", "80120100", "gone", "reset", "", "80120100", "9000"}},
		{"ForgetsAfter", nfctest.ForgetsAfter(1), "9000", []string{"80120100", "reset", "reset", "", "80120100", "9000"}},
		{"SelectAnswer", nfctest.SelectAnswer(""), "019000", []string{selectFIDO, "9000", "80120100", "019000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := nfctest.Faulty(echo(c.response), c.fault)
			defer card.Close()
			for i := 0; i < len(c.exchanges); i += 2 {
				command, want := c.exchanges[i], c.exchanges[i+1]
				if command == "reset" {
					if err := card.Reset(t.Context()); err != nil {
						t.Fatal(err)
					}
					continue
				}
				apdu, _ := hex.DecodeString(command)
				got, err := card.Transmit(t.Context(), []byte("x"), apdu)
				is := map[string]error{"gone": nfc.ErrGone, "reset": nfc.ErrReset, "not sent": nfc.ErrNotSent}[want]
				if is != nil {
					if !errors.Is(err, is) {
						t.Errorf("%s: %x, %v, want the error %s", command, got, err, want)
					}
				} else if err != nil || hex.EncodeToString(got) != "78"+want {
					t.Errorf("%s: %x, %v, want %s", command, got, err, want)
				}
			}
		})
	}
}

func TestAIDPrefix(t *testing.T) {
	var seen []byte
	card := nfctest.Faulty(&nfctest.Func{Answer: func(_ context.Context, apdu []byte) ([]byte, error) {
		seen = bytes.Clone(apdu)
		return []byte{0x90, 0}, nil
	}}, nfctest.AIDPrefix())
	apdu, _ := hex.DecodeString("00a404000aa0000006472f0001aabb")
	if _, err := card.Transmit(t.Context(), nil, apdu); err != nil || hex.EncodeToString(seen) != "00a4040008a0000006472f0001" {
		t.Errorf("%x, %v", seen, err)
	}
}

// 256 bytes are lost, 255 are not.
func TestBreaksAt256(t *testing.T) {
	n := 255
	card := nfctest.Faulty(&nfctest.Func{Answer: func(context.Context, []byte) ([]byte, error) {
		return append(make([]byte, n), 0x90, 0), nil
	}}, nfctest.BreaksAt256())
	if _, err := card.Transmit(t.Context(), nil, []byte{0, 1, 0, 0}); err != nil {
		t.Error(err)
	}
	n = 256
	if _, err := card.Transmit(t.Context(), nil, []byte{0, 1, 0, 0}); !errors.Is(err, nfc.ErrGone) {
		t.Error(err)
	}
}
