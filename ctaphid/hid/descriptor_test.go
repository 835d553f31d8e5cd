package hid_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// The descriptor that most keys have, as python-fido2's tests/test_hid.py
// quotes it.
const standard = "06d0f10901a1010920150026ff007508954081020921150026ff00750895409102c0"

// A boot keyboard, as in HID 1.11 appendix E.6, with the LEDs as output.
const keyboard = "05010906a101" +
	"050719e029e7150025017501950881029501750881019505750105081901290591029501750391019506750815002565050719002965" + "8100c0"

// The same collections with report IDs: 1 for the keyboard, 2 for FIDO.
const numberedKeyboard = "05010906a1018501050719e029e71500250175019508810295057501050819012905910295017503910195067508150025650507190029658100c0"
const numberedFIDO = "06d0f10901a10185020920150026ff0075089540810285020921150026ff00750895409102c0"

// 62 bytes: a mouse in front of a key whose reports have 62 bytes and an ID.
const mouseAndKey62 = "05010902a1010901a100050919012903150025017501950381020501" + // buttons
	"c0c0" + "06d0f10901a10185030920150026ff007508953e8102092175" + "08953e9102c0"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseDescriptor(t *testing.T) {
	for _, tt := range []struct {
		name, hex string
		want      hid.Descriptor
	}{
		{"empty", "", hid.Descriptor{}},
		{"standard key", standard, hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"keyboard only", keyboard, hid.Descriptor{}},
		{"keyboard before key", keyboard + standard, hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"key before keyboard", standard + keyboard, hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"report IDs", numberedKeyboard + numberedFIDO, hid.Descriptor{FIDO: true, In: 64, Out: 64, InID: 2, OutID: 2}},
		{"62-byte reports after a mouse", mouseAndKey62, hid.Descriptor{FIDO: true, In: 62, Out: 62, InID: 3, OutID: 3}},
		{"different sizes", "06d0f10901a101092075089508810209219520" + "9102c0", hid.Descriptor{FIDO: true, In: 8, Out: 32}},
		{"usage of four bytes", "0b0100d0f1a101" + "750895408102" + "9102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"usage of four bytes, wrong page in front", "05010b0100d0f1a1017508954081029102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"usage of two bytes", "06d0f10a0100a1017508954081029102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"usage of four bytes without a page", "06d0f10b01000000a1017508954081029102c0", hid.Descriptor{}},
		{"usage page of four bytes", "07d0f100000901a1017508954081029102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"usage page after the usage", "090106d0f1a1017508954081029102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"one of several usages", "06d0f109070901a1017508954081029102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"usage spent on an earlier collection", "0901a100c006d0f1a101c0", hid.Descriptor{}},
		{"other usage of the FIDO page", "06d0f10902a1017508954081029102c0", hid.Descriptor{}},
		{"usage 1 of another page", "06d0ff0901a1017508954081029102c0", hid.Descriptor{}},
		{"counts of two and four bytes", "06d0f10901a10176080096400081027708000000974000000091" + "02c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"item without data is zero", "06d0f10901a1017508954081029491" + "02c0", hid.Descriptor{FIDO: true, In: 64}},
		{"several fields are summed", "06d0f10901a1017508953081029510810295409102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"bits are rounded up to bytes", "06d0f10901a101750195418102954091" + "02c0", hid.Descriptor{FIDO: true, In: 9, Out: 8}},
		{"fields of another ID are left out", "06d0f10901a1018501750895408102850295088102850195409102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64, InID: 1, OutID: 1}},
		{"IDs differ by direction", "06d0f10901a10185017508954081028502954091" + "02c0", hid.Descriptor{FIDO: true, In: 64, Out: 64, InID: 1, OutID: 2}},
		{"globals from an earlier collection", "7508954005010906a10181029102c006d0f10901a10181029102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"sizes of other collections do not count", "06d0f10902a1017508950881029102c00901a101954081029102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"push and pop", "06d0f17508a40501951" + "0b40901a101954081029102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"collection within the collection", "06d0f10901a10109" + "20a102750895408102c09102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"within another collection", "05010906a10106d0f10901a1017508954081029102c0c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"second key is ignored", standard + "0901a101750895088102" + "9102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"long item skipped", "fe0310010203" + standard, hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"long item that looks like items", "fe04c0c0c0c0c0" + standard, hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"feature reports do not count", "06d0f10901a101750895" + "40b10281029102c0", hid.Descriptor{FIDO: true, In: 64, Out: 64}},
		{"no output", "06d0f10901a10175089540" + "8102c0", hid.Descriptor{FIDO: true, In: 64}},
		{"larger than CTAPHID takes", "06d0f10901a1017508964001" + "81029102c0", hid.Descriptor{FIDO: true, In: 320, Out: 320}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := hid.ParseDescriptor(unhex(t, tt.hex))
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestParseDescriptorMalformed(t *testing.T) {
	for _, tt := range []struct {
		name, hex string
		offset    int
	}{
		{"item without its byte", "05", 0},
		{"item with one byte of two", "09010601", 2},
		{"item with three bytes of four", "0b010203", 0},
		{"long item without header", "fe05", 0},
		{"long item cut off", "fe0510010203", 0},
		{"collection not ended", standard[:len(standard)-2], 33},
		{"end without collection", standard + "c0", 34},
		{"pop without push", "b4", 0},
		{"too many pushes", strings.Repeat("a4", 17), 16},
		{"report ID 0", "8500", 0},
		{"report ID of two bytes", "860001", 0},
		{"report of 2^64 bits", "06d0f10901a10177ffffffff97ffffffff8102c0", 17},
		{"sum of fields too long", "06d0f10901a10175ff96001081028102c0", 14},
		{"too long", strings.Repeat("0501", 2049), 4096},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := hid.ParseDescriptor(unhex(t, tt.hex))
			e, ok := errors.AsType[*hid.DescriptorError](err)
			if !ok || e.Offset != tt.offset {
				t.Errorf("error is %v, want one at byte %d", err, tt.offset)
			}
		})
	}
}

// What is cut off anywhere is an error, except between items outside of
// collections, and the parser never claims more than it has read.
func TestParseDescriptorTruncated(t *testing.T) {
	whole := unhex(t, standard)
	for n := range whole {
		got, err := hid.ParseDescriptor(whole[:n])
		if got.In != 0 || got.Out != 0 {
			t.Errorf("%d bytes: %+v", n, got)
		}
		if boundary := n == 0 || n == 3 || n == 5; (err == nil) != boundary {
			t.Errorf("%d bytes: error %v", n, err)
		}
	}
}

func TestAppendDescriptor(t *testing.T) {
	if got := hex.EncodeToString(hid.AppendDescriptor(nil, 64, 64)); got != standard {
		t.Errorf("64, 64: %s", got)
	}
	for in := 1; in <= 255; in++ {
		out := 256 - in
		want := hid.Descriptor{FIDO: true, In: in, Out: out}
		got, err := hid.ParseDescriptor(hid.AppendDescriptor(nil, in, out))
		if err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name string
		d    hid.Descriptor
		want error
	}{
		{"usual", hid.Descriptor{FIDO: true, In: 64, Out: 64}, nil},
		{"smallest", hid.Descriptor{FIDO: true, In: 8, Out: 8}, nil},
		{"not FIDO", hid.Descriptor{In: 64, Out: 64}, hid.ErrNotFIDO},
		{"input too small", hid.Descriptor{FIDO: true, In: 7, Out: 64}, ctaphid.ErrReportSize},
		{"output missing", hid.Descriptor{FIDO: true, In: 64}, ctaphid.ErrReportSize},
		{"output too large", hid.Descriptor{FIDO: true, In: 64, Out: 65}, ctaphid.ErrReportSize},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.d.Check(); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzParseDescriptor(f *testing.F) {
	for _, s := range []string{standard, keyboard, numberedKeyboard + numberedFIDO, mouseAndKey62, "fe0310010203" + standard, "0b0100d0f1a1017508954081029102c0"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := hid.ParseDescriptor(b)
		if d.In < 0 || d.Out < 0 || d.In > 1<<17 || d.Out > 1<<17 {
			t.Fatalf("sizes out of bounds: %+v", d)
		}
		if !d.FIDO && d != (hid.Descriptor{}) {
			t.Fatalf("facts about no collection: %+v", d)
		}
		if d.Check() == nil && (d.In > ctaphid.MaxReportSize || d.Out > ctaphid.MaxReportSize) {
			t.Fatalf("check passed %+v", d)
		}
		if err != nil || len(b) > hid.MaxDescriptorSize-3 {
			return
		}
		// An item of no concern changes nothing, wherever it stands between items.
		long := append([]byte{0xfe, 0, 0xf0}, b...)
		if again, err := hid.ParseDescriptor(long); err != nil || again != d {
			t.Fatalf("behind a long item: %+v, %v; without: %+v", again, err, d)
		}
		// Where no key was found, one that follows is found, whatever went before.
		if b := hid.AppendDescriptor(bytes.Clone(b), 64, 32); !d.FIDO && len(b) <= hid.MaxDescriptorSize {
			if d, err := hid.ParseDescriptor(b); err != nil || d.In != 64 || d.Out != 32 {
				t.Fatalf("key behind other collections: %+v, %v", d, err)
			}
		}
	})
}

func ExampleParseDescriptor() {
	d, err := hid.ParseDescriptor(hid.AppendDescriptor(nil, 64, 64))
	fmt.Println(d.FIDO, d.In, d.Out, err)
	// Output: true 64 64 <nil>
}

func ExampleAppendDescriptor() {
	fmt.Printf("%x\n", hid.AppendDescriptor(nil, 64, 64))
	// Output: 06d0f10901a1010920150026ff007508954081020921150026ff00750895409102c0
}
