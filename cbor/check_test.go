package cbor_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
)

// unhex decodes hexadecimal digits; spaces between them are for the reader.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCheckFindsNothingInCanonicalData(t *testing.T) {
	for name, data := range map[string]string{
		"integers at each width":              "8a 00 17 1818 18ff 190100 1a00010000 1b0000000100000000 20 3818 3bffffffffffffffff",
		"empty strings, array and map":        "84 40 60 80 a0",
		"string of 24 bytes":                  "5818" + strings.Repeat("00", 24),
		"keys by type, length, bytes":         "a8 0100 181800 186400 2000 3700 616200 617a00 62616100",
		"byte string keys":                    "a2 4100 00 60 00",
		"keys of true and false":              "a2 f400 f500",
		"array keys, the shorter one first":   "a2 820101 00 811903e8 00",
		"simple values":                       "84 f4 f5 f6 f7",
		"text beyond ASCII":                   "62c3bc",
		"four nested levels":                  "8181818100",
		"four nested levels in an array each": "82 8181 80 8181 80",
	} {
		t.Run(name, func(t *testing.T) {
			if found, err := cbor.Check(nil, unhex(t, data)); err != nil || len(found) > 0 {
				t.Errorf("Check = %v, %v; want nothing", found, err)
			}
		})
	}
}

func TestCheckNamesEachDeviation(t *testing.T) {
	tests := []struct {
		name, data string
		want       []cbor.Deviation
	}{
		{"integer 0 in two bytes", "1800", at(cbor.NonMinimalInt, 0)},
		{"integer 23 in two bytes", "1817", at(cbor.NonMinimalInt, 0)},
		{"integer 23 in three bytes", "190017", at(cbor.NonMinimalInt, 0)},
		{"integer 255 in three bytes", "1900ff", at(cbor.NonMinimalInt, 0)},
		{"integer 65535 in five bytes", "1a0000ffff", at(cbor.NonMinimalInt, 0)},
		{"integer 2^32-1 in nine bytes", "1b00000000ffffffff", at(cbor.NonMinimalInt, 0)},
		{"integer -1 in two bytes", "81 3800", at(cbor.NonMinimalInt, 1)},
		{"length of a byte string", "5801 00", at(cbor.NonMinimalLength, 0)},
		{"length of a text string", "790001 61", at(cbor.NonMinimalLength, 0)},
		{"count of an array", "9801 00", at(cbor.NonMinimalLength, 0)},
		{"count of a map", "b801 0000", at(cbor.NonMinimalLength, 0)},
		{"indefinite byte string", "5f4101ff", at(cbor.IndefiniteLength, 0)},
		{"indefinite text string", "7f6161ff", at(cbor.IndefiniteLength, 0)},
		{"indefinite array", "9fff", at(cbor.IndefiniteLength, 0)},
		{"indefinite map", "bfff", at(cbor.IndefiniteLength, 0)},
		{"long length of a piece", "5f 580101 ff", at(cbor.IndefiniteLength, 0, cbor.NonMinimalLength, 1)},
		{"invalid text in a piece", "7f 61c3 61bc ff", at(cbor.IndefiniteLength, 0, cbor.InvalidUTF8, 1, cbor.InvalidUTF8, 3)},
		{"keys out of order in an indefinite map", "bf 0200 0100 ff", at(cbor.IndefiniteLength, 0, cbor.UnsortedKeys, 3)},
		{"tag", "c000", at(cbor.Tag, 0)},
		{"tags in tags", "c0d81800", at(cbor.Tag, 0, cbor.Tag, 1)},
		{"tag behind a tag with a long number", "d80000", at(cbor.Tag, 0)},
		{"invalid text behind a tag", "c061ff", at(cbor.Tag, 0, cbor.InvalidUTF8, 1)},
		{"half-precision float", "f93c00", at(cbor.Float, 0)},
		{"single-precision float", "81 fa47c35000", at(cbor.Float, 1)},
		{"double-precision float", "fb3ff199999999999a", at(cbor.Float, 0)},
		{"simple value in one byte", "e0", at(cbor.SimpleValue, 0)},
		{"simple value in two bytes", "f8ff", at(cbor.SimpleValue, 0)},
		{"byte behind the item", "0000", at(cbor.TrailingBytes, 1)},
		{"malformed bytes behind the item", "00ff1c", at(cbor.TrailingBytes, 1)},
		{"text cut in the middle of a character", "81 62 61c3", at(cbor.InvalidUTF8, 1)},
		{"five nested levels", "818181818100", at(cbor.TooDeep, 4)},
		{"six nested levels are one deviation", "81818181818100", at(cbor.TooDeep, 4)},
		{"two places too deep", "818181 82 80 8180", at(cbor.TooDeep, 4, cbor.TooDeep, 5)},
		{"integer keys out of order", "a2 0200 0100", at(cbor.UnsortedKeys, 3)},
		{"text keys out of order", "a2 617a00 616100", at(cbor.UnsortedKeys, 4)},
		{"longer text key first", "a2 62616100 617a00", at(cbor.UnsortedKeys, 5)},
		{"negative key in front of a positive one", "a2 2000 0000", at(cbor.UnsortedKeys, 3)},
		{"text key in front of an integer", "a2 617a00 191000 00", at(cbor.UnsortedKeys, 4)},
		{"longer array key first", "a2 811903e8 00 820101 00", at(cbor.UnsortedKeys, 6)},
		{"duplicate key beside the first", "a2 0100 0100", at(cbor.DuplicateKey, 3)},
		{"duplicate key in another length", "a2 0100 180100", at(cbor.NonMinimalInt, 3, cbor.DuplicateKey, 3)},
		{"duplicate text key in another length", "a2 616100 78016100", at(cbor.NonMinimalLength, 4, cbor.DuplicateKey, 4)},
		{"duplicate key far from the first", "a3 0100 0200 0100", at(cbor.UnsortedKeys, 5, cbor.DuplicateKey, 5)},
		{"three equal keys apart", "a5 0100 0200 0100 0300 0100", at(cbor.UnsortedKeys, 5, cbor.DuplicateKey, 5, cbor.UnsortedKeys, 9, cbor.DuplicateKey, 9)},
		{"three equal keys side by side", "a4 0200 0100 0100 0100", at(cbor.UnsortedKeys, 3, cbor.DuplicateKey, 5, cbor.DuplicateKey, 7)},
		{"duplicate in front of a deviation in its value", "a3 0100 0200 01 1800", at(cbor.UnsortedKeys, 5, cbor.DuplicateKey, 5, cbor.NonMinimalInt, 6)},
		{"key in more bytes than needed keeps its place", "a2 0100 180200", at(cbor.NonMinimalInt, 3)},
		{"keys of definite and indefinite length", "a4 617a00 7fff00 616100 617a00",
			at(cbor.IndefiniteLength, 4, cbor.UnsortedKeys, 7, cbor.DuplicateKey, 10)},
		{"equal keys of indefinite length", "a2 7f6161ff 00 7f6161ff 00",
			at(cbor.IndefiniteLength, 1, cbor.IndefiniteLength, 6, cbor.DuplicateKey, 6)},
		{"unsorted map in an unsorted map", "a2 02 a2 0200 0100 01 00", at(cbor.UnsortedKeys, 5, cbor.UnsortedKeys, 7)},
		{"unsorted map as a key", "a2 60 00 a2 02000100 00", at(cbor.UnsortedKeys, 6)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := cbor.Check(nil, unhex(t, test.data))
			if err != nil || !slices.Equal(found, test.want) {
				t.Errorf("Check = %v, %v; want %v", found, err, test.want)
			}
		})
	}
}

// at makes deviations of kinds and offsets in turn.
func at(kindsAndOffsets ...any) (list []cbor.Deviation) {
	for pair := range slices.Chunk(kindsAndOffsets, 2) {
		list = append(list, cbor.Deviation{Kind: pair[0].(cbor.Kind), Offset: pair[1].(int)})
	}
	return list
}

func TestCheckRefusesMalformedData(t *testing.T) {
	tests := []struct {
		name, data string
		offset     int
		found      []cbor.Deviation
		is         error
	}{
		{name: "nothing", data: "", offset: 0, is: io.ErrUnexpectedEOF},
		{name: "cut in a head", data: "1a0000", offset: 3, is: io.ErrUnexpectedEOF},
		{name: "cut in a string", data: "430102", offset: 3, is: io.ErrUnexpectedEOF},
		{name: "cut in an array", data: "820000"[:4], offset: 2, is: io.ErrUnexpectedEOF},
		{name: "cut behind a key", data: "a100", offset: 2, is: io.ErrUnexpectedEOF},
		{name: "cut behind a tag", data: "c0", offset: 1, found: at(cbor.Tag, 0), is: io.ErrUnexpectedEOF},
		{name: "cut in an indefinite array", data: "9f00", offset: 2, found: at(cbor.IndefiniteLength, 0), is: io.ErrUnexpectedEOF},
		{name: "cut in an indefinite string", data: "5f4100", offset: 3, found: at(cbor.IndefiniteLength, 0), is: io.ErrUnexpectedEOF},
		{name: "deviations in front of the fault", data: "82 1800 1c", offset: 3, found: at(cbor.NonMinimalInt, 1)},
		{name: "unsorted keys in front of the fault", data: "a3 0200 0100 1c00", offset: 5, found: at(cbor.UnsortedKeys, 3)},
		{name: "reserved information 28", data: "1c", offset: 0},
		{name: "reserved information 29", data: "81 5d", offset: 1},
		{name: "reserved information 30", data: "fe", offset: 0},
		{name: "indefinite integer", data: "1f", offset: 0},
		{name: "indefinite negative integer", data: "3f", offset: 0},
		{name: "indefinite tag", data: "df00", offset: 0},
		{name: "break on its own", data: "ff", offset: 0},
		{name: "break in a definite array", data: "81ff", offset: 1},
		{name: "break in place of a value", data: "bf00ff", offset: 2, found: at(cbor.IndefiniteLength, 0)},
		{name: "break behind a tag", data: "9fc0ff", offset: 2, found: at(cbor.IndefiniteLength, 0, cbor.Tag, 1)},
		{name: "simple value below 32 in two bytes", data: "f814", offset: 0},
		{name: "text in a byte string", data: "5f6161ff", offset: 1, found: at(cbor.IndefiniteLength, 0)},
		{name: "indefinite string in an indefinite string", data: "5f5f4100ffff", offset: 1, found: at(cbor.IndefiniteLength, 0)},
		{name: "tag in an indefinite string", data: "5fc04100ff", offset: 1, found: at(cbor.IndefiniteLength, 0)},
		{name: "17 nested levels", data: strings.Repeat("81", 17) + "00", offset: 16, found: at(cbor.TooDeep, 4), is: cbor.ErrLimit},
		{name: "17 nested levels without length", data: strings.Repeat("9f", 17), offset: 16, is: cbor.ErrLimit,
			found: at(cbor.IndefiniteLength, 0, cbor.IndefiniteLength, 1, cbor.IndefiniteLength, 2, cbor.IndefiniteLength, 3,
				cbor.IndefiniteLength, 4, cbor.TooDeep, 4, cbor.IndefiniteLength, 5, cbor.IndefiniteLength, 6,
				cbor.IndefiniteLength, 7, cbor.IndefiniteLength, 8, cbor.IndefiniteLength, 9, cbor.IndefiniteLength, 10,
				cbor.IndefiniteLength, 11, cbor.IndefiniteLength, 12, cbor.IndefiniteLength, 13, cbor.IndefiniteLength, 14,
				cbor.IndefiniteLength, 15, cbor.IndefiniteLength, 16)},
		{name: "indefinite map in 16 levels", data: "818181818181818181818181818181 81 bf", offset: 16,
			found: at(cbor.TooDeep, 4, cbor.IndefiniteLength, 16), is: cbor.ErrLimit},
		{name: "reserved information in an indefinite array", data: "9f1c", offset: 1, found: at(cbor.IndefiniteLength, 0)},
		{name: "reserved information in an indefinite string", data: "5f5c", offset: 1, found: at(cbor.IndefiniteLength, 0)},
		{name: "cut in an indefinite map that is unsorted", data: "bf 0200 0100 0200", offset: 7, is: io.ErrUnexpectedEOF,
			found: at(cbor.IndefiniteLength, 0, cbor.UnsortedKeys, 3)},
		{name: "4097 pairs without a count", data: "bf" + strings.Repeat("0000", 4097) + "ff", offset: 0, is: cbor.ErrLimit,
			found: manyEqualKeys(4096)},
		{name: "4097 elements", data: "991001" + strings.Repeat("00", 4097), offset: 0, is: cbor.ErrLimit},
		{name: "4097 elements without a count", data: "9f" + strings.Repeat("00", 4097) + "ff", offset: 0, found: at(cbor.IndefiniteLength, 0), is: cbor.ErrLimit},
		{name: "4097 pairs", data: "b91001" + strings.Repeat("0000", 4097), offset: 0, is: cbor.ErrLimit},
		{name: "array that claims 2^64-1 elements", data: "9bffffffffffffffff", offset: 9, is: io.ErrUnexpectedEOF},
		{name: "map that claims 2^63 pairs", data: "bb8000000000000000", offset: 9, is: io.ErrUnexpectedEOF},
		{name: "byte string that claims 2^63-1 bytes", data: "5b7fffffffffffffff00", offset: 10, is: io.ErrUnexpectedEOF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := unhex(t, test.data)
			found, err := cbor.Check(nil, data)
			syntax, ok := errors.AsType[*cbor.SyntaxError](err)
			if !ok || syntax.Offset != test.offset || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v; want a SyntaxError at byte %d, %v", err, test.offset, test.is)
			}
			if !slices.Equal(found, test.found) {
				t.Errorf("found %v; want %v", found, test.found)
			}
			if _, _, err := cbor.Split(data); fmt.Sprint(err) != fmt.Sprint(syntax) {
				t.Errorf("Split says %v; Check %v", err, syntax)
			}
		})
	}
}

// manyEqualKeys returns what there is to find in an indefinite map that repeats its first key n-1 times.
func manyEqualKeys(n int) []cbor.Deviation {
	list := at(cbor.IndefiniteLength, 0)
	for i := 1; i < n; i++ {
		list = append(list, cbor.Deviation{Kind: cbor.DuplicateKey, Offset: 1 + 2*i})
	}
	return list
}

func TestCheckExtendsDst(t *testing.T) {
	first := at(cbor.Tag, 99)
	found, err := cbor.Check(first, unhex(t, "a3 0200 0100 0200"))
	want := at(cbor.Tag, 99, cbor.UnsortedKeys, 3, cbor.DuplicateKey, 5)
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("Check = %v, %v; want %v", found, err, want)
	}
}

// unsortedMap returns a map of n keys, the highest first, that ends with its first key again.
func unsortedMap(n int) []byte {
	b := []byte{0xb9, byte((n + 1) >> 8), byte(n + 1)}
	for i := range n {
		b = append(b, 0x19, byte(0x7f-i>>8), byte(0xff-i), 0x00)
	}
	return append(b, 0x19, 0x7f, 0xff, 0x00)
}

func TestCheckFindsDuplicatesInLargeUnsortedMaps(t *testing.T) {
	for _, n := range []int{2, 63, 64, 65, 1000, cbor.MaxElements - 1} {
		data := unsortedMap(n)
		found, err := cbor.Check(nil, data)
		last := cbor.Deviation{Kind: cbor.DuplicateKey, Offset: len(data) - 4}
		n2 := 0
		for _, d := range found {
			if d.Kind == cbor.DuplicateKey {
				n2++
			}
		}
		if err != nil || n2 != 1 || found[len(found)-1] != last {
			t.Errorf("%d keys: %d duplicates, last %v, %v; want one, %v", n, n2, found[len(found)-1], err, last)
		}
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	room := make([]cbor.Deviation, 0, 256)
	for name, data := range map[string][]byte{
		"canonical":          getInfo(t),
		"unsorted":           unsortedMap(62),
		"tags in tags":       append(bytes.Repeat([]byte{0xc0}, 200), 0x00),
		"many kinds":         unhex(t, "9f c000 1800 580100 f93c00 e0 61ff a20200 0100 ff 00"),
		"nested unsorted":    unhex(t, "a2 02 a2 0200 0100 01 a2 0200 0100"),
		"equal keys of text": unhex(t, "a3 616100 616200 616100"),
	} {
		t.Run(name, func(t *testing.T) {
			n := testing.AllocsPerRun(100, func() {
				if _, err := cbor.Check(room, data); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%v allocations; want 0", n)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	tests := []struct{ name, data, item, rest string }{
		{"one item", "a10100", "a10100", ""},
		{"two items", "a10100a0", "a10100", "a0"},
		{"indefinite item", "9f00ff00", "9f00ff", "00"},
		{"tagged item", "c04100ff", "c04100", "ff"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			item, rest, err := cbor.Split(unhex(t, test.data))
			if err != nil || hex.EncodeToString(item) != test.item || hex.EncodeToString(rest) != test.rest {
				t.Errorf("Split = %x, %x, %v; want %s, %s", item, rest, err, test.item, test.rest)
			}
			if cap(item) != len(item) {
				t.Error("appending to the item would overwrite the rest")
			}
		})
	}
}

func TestKindStrings(t *testing.T) {
	seen := map[string]bool{}
	for k := cbor.UnsortedKeys; k <= cbor.TooDeep; k++ {
		s := k.String()
		if s == "" || seen[s] || strings.HasPrefix(s, "Kind(") {
			t.Errorf("kind %d has the text %q", uint8(k), s)
		}
		seen[s] = true
	}
	for _, k := range []cbor.Kind{0, cbor.TooDeep + 1, 255} {
		if got, want := k.String(), fmt.Sprintf("Kind(%d)", uint8(k)); got != want {
			t.Errorf("String = %q; want %q", got, want)
		}
	}
	if got := (cbor.Deviation{Kind: cbor.UnsortedKeys, Offset: 17}).String(); got != "map keys out of order at byte 17" {
		t.Errorf("String = %q", got)
	}
}
