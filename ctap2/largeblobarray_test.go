package ctap2_test

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// sealed returns an entry of the array around what is compressed already.
func sealed(t testing.TB, key, compressed []byte, size uint64) cbor.RawMessage {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, 12)
	data := binary.LittleEndian.AppendUint64([]byte("blob"), size)
	b, err := cbor.Marshal(map[int]any{1: aead.Seal(nil, nonce, compressed, data), 2: nonce, 3: size})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func summed(array []byte) []byte {
	sum := sha256.Sum256(array)
	return append(bytes.Clone(array), sum[:16]...)
}

func TestLargeBlobKnownAnswers(t *testing.T) {
	initial := vector(t, "large blob: initial serialized array (17 bytes)")
	if got := (ctap2.LargeBlobArray{}).Append(nil); !bytes.Equal(got, initial) {
		t.Errorf("initial array %x, want %x", got, initial)
	}
	if a, err := ctap2.ParseLargeBlobArray(initial); err != nil || len(a) != 0 {
		t.Errorf("initial array: %v, %v", a, err)
	}
	serialized := vector(t, "large blob: serialized array with this entry")
	a, err := ctap2.ParseLargeBlobArray(serialized)
	if err != nil || len(a) != 1 {
		t.Fatalf("%v, %v", a, err)
	}
	key := vector(t, "large blob: largeBlobKey")
	data, err := a.Find(key)
	if err != nil || !bytes.Equal(data, vector(t, `large blob: plaintext ("Hello large blob! " six times)`)) {
		t.Errorf("%q, %v", data, err)
	}
	if got := a.Append(nil); !bytes.Equal(got, serialized) {
		t.Errorf("serialized again: %x", got)
	}
	if _, err := a.Find(make([]byte, 32)); !errors.Is(err, ctap2.ErrNoLargeBlob) {
		t.Errorf("another key: %v", err)
	}
}

func TestLargeBlobArrayKeepsTheOthers(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	foreign := []cbor.RawMessage{
		sealed(t, bytes.Repeat([]byte{2}, 32), []byte{3, 0}, 0),
		unhex(t, "1818"),             // not even a map
		unhex(t, "a20340024101"),     // not canonical
		unhex(t, "bf61ff01ff"),       // of indefinite length, with text that is not UTF-8
		unhex(t, "a301400240186400"), // the entry of some future
	}
	var b []byte
	for _, e := range foreign {
		b = append(b, e...)
	}
	a, err := ctap2.ParseLargeBlobArray(summed(append([]byte{0x85}, b...)))
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range []string{"", "a", "first", strings.Repeat("long ", 20000), "last"} {
		if a, err = a.Set(nil, key, []byte(data)); err != nil {
			t.Fatal(err)
		}
		if len(a) != len(foreign)+1 {
			t.Errorf("%d entries after %d", len(a), i)
		}
		if a, err = ctap2.ParseLargeBlobArray(a.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if got, err := a.Find(key); err != nil || string(got) != data {
			t.Errorf("stored %q, found %q, %v", data, got, err)
		}
	}
	a, deleted, err := a.Delete(key)
	if err != nil || deleted != 1 {
		t.Errorf("deleted %d, %v", deleted, err)
	}
	if got := a.Append(nil); !bytes.Equal(got, summed(append([]byte{0x85}, b...))) {
		t.Errorf("what others stored has changed: %x", got)
	}
	if _, deleted, err := a.Delete(key); err != nil || deleted != 0 {
		t.Errorf("deleted %d, %v", deleted, err)
	}
	for _, n := range []int{23, 24, 255, 256, 4096} {
		many := make(ctap2.LargeBlobArray, n)
		for i := range many {
			many[i] = []byte{0}
		}
		if back, err := ctap2.ParseLargeBlobArray(many.Append(nil)); err != nil || len(back) != n {
			t.Errorf("%d entries: %d, %v", n, len(back), err)
		}
	}
}

func TestLargeBlobArrayDamaged(t *testing.T) {
	good := (ctap2.LargeBlobArray{unhex(t, "a0")}).Append(nil)
	flipped := bytes.Clone(good)
	flipped[1] ^= 1
	for _, test := range []struct {
		name      string
		b         []byte
		integrity bool
	}{
		{"nothing", nil, false},
		{"checksum alone", summed(nil), false},
		{"a bit has flipped", flipped, true},
		{"cut short", good[:len(good)-1], true},
		{"zeros", make([]byte, 100), true},
		{"checksum right, not an array", summed([]byte{0xa0}), false},
		{"checksum right, two arrays", summed([]byte{0x80, 0x80}), false},
		{"checksum right, cut short", summed([]byte{0x82, 0xa0}), false},
		{"checksum right, 2^32 entries", summed(unhex(t, "9affffffff")), false},
	} {
		a, err := ctap2.ParseLargeBlobArray(test.b)
		bad, ok := errors.AsType[*ctap2.LargeBlobArrayError](err)
		if a != nil || !ok || !bytes.Equal(bad.Raw, test.b) || !strings.Contains(err.Error(), "left as they are") {
			t.Errorf("%s: %v, %v", test.name, a, err)
		}
		if errors.Is(err, ctap2.StatusIntegrityFailure) != test.integrity {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestLargeBlobCompression(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	text := bytes.Repeat([]byte("blob"), 100)
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write(text)
	w.Close()
	bomb, err := ctap2.LargeBlobArray{}.Set(nil, key, make([]byte, ctap2.MaxLargeBlobSize))
	if err != nil {
		t.Fatal(err)
	}
	stored := func(b []byte) []byte { // a stored block, RFC 1951 section 3.2.4
		n := uint16(len(b))
		head := binary.LittleEndian.AppendUint16([]byte{1}, n)
		return append(binary.LittleEndian.AppendUint16(head, ^n), b...)
	}
	for _, test := range []struct {
		name       string
		compressed []byte
		size       uint64
		want       []byte
		problem    string
	}{
		{"raw", stored(text), 400, text, ""},
		{"raw, empty", stored(nil), 0, nil, ""},
		{"zlib", z.Bytes(), 400, text, ""},
		{"zlib, wrong size", z.Bytes(), 401, nil, "damaged"},
		{"one byte more than it says", stored(text), 399, nil, "another size"},
		{"one byte less than it says", stored(text), 401, nil, "another size"},
		{"says 2^63", stored(text), 1 << 63, nil, "larger than"},
		{"says a byte more than is allowed", stored(text), ctap2.MaxLargeBlobSize + 1, nil, "larger than"},
		{"not compressed", []byte("plain text"), 10, nil, "decompressed"},
		{"nothing", nil, 0, nil, "decompressed"},
		{"inflates far beyond what it says", deflated(t, make([]byte, 1<<20)), 16, nil, "another size"},
	} {
		a := ctap2.LargeBlobArray{sealed(t, key, test.compressed, test.size)}
		data, err := a.Find(key)
		if test.problem == "" && (err != nil || !bytes.Equal(data, test.want)) {
			t.Errorf("%s: %q, %v", test.name, data, err)
		}
		if test.problem != "" && (err == nil || errors.Is(err, ctap2.ErrNoLargeBlob) || !strings.Contains(err.Error(), test.problem)) {
			t.Errorf("%s: %v", test.name, err)
		}
		// One that is damaged does not hide one that is not, and goes with it.
		a = append(a, sealed(t, key, stored([]byte("x")), 1))
		if test.problem != "" {
			if data, err := a.Find(key); err != nil || string(data) != "x" {
				t.Errorf("%s, then a good one: %q, %v", test.name, data, err)
			}
		}
		if _, deleted, err := a.Delete(key); err != nil || deleted != 2 {
			t.Errorf("%s: deleted %d, %v", test.name, deleted, err)
		}
	}
	if data, err := bomb.Find(key); err != nil || len(data) != ctap2.MaxLargeBlobSize {
		t.Errorf("the largest: %d, %v", len(data), err)
	}
	if _, err := bomb.Set(nil, key, make([]byte, ctap2.MaxLargeBlobSize+1)); err == nil {
		t.Error("a byte more than the largest is stored")
	}
	for _, key := range [][]byte{nil, make([]byte, 16), make([]byte, 33)} {
		_, _, deleteErr := bomb.Delete(key)
		for _, err := range []error{second(bomb.Find(key)), second(bomb.Set(nil, key, nil)), deleteErr} {
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("this one has %d", len(key))) {
				t.Errorf("key of %d bytes: %v", len(key), err)
			}
		}
	}
}

func deflated(t *testing.T, b []byte) []byte {
	t.Helper()
	var e ctap2.Extensions
	if err := e.SetLargeBlob(b); err != nil {
		t.Fatal(err)
	}
	var in ctap2.LargeBlobInput
	if ok, err := e.Get(ctap2.ExtensionLargeBlob, &in); !ok || err != nil {
		t.Fatal(err)
	}
	return in.Write
}

// FuzzParseLargeBlobArray: what parses keeps its entries byte for byte through
// every change, and no entry costs more than its bound.
func FuzzParseLargeBlobArray(f *testing.F) {
	key := vector(f, "large blob: largeBlobKey")
	f.Add([]byte{0x80})
	f.Add(vector(f, "large blob: serialized array with this entry")[:167-16])
	f.Add(unhex(f, "9fa0bf01ffff"))
	f.Fuzz(func(t *testing.T, array []byte) {
		for _, b := range [][]byte{array, summed(array)} {
			a, err := ctap2.ParseLargeBlobArray(b)
			if err != nil {
				if bad, ok := errors.AsType[*ctap2.LargeBlobArrayError](err); !ok || !bytes.Equal(bad.Raw, b) {
					t.Fatalf("%T: %v", err, err)
				}
				continue
			}
			back, err := ctap2.ParseLargeBlobArray(a.Append(nil))
			if err != nil || len(back) != len(a) {
				t.Fatalf("%d entries become %d: %v", len(a), len(back), err)
			}
			for i := range a {
				if !bytes.Equal(a[i], back[i]) {
					t.Fatalf("entry %x becomes %x", a[i], back[i])
				}
			}
			others, deleted, err := a.Delete(key)
			if err != nil || len(others)+deleted != len(a) {
				t.Fatalf("%d - %d = %d, %v", len(a), deleted, len(others), err)
			}
			set, err := a.Set(nil, key, []byte("data"))
			if err != nil || len(set) != len(others)+1 {
				t.Fatalf("%d entries, %v", len(set), err)
			}
			if data, err := set.Find(key); err != nil || string(data) != "data" {
				t.Fatalf("%q, %v", data, err)
			}
		}
	})
}
