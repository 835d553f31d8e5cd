package cbor_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
)

// scalars are values and their encodings: the subset of RFC 8949 appendix A that python-fido2 tests
// (tests/test_cbor.py), as far as Go's integers reach, and the order of keys of CTAP 2.3 section 8.
var scalars = []struct {
	value any
	data  string
}{
	{0, "00"},
	{23, "17"},
	{24, "1818"},
	{255, "18ff"},
	{256, "190100"},
	{1000, "1903e8"},
	{1000000, "1a000f4240"},
	{int64(1000000000000), "1b000000e8d4a51000"},
	{uint64(math.MaxUint64), "1bffffffffffffffff"},
	{-1, "20"},
	{-1000, "3903e7"},
	{int64(math.MinInt64), "3b7fffffffffffffff"},
	{false, "f4"},
	{true, "f5"},
	{[]byte{}, "40"},
	{[]byte{1, 2, 3, 4}, "4401020304"},
	{"IETF", "6449455446"},
	{"ü", "62c3bc"},
	{[]any{uint64(1), []any{uint64(2), uint64(3)}, []any{uint64(4), uint64(5)}}, "8301820203820405"},
	{map[int]int{1: 2, 3: 4}, "a201020304"},
	{
		map[any]any{
			"b": uint64(0), "z": uint64(0), "aa": uint64(0), uint64(1): uint64(0), uint64(24): uint64(0), uint64(100): uint64(0),
			int64(-1): uint64(0), int64(-24): uint64(0),
		},
		"a8010018180018640020003700616200617a0062616100",
	},
	{
		map[string]int{"clientPin": 0, "ep": 0, "rk": 0, "plat": 0, "up": 0, "alwaysUv": 0, "uv": 0},
		"a7 626570 00 62726b 00 627570 00 627576 00 64706c6174 00 68616c776179735576 00 69636c69656e7450696e 00",
	},
}

func TestScalarsBothWays(t *testing.T) {
	for _, test := range scalars {
		t.Run(test.data, func(t *testing.T) {
			data := unhex(t, test.data)
			got, err := cbor.Marshal(test.value)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("Marshal = %x, %v; want %x", got, err, data)
			}
			back, err := decodeNew(data, test.value)
			if err != nil || !reflect.DeepEqual(back, test.value) {
				t.Errorf("Unmarshal = %#v, %v; want %#v", back, err, test.value)
			}
			if found, err := cbor.Check(nil, data); err != nil || len(found) > 0 {
				t.Errorf("Check = %v, %v; want nothing", found, err)
			}
		})
	}
	// No integer of Go holds the lowest integer of CBOR, but it is canonical.
	if found, err := cbor.Check(nil, unhex(t, "3bffffffffffffffff")); err != nil || len(found) > 0 {
		t.Errorf("Check = %v, %v; want nothing", found, err)
	}
}

func TestMarshal(t *testing.T) {
	type disordered struct {
		Z int `cbor:"zz"`
		B int `cbor:"b"`
		N int `cbor:"-1,keyasint"`
		H int `cbor:"100,keyasint"`
		A int `cbor:"2,keyasint"`
	}
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"struct with everything left out", request{}, "a1 01 40"},
		{"struct with members", request{Hash: []byte{1}, Protocol: ptr(uint8(2)), Level: -1, Flag: true, Raw: cbor.RawMessage{0xf5}, AAGUID: [4]byte{1}},
			"a6 01 4101 04 02 06 4401000000 07 f5 20 20 64666c6167 f5"},
		{"fields in canonical order", disordered{1, 2, 3, 4, 5}, "a5 02 05 1864 04 20 03 6162 02 627a7a 01"},
		{"pointer", ptr(5), "05"},
		{"nil slice", []int(nil), "80"},
		{"nil bytes", []byte(nil), "40"},
		{"nil map", map[string]int(nil), "a0"},
		{"nil pointer", (*int)(nil), "f6"},
		{"nil", nil, "f6"},
		{"byte array", [2]byte{1, 2}, "420102"},
		{"own method", upper("A"), "6141"},
		{"float keeps its size", float32(1), "fa3f800000"},
		{"wide float keeps its size", 1.0, "fb3ff0000000000000"},
		{"raw message", []cbor.RawMessage{{1}, {0x81, 0}}, "82 01 8100"},
		{"raw message is not put in order", cbor.RawMessage{0x18, 0x01}, "1801"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := unhex(t, test.want)
			got, err := cbor.Marshal(test.value)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("Marshal = %x, %v; want %x", got, err, want)
			}
			for _, room := range []int{0, 3, 64} {
				dst := append(make([]byte, 0, 2+room), 0xaa, 0xbb)
				got, err := cbor.Append(dst, test.value)
				if err != nil || !bytes.Equal(got, append([]byte{0xaa, 0xbb}, want...)) {
					t.Errorf("Append with room for %d = %x, %v; want aabb%x", room, got, err, want)
				}
			}
		})
	}
}

func TestMarshalErrors(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"channel", make(chan int), "chan int"},
		{"empty raw message", struct{ R cbor.RawMessage }{}, "omitzero"},
		{"raw message cut short", cbor.RawMessage{0x82, 0}, "RawMessage"},
		{"two items in a raw message", cbor.RawMessage{0, 0}, "RawMessage"},
		{"indefinite raw message", cbor.RawMessage{0x9f, 0xff}, "RawMessage"},
		{"tagged raw message", cbor.RawMessage{0xc1, 0}, "RawMessage"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if b, err := cbor.Marshal(test.value); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Marshal = %x, %v; want an error about %s", b, err, test.want)
			}
			dst := []byte{1, 2}
			if b, err := cbor.Append(dst, test.value); err == nil || !bytes.Equal(b, dst) {
				t.Errorf("Append = %x, %v; want 0102 and an error", b, err)
			}
		})
	}
}

// failing fails to encode.
type failing struct{}

func (failing) MarshalCBOR() ([]byte, error) { return nil, errFailing }

var errFailing = errors.New("failing")

func TestMarshalWrapsErrorsOfMethods(t *testing.T) {
	if _, err := cbor.Marshal([]any{failing{}}); !errors.Is(err, errFailing) {
		t.Errorf("got %v; want %v", err, errFailing)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	small := &struct {
		A []byte `cbor:"1,keyasint"`
		B string `cbor:"2,keyasint"`
	}{[]byte{1}, "b"}
	dst := make([]byte, 0, 64)
	for name, v := range map[string]any{"struct": small, "integer": 1000} {
		if n := testing.AllocsPerRun(100, func() { dst, _ = cbor.Append(dst[:0], v) }); n != 0 {
			t.Errorf("%s: %v allocations; want 0", name, n)
		}
	}
}

func TestRawMessageCopies(t *testing.T) {
	item := []byte{0x41, 1}
	var m cbor.RawMessage
	if err := m.UnmarshalCBOR(item); err != nil {
		t.Fatal(err)
	}
	item[1] = 2
	out, err := m.MarshalCBOR()
	if err != nil || hex.EncodeToString(out) != "4101" {
		t.Fatalf("MarshalCBOR = %x, %v; want 4101", out, err)
	}
	out[1] = 3
	if m[1] != 1 {
		t.Error("writing to what MarshalCBOR returned changes the message")
	}
}
