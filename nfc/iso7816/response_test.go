package iso7816_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gofido/fido/nfc/iso7816"
)

func TestResponses(t *testing.T) {
	for _, c := range []struct {
		name string
		want iso7816.Response
		tail string
	}{
		{"status word alone", iso7816.Response{SW: iso7816.SWWrongLength}, "6700"},
		{"one byte", iso7816.Response{Data: []byte{0x2d}, SW: iso7816.SWNoError}, "9000"},
		{"256 bytes, more to come", iso7816.Response{Data: pattern(256), SW: iso7816.BytesRemaining(300)}, "6100"},
		{"most", iso7816.Response{Data: pattern(65536), SW: iso7816.SWNoError}, "9000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			encoded := append(bytes.Clone(c.want.Data), unhex(t, c.tail)...)
			if got := c.want.Append([]byte("before")); string(got[:6]) != "before" || !bytes.Equal(got[6:], encoded) {
				t.Errorf("Append = %x, want %x", got, encoded)
			}
			if got, err := iso7816.ParseResponse(encoded); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("ParseResponse = %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestParseResponseMalformed(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		want iso7816.Problem
	}{
		{"empty", 0, iso7816.NoStatusWord},
		{"half a status word", 1, iso7816.NoStatusWord},
		{"one byte too many", 65539, iso7816.ResponseTooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := iso7816.ParseResponse(make([]byte, c.n))
			bad, ok := errors.AsType[*iso7816.SyntaxError](err)
			if !ok || *bad != (iso7816.SyntaxError{Problem: c.want, Len: c.n}) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestResponseErr(t *testing.T) {
	if err := (iso7816.Response{SW: iso7816.SWNoError}).Err(); err != nil {
		t.Errorf("9000 is the error %v", err)
	}
	if err := (iso7816.Response{SW: iso7816.SWWrongData}).Err(); !errors.Is(err, iso7816.SWWrongData) {
		t.Errorf("6A80 is the error %v", err)
	}
}

func TestStatusWordNumbers(t *testing.T) {
	for _, c := range []struct {
		sw        iso7816.StatusWord
		remaining int // zero: not ok
		exactLe   int
	}{
		{0x6101, 1, 0}, {0x61ff, 255, 0}, {0x6100, 256, 0},
		{0x6c01, 0, 1}, {0x6cff, 0, 255}, {0x6c00, 0, 256},
		{0x9000, 0, 0}, {0x6200, 0, 0}, {0x6d00, 0, 0}, {0x0061, 0, 0},
	} {
		if n, ok := c.sw.Remaining(); n != c.remaining || ok != (c.remaining > 0) {
			t.Errorf("%v: Remaining = %d, %v", c.sw.String(), n, ok)
		}
		if n, ok := c.sw.ExactLe(); n != c.exactLe || ok != (c.exactLe > 0) {
			t.Errorf("%v: ExactLe = %d, %v", c.sw.String(), n, ok)
		}
	}
	for _, c := range []struct {
		n    int
		want byte
	}{{1, 1}, {255, 255}, {256, 0}, {257, 0}, {70000, 0}, {0, 1}, {-1, 1}} {
		if got := iso7816.BytesRemaining(c.n); got != 0x6100|iso7816.StatusWord(c.want) {
			t.Errorf("BytesRemaining(%d) = %v", c.n, got.String())
		}
		if got := iso7816.WrongLe(c.n); got != 0x6c00|iso7816.StatusWord(c.want) {
			t.Errorf("WrongLe(%d) = %v", c.n, got.String())
		}
	}
}

func TestTexts(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{iso7816.SWWrongData.String(), "6A80"},
		{iso7816.SWWrongData.Error(), "status word 6A80: incorrect parameters in the data"},
		{iso7816.StatusWord(0x6105).Error(), "status word 6105: 5 bytes remain"},
		{iso7816.StatusWord(0x6100).Error(), "status word 6100: 256 bytes or more remain"},
		{iso7816.StatusWord(0x6c20).Error(), "status word 6C20: wrong Le; 32 bytes are available"},
		{iso7816.StatusWord(0x9100).Error(), "status word 9100"},
		{iso7816.StatusWord(0x0001).String(), "0001"},
		{iso7816.Problem(99).String(), "problem 99"},
		{iso7816.Problem(0).String(), "problem 0"},
		{(&iso7816.SyntaxError{Problem: iso7816.NoHeader, Len: 3}).Error(), "iso7816: APDU of 3 bytes: a command has at least the four bytes CLA, INS, P1 and P2"},
		{(&iso7816.RangeError{Member: "Ne", Value: 300, Max: 256}).Error(), "iso7816: Ne of 300 does not fit the short form: 0 to 256"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	for p := iso7816.NoHeader; p <= iso7816.ResponseTooLong; p++ {
		if strings.HasPrefix(p.String(), "problem ") {
			t.Errorf("problem %d has no text", p)
		}
	}
}
