package pcsc

import (
	"errors"
	"strings"
	"testing"

	"github.com/gofido/fido/nfc"
)

func TestCodes(t *testing.T) {
	for c, m := range meanings {
		if m.text == "" || !strings.Contains(c.Error(), m.text) {
			t.Errorf("%08X: %v", uint32(c), c)
		}
		for _, target := range []error{nfc.ErrGone, nfc.ErrReset, nfc.ErrNotSent} {
			if got := errors.Is(&OpError{"x", "", c}, target); got != (m.is == target) {
				t.Errorf("%v is %v: %v", c, target, got)
			}
		}
	}
	if s := Code(0x80109999).Error(); !strings.Contains(s, "80109999") {
		t.Error(s)
	}
}

func TestMaxAPDU(t *testing.T) {
	for in, want := range map[string]int{
		"":                                   0,
		"\x0a\x04\x00\x00\x00\x00":           261,
		"\x0a\x04\x08\x00\x01\x00":           65544,
		"\x0a\x04\xff\xff\xff\xff":           1 << 17,
		"\x01\x02ab\x0a\x04\x2c\x01":         0,
		"\x01\x02ab\x0a\x04\x2c\x01\x00\x00": 300,
		"\x0a\x05":                           0,
	} {
		if got := maxAPDU([]byte(in)); got != want {
			t.Errorf("%x: %d, want %d", in, got, want)
		}
	}
}

func TestWithoutLe(t *testing.T) {
	for in, want := range map[string]string{
		"\x00\x01\x00\x00":                       "\x00\x01\x00\x00",
		"\x00\x01\x00\x00\x00":                   "\x00\x01\x00\x00\x00",
		"\x00\x01\x00\x00\x02ab":                 "\x00\x01\x00\x00\x02ab",
		"\x00\x01\x00\x00\x02ab\x00":             "\x00\x01\x00\x00\x02ab",
		"\x00\x01\x00\x00\x00\x00\x02ab\x00\x00": "\x00\x01\x00\x00\x00\x00\x02ab\x00\x00",
		"\x00":                                   "\x00",
	} {
		if got := string(withoutLe([]byte(in))); got != want {
			t.Errorf("%x: %x, want %x", in, got, want)
		}
	}
}
