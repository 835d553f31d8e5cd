package cbor_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	fx "github.com/fxamacker/cbor/v2"

	"github.com/gofido/fido/cbor"
)

// seed gives a target the data of the tables in this package.
func seed(f *testing.F) {
	for _, test := range scalars {
		f.Add(unhex(f, test.data))
	}
	for _, test := range appendixA {
		f.Add(unhex(f, test.data))
	}
	for _, data := range hostile(f) {
		f.Add(data[:min(len(data), 64)])
	}
	f.Add(getInfo(f))
	f.Add(unsortedMap(70))
	for _, data := range []string{
		"a3 0100 0200 0100", "bf 0200 0100 ff", "a2 617a00 616100", "818181818100", "5f 580101 ff", "7f 61c3 61bc ff",
		"c0d81800", "a2 0100 180100", "a2 820101 00 811903e8 00", "62 61c3", "a1 05 82 a0 a1 626964 00",
		"a8 01 4101 02 a1626964 4102 03 a1627270 f5 04 08 06 4401020304 07 f6 08 18ff 20 3863",
	} {
		f.Add(unhex(f, data))
	}
}

// oracle decodes as strictly as the other library can, within the bounds of this one.
func oracle(f *testing.F) fx.DecMode {
	mode, err := fx.DecOptions{
		DupMapKey:         fx.DupMapKeyEnforcedAPF,
		IndefLength:       fx.IndefLengthForbidden,
		TagsMd:            fx.TagsForbidden,
		MaxNestedLevels:   cbor.MaxDepth,
		MaxArrayElements:  cbor.MaxElements,
		MaxMapPairs:       cbor.MaxElements,
		MapKeyByteString:  fx.MapKeyByteStringAllowed,
		FieldNameMatching: fx.FieldNameMatchingCaseSensitive,
		BignumTag:         fx.BignumTagForbidden,
	}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	return mode
}

// FuzzCheck compares with another library: an item is canonical if decoding it strictly and encoding it again in
// CTAP2's form gives the same bytes.
func FuzzCheck(f *testing.F) {
	seed(f)
	strict := oracle(f)
	encode, err := fx.CTAP2EncOptions().EncMode()
	if err != nil {
		f.Fatal(err)
	}
	wellformed, err := fx.DecOptions{MaxNestedLevels: 65535, MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := cbor.Check(nil, data)
		if len(found) > 2*len(data)+1 {
			t.Fatalf("%d deviations in %d bytes", len(found), len(data))
		}
		for i, d := range found {
			if d.Offset < 0 || d.Offset >= len(data) || i > 0 && d.Offset < found[i-1].Offset {
				t.Fatalf("deviation %d of %d bytes is out of place: %v", i, len(data), found)
			}
			if i > 0 && d == found[i-1] {
				t.Fatalf("deviation reported twice: %v", d)
			}
		}

		item, _, splitErr := cbor.Split(data)
		if syntax, ok := errors.AsType[*cbor.SyntaxError](err); err != nil && (!ok || syntax.Offset < 0 || syntax.Offset > len(data)) {
			t.Fatalf("error %v", err)
		}
		if (err == nil) != (splitErr == nil) {
			t.Fatalf("Check says %v, Split %v", err, splitErr)
		}
		var extra *fx.ExtraneousDataError
		switch otherErr := wellformed.Wellformed(data); {
		case errors.Is(err, cbor.ErrLimit):
			return
		case err != nil && (otherErr == nil || errors.As(otherErr, &extra)):
			t.Fatalf("Check says %v, the other library finds it well-formed", err)
		case err == nil && wellformed.Wellformed(item) != nil:
			t.Fatalf("Check finds it well-formed, the other library says %v", otherErr)
		}

		var raw cbor.RawMessage
		strictErr := cbor.Unmarshal(data, &raw)
		if (strictErr == nil) != (err == nil && len(found) == 0) {
			t.Fatalf("Unmarshal says %v; Check %v, %v", strictErr, found, err)
		}

		// Both libraries must agree, but for what the other one has no opinion about.
		for _, d := range found {
			if d.Kind == cbor.Float || d.Kind == cbor.SimpleValue {
				return // canonical to it
			}
		}
		var x any
		decodeErr := strict.Unmarshal(data, &x)
		if _, ok := errors.AsType[*fx.InvalidMapKeyTypeError](decodeErr); ok {
			return // Go has no maps with such keys
		}
		var again []byte
		if decodeErr == nil {
			if again, err = encode.Marshal(x); err != nil {
				t.Fatal(err)
			}
		}
		theirs := decodeErr == nil && bytes.Equal(again, data)
		ours := strictErr == nil
		if ours && !theirs && bytes.Contains(data, []byte{0xf7}) {
			return // undefined comes back as null, as a second null key too
		}
		if ours != theirs {
			t.Fatalf("%x: Check says %v; the other library %v and encodes %x", data, found, decodeErr, again)
		}
	})
}

// FuzzUnmarshal decodes into several types: what is accepted strictly is accepted leniently with the same value and
// without deviations, is what the other library decodes, and is encoded as it was.
func FuzzUnmarshal(f *testing.F) {
	seed(f)
	other := oracle(f)
	types := []any{new(any), new(map[string]any), new(map[int]any), new(map[any]any), new([]any), new([]byte), new([3]byte),
		new(string), new(uint8), new(int64), new(bool), new(float64), new([]map[int8]string), new(request), new([]user),
		new(cbor.RawMessage), new(upper), new(map[[1]byte][]*int)}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		for _, like := range types {
			typ := reflect.TypeOf(like).Elem()
			strict, lenient, theirs := reflect.New(typ), reflect.New(typ), reflect.New(typ)
			strictErr := cbor.Unmarshal(data, strict.Interface())
			found, lenientErr := cbor.UnmarshalLenient(data, lenient.Interface())
			if !bytes.Equal(data, before) {
				t.Fatal("the data changed")
			}
			if strictErr != nil {
				if _, ok := errors.AsType[*cbor.TypeError](strictErr); ok && len(found) > 0 && typ != reflect.TypeFor[upper]() {
					t.Fatalf("%v: %v in spite of %v", typ, strictErr, found)
				}
				continue
			}
			if lenientErr != nil || len(found) > 0 || !reflect.DeepEqual(strict.Interface(), lenient.Interface()) {
				t.Fatalf("%v: strictly %v; leniently %v, %v, %v", typ, strict.Elem(), lenient.Elem(), found, lenientErr)
			}
			again, err := cbor.Marshal(strict.Interface())
			if err != nil {
				t.Fatalf("%v: %v", typ, err)
			}
			if found, err := cbor.Check(nil, again); err != nil || len(found) > 0 {
				t.Fatalf("%v: encoded again as %x: %v, %v", typ, again, found, err)
			}
			back := reflect.New(typ)
			if typ.Kind() != reflect.Struct && typ != reflect.TypeFor[[]user]() {
				if !bytes.Equal(again, data) && !bytes.Contains(data, []byte{0xf7}) { // undefined comes back as null
					t.Fatalf("%v: %x encoded again as %x", typ, data, again)
				}
			} else if err := cbor.Unmarshal(again, back.Interface()); err != nil {
				t.Fatalf("%v: %x encoded again as %x: %v", typ, data, again, err)
			}
			// The other library refuses keys that this one ignores, so only what it accepts can be compared.
			if err := other.Unmarshal(data, theirs.Interface()); err == nil && !reflect.DeepEqual(strict.Interface(), theirs.Interface()) {
				t.Fatalf("%v: got %#v; the other library %#v", typ, strict.Elem(), theirs.Elem())
			}
		}
	})
}

// FuzzDiagnose checks that every well-formed sequence, and nothing else, becomes ASCII text of a bounded length.
func FuzzDiagnose(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := cbor.AppendDiagnostic([]byte("x"), data)
		rest, splitErr := data, error(nil)
		for first := true; splitErr == nil && (first || len(rest) > 0); first = false {
			_, rest, splitErr = cbor.Split(rest)
		}
		if (err == nil) != (splitErr == nil) {
			t.Fatalf("AppendDiagnostic says %v, Split %v", err, splitErr)
		}
		if err != nil && string(text) != "x" {
			t.Fatalf("got %s, %v", text, err)
		}
		if len(text)-1 > 13*len(data) {
			t.Fatalf("%d bytes become %d", len(data), len(text)-1)
		}
		for _, c := range text {
			if c < ' ' || c > '~' {
				t.Fatalf("byte %#x in %q", c, text)
			}
		}
	})
}
