package cbor_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/gofido/fido/cbor"
)

// hostile is data that claims much more than it holds, or is made to cost much more than it is long.
func hostile(t testing.TB) map[string][]byte {
	repeat := func(head string, part string, n int) []byte {
		return append(unhex(t, head), bytes.Repeat(unhex(t, part), n)...)
	}
	return map[string][]byte{
		"array of 2^64-1":                unhex(t, "9bffffffffffffffff"),
		"array of 2^31":                  unhex(t, "9a80000000 00"),
		"array of 4096 with one element": unhex(t, "991000 00"),
		"map of 2^64-1":                  unhex(t, "bbffffffffffffffff"),
		"map of 2^32-1":                  unhex(t, "baffffffff 0000"),
		"byte string of 2^64-1":          unhex(t, "5bffffffffffffffff"),
		"text string of 2^63":            unhex(t, "7b8000000000000000"),
		"byte string of 2^30":            unhex(t, "5a40000000 00"),
		"nested arrays":                  repeat("", "81", 10000),
		"nested arrays without length":   repeat("", "9f", 10000),
		"nested maps":                    repeat("", "a100", 10000),
		"nested keys":                    repeat("", "a1", 10000),
		"nested tags without content":    repeat("", "c0", 10000),
		"nested array claims":            repeat("", "991000", 10000),
	}
}

func TestHostileDataCostsNoMemory(t *testing.T) {
	for name, data := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			work := map[string]func() error{
				"Unmarshal":        func() error { var x any; return cbor.Unmarshal(data, &x) },
				"UnmarshalLenient": func() error { var x any; _, err := cbor.UnmarshalLenient(data, &x); return err },
				"Split":            func() error { _, _, err := cbor.Split(data); return err },
				"Check":            func() error { _, err := cbor.Check(nil, data); return err },
				"Diagnose":         func() error { _, err := cbor.Diagnose(data); return err },
			}
			for verb, do := range work {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := do()
				runtime.ReadMemStats(&after)
				if err == nil {
					t.Errorf("%s accepts it", verb)
				}
				// Deviations take 16 bytes each, and a slice that grows is copied a few times.
				if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(4096+128*len(data)); used > limit {
					t.Errorf("%s allocates %d bytes; want at most %d", verb, used, limit)
				}
			}
		})
	}
}

func TestManyTagsAreRead(t *testing.T) {
	data := append(bytes.Repeat([]byte{0xc0}, 10000), 0x05)
	var n int
	if found, err := cbor.UnmarshalLenient(data, &n); err != nil || n != 5 || len(found) != 10000 {
		t.Errorf("got %d, %d deviations, %v; want 5, 10000", n, len(found), err)
	}
}

// slowMap is an unsorted map of unsorted maps, as deep as is allowed, that fills about 64 KiB: the most expensive
// thing to look for duplicates in.
func slowMap() []byte {
	b := unsortedMap(4000)
	for range 14 {
		outer := []byte{0xa3, 0x02}
		outer = append(outer, b...)
		b = append(outer, 0x01, 0x00, 0x02, 0x00)
	}
	return append(b[:len(b):len(b)], bytes.Repeat([]byte{0}, 64<<10-len(b))...)
}

// commonPrefix is an unsorted map whose text keys are long and differ at the end only.
func commonPrefix() []byte {
	b := []byte{0xb9, 0x01, 0x00}
	for i := range 256 {
		b = append(b, 0x78, 0xff)
		b = append(b, bytes.Repeat([]byte{'a'}, 254)...)
		b = append(b, byte('~'-i%64), 0x00)
	}
	return b
}

func TestCheckReadsExpensiveMaps(t *testing.T) {
	found, err := cbor.Check(nil, slowMap())
	if err != nil || len(found) < 4000 {
		t.Errorf("got %d deviations, %v", len(found), err)
	}
	found, err = cbor.Check(nil, commonPrefix())
	duplicates := 0
	for _, d := range found {
		if d.Kind == cbor.DuplicateKey {
			duplicates++
		}
	}
	if err != nil || duplicates != 256-64 {
		t.Errorf("got %d duplicates, %v; want %d", duplicates, err, 256-64)
	}
}
