package pinuv_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2/pinuv"
)

func TestCheckPIN(t *testing.T) {
	for _, c := range []struct {
		name     string
		pin      string
		min, max uint
		want     *pinuv.PINError
	}{
		{"four digits", "1234", 4, 63, nil},
		{"limits absent from getInfo", "1234", 0, 0, nil},
		{"63 bytes", strings.Repeat("a", 63), 4, 63, nil},
		{"four code points of four bytes", "🔑🔑🔑🔑", 4, 63, nil},
		{"a NUL inside", "12\x0034", 4, 63, nil},
		{"exactly the most code points", "12345678", 4, 8, nil},

		{"empty", "", 4, 63, &pinuv.PINError{Rule: pinuv.PINTooShort, Have: 0, Limit: 4}},
		{"three digits", "123", 0, 0, &pinuv.PINError{Rule: pinuv.PINTooShort, Have: 3, Limit: 4}},
		{"a minimum below four", "123", 1, 63, &pinuv.PINError{Rule: pinuv.PINTooShort, Have: 3, Limit: 4}},
		{"a higher minimum", "12345", 6, 63, &pinuv.PINError{Rule: pinuv.PINTooShort, Have: 5, Limit: 6}},
		{"three code points in six bytes", "äöü", 4, 63, &pinuv.PINError{Rule: pinuv.PINTooShort, Have: 3, Limit: 4}},
		{"64 bytes", strings.Repeat("a", 64), 4, 0, &pinuv.PINError{Rule: pinuv.PINTooLong, Have: 64, Limit: 63}},
		{"32 code points in 64 bytes", strings.Repeat("ä", 32), 4, 63, &pinuv.PINError{Rule: pinuv.PINTooManyBytes, Have: 64, Limit: 63}},
		{"a lower maximum", "123456789", 4, 8, &pinuv.PINError{Rule: pinuv.PINTooLong, Have: 9, Limit: 8}},
		{"not UTF-8", "123\xff", 4, 63, &pinuv.PINError{Rule: pinuv.PINNotUTF8}},
		{"a cut code point", "1234\xc3", 4, 63, &pinuv.PINError{Rule: pinuv.PINNotUTF8}},
		{"NUL at the end", "1234\x00", 4, 63, &pinuv.PINError{Rule: pinuv.PINTrailingNUL}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := pinuv.CheckPIN([]byte(c.pin), c.min, c.max)
			if c.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			got, ok := errors.AsType[*pinuv.PINError](err)
			if !ok || *got != *c.want {
				t.Errorf("error %+v, want %+v", err, c.want)
			}
			if c.pin != "" && strings.Contains(err.Error(), c.pin) {
				t.Errorf("%q shows the PIN", err)
			}
		})
	}
}

func TestNormalizePIN(t *testing.T) {
	for _, c := range []struct{ name, pin, want string }{
		{"ASCII", "1234", "1234"},
		{"composed", "caf\u00e9", "caf\u00e9"},
		{"decomposed", "cafe\u0301", "caf\u00e9"},
		{"marks out of order", "q\u0307\u0323", "q\u0323\u0307"},
		{"compatibility characters stay", "\ufb01\u2460", "\ufb01\u2460"},
		{"Hangul", "\u1112\u1161\u11ab", "\ud55c"},
		{"empty", "", ""},
	} {
		pin := []byte(c.pin)
		got, err := pinuv.NormalizePIN(pin)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
		clear(got)
		if string(pin) != c.pin {
			t.Errorf("%s: the result shares memory with the PIN", c.name)
		}
	}
	_, err := pinuv.NormalizePIN([]byte("\xff123"))
	if e, ok := errors.AsType[*pinuv.PINError](err); !ok || e.Rule != pinuv.PINNotUTF8 {
		t.Errorf("not UTF-8: %v", err)
	}
}

func TestPadAndUnpadPIN(t *testing.T) {
	for size := range 64 {
		pin := bytes.Repeat([]byte{'p'}, size)
		padded, err := pinuv.PadPIN(pin)
		if err != nil || len(padded) != 64 {
			t.Fatalf("%d bytes: %x, %v", size, padded, err)
		}
		if got, err := pinuv.UnpadPIN(padded); err != nil || !bytes.Equal(got, pin) {
			t.Errorf("%d bytes: UnpadPIN = %q, %v", size, got, err)
		}
	}
	_, err := pinuv.PadPIN(make([]byte, 64))
	if e, ok := errors.AsType[*pinuv.PINError](err); !ok || e.Rule != pinuv.PINTooManyBytes || e.Have != 64 {
		t.Errorf("64 bytes: %v", err)
	}
	// A platform that breaks the rule can fill all 64 bytes; CheckPIN refuses the result.
	full, err := pinuv.UnpadPIN(bytes.Repeat([]byte{'p'}, 64))
	if err != nil || len(full) != 64 {
		t.Errorf("no padding: %q, %v", full, err)
	}
	for _, size := range []int{0, 16, 63, 65, 80, 128} {
		if _, err := pinuv.UnpadPIN(make([]byte, size)); !isSizeError(err, size) {
			t.Errorf("UnpadPIN of %d bytes: %v, want a SizeError", size, err)
		}
	}
}

func TestPINErrorsTellWhatToDo(t *testing.T) {
	names := map[pinuv.PINRule]string{
		pinuv.PINTooShort: "PIN too short", pinuv.PINTooLong: "PIN too long", pinuv.PINTooManyBytes: "PIN too long in UTF-8",
		pinuv.PINNotUTF8: "PIN is not UTF-8", pinuv.PINTrailingNUL: "PIN ends in NUL",
	}
	for rule, want := range names {
		if rule.String() != want {
			t.Errorf("rule %d = %q, want %q", uint8(rule), rule, want)
		}
	}
	for rule, want := range map[pinuv.PINRule]string{
		pinuv.PINTooShort:     "at least 4",
		pinuv.PINTooLong:      "at most 4",
		pinuv.PINTooManyBytes: "at most 4",
		pinuv.PINNotUTF8:      "UTF-8",
		pinuv.PINTrailingNUL:  "NUL",
		pinuv.PINRule(99):     "PIN rule 99",
	} {
		if got := (&pinuv.PINError{Rule: rule, Have: 1, Limit: 4}).Error(); !strings.Contains(got, want) {
			t.Errorf("%v: %q does not say %q", rule, got, want)
		}
	}
}
