package iso7816_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/gofido/fido/nfc/iso7816"
)

// FuzzParse: what Parse accepts comes back from Append byte for byte; what only
// ParseLenient accepts, without the Lc of zero, parses to the same command; and
// nothing panics.
func FuzzParse(f *testing.F) {
	for _, c := range commands {
		if len(c.command.Data) < 300 {
			b, err := c.command.Append(nil)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	for _, s := range []string{"", "010203", "00030000 000000 0000", "80110000 0000", "01020304 01aa0000", "01020304 000001aa00", "01020304 00ffff00"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		strict, err := iso7816.Parse(b)
		lenient, zeroLc, lenientErr := iso7816.ParseLenient(b)
		if (err == nil) != (lenientErr == nil && !zeroLc) {
			t.Fatalf("%x: Parse says %v, ParseLenient %v, %v", b, err, zeroLc, lenientErr)
		}
		if lenientErr != nil {
			if !reflect.DeepEqual(lenient, iso7816.Command{}) {
				t.Fatalf("%x: %v with the error %v", b, lenient, lenientErr)
			}
			return
		}
		if err == nil && !reflect.DeepEqual(strict, lenient) {
			t.Fatalf("%x: Parse gives %v, ParseLenient %v", b, strict, lenient)
		}
		again, err := lenient.Append(nil)
		if err != nil {
			t.Fatalf("%x: Append: %v", b, err)
		}
		if len(again) != lenient.Size() {
			t.Fatalf("%x: Size %d, but %d bytes", b, lenient.Size(), len(again))
		}
		if !zeroLc {
			if !bytes.Equal(again, b) {
				t.Fatalf("Append = %x, want %x", again, b)
			}
			return
		}
		if got, err := iso7816.Parse(again); err != nil || !reflect.DeepEqual(got, lenient) {
			t.Fatalf("%x without the Lc of zero: %v, %v, want %v", b, got, err, lenient)
		}
	})
}

// FuzzParseResponse: what ParseResponse accepts comes back from Append byte for
// byte, and every status word has its texts.
func FuzzParseResponse(f *testing.F) {
	for _, s := range []string{"", "90", "9000", "2d9000", "019100", "6105", "6100", "6c00", "6a80"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := iso7816.ParseResponse(b)
		if err != nil {
			return
		}
		if got := r.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("Append = %x, want %x", got, b)
		}
		if len(r.SW.String()) != 4 || r.SW.Error() == "" || (r.Err() == nil) != (r.SW == 0x9000) {
			t.Fatalf("%x: %q, %q, %v", b, r.SW.String(), r.SW.Error(), r.Err())
		}
		if n, ok := r.SW.Remaining(); ok && iso7816.BytesRemaining(n) != r.SW {
			t.Fatalf("%v: %d bytes remain, which is %v", r.SW.String(), n, iso7816.BytesRemaining(n).String())
		}
		if n, ok := r.SW.ExactLe(); ok && iso7816.WrongLe(n) != r.SW {
			t.Fatalf("%v: Le %d, which is %v", r.SW.String(), n, iso7816.WrongLe(n).String())
		}
	})
}
