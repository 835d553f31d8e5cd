package cbor_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
)

// user, options and request stand for the structs of CTAP.
type user struct {
	ID   []byte `cbor:"id"`
	Name string `cbor:"name,omitempty"`
}

type request struct {
	Hash     []byte            `cbor:"1,keyasint"`
	User     user              `cbor:"2,keyasint,omitzero"`
	Options  map[string]bool   `cbor:"3,keyasint,omitempty"`
	Protocol *uint8            `cbor:"4,keyasint,omitzero"`
	List     []user            `cbor:"5,keyasint,omitempty"`
	AAGUID   [4]byte           `cbor:"6,keyasint,omitzero"`
	Raw      cbor.RawMessage   `cbor:"7,keyasint,omitzero"`
	Any      any               `cbor:"8,keyasint,omitzero"`
	Level    int16             `cbor:"-1,keyasint,omitzero"`
	Flag     bool              `cbor:"flag,omitempty"`
	Words    []cbor.RawMessage `cbor:"words,omitempty"`
	Local    int               `cbor:"-"`
	private  int
}

// upper decodes itself from a text string and refuses what is not upper case.
type upper string

func (u *upper) UnmarshalCBOR(item []byte) error {
	var s string
	if err := cbor.Unmarshal(item, &s); err != nil {
		return err
	}
	if s != strings.ToUpper(s) {
		return errLowerCase
	}
	*u = upper(s)
	return nil
}

func (u upper) MarshalCBOR() ([]byte, error) { return cbor.Marshal(string(u)) }

var errLowerCase = errors.New("lower case")

// decodeNew decodes into a new value of the type of like.
func decodeNew(data []byte, like any) (any, error) {
	p := reflect.New(reflect.TypeOf(like))
	err := cbor.Unmarshal(data, p.Interface())
	return p.Elem().Interface(), err
}

func TestUnmarshalValues(t *testing.T) {
	type (
		inner  struct{ A, B uint8 }
		outer  struct{ inner }
		Middle struct {
			A uint8
			C uint8 `cbor:"c"`
		}
		pointer struct {
			*Middle
			A string
		}
		tree struct {
			Next *tree `cbor:"1,keyasint"`
		}
		named    []byte
		wide     struct{ N int64 }
		jsonTags struct {
			N int `json:"n,omitempty"`
		}
		byteKind uint8
		label    string
	)
	eight := uint8(8)
	tests := []struct {
		name, data string
		want       any
	}{
		{"unsigned", "18ff", uint8(255)},
		{"unsigned 64 bits", "1bffffffffffffffff", uint64(math.MaxUint64)},
		{"signed lowest", "3b7fffffffffffffff", int64(math.MinInt64)},
		{"negative byte", "387f", int8(-128)},
		{"boolean", "f5", true},
		{"text", "6449455446", "IETF"},
		{"named text", "62c3bc", label("ü")},
		{"bytes", "4401020304", []byte{1, 2, 3, 4}},
		{"empty bytes are not nil", "40", []byte{}},
		{"named bytes", "4101", named{1}},
		{"array of bytes", "420102", [2]byte{1, 2}},
		{"array of a named byte", "420102", [2]byteKind{1, 2}},
		{"slice of a named byte", "420102", []byteKind{1, 2}},
		{"slice", "820102", []int{1, 2}},
		{"empty slice", "80", []int{}},
		{"array", "820102", [2]int{1, 2}},
		{"pointer", "08", &eight},
		{"map of text", "a2627270f5627576f4", map[string]bool{"rp": true, "uv": false}},
		{"map of integers", "a20102 2003", map[int]int{1: 2, -1: 3}},
		{"map of byte arrays", "a141ff00", map[[1]byte]int{{0xff}: 0}},
		{"anything", "83 01 20 a2 01 40 61 61 82 f5 f6", []any{uint64(1), int64(-1), map[any]any{uint64(1): []byte{}, "a": []any{true, nil}}}},
		{"map of anything", "a2 6161 01 6162 80", map[string]any{"a": uint64(1), "b": []any{}}},
		{"integer keys of anything", "a1 01 6161", map[int]any{1: "a"}},
		{"raw", "820102", cbor.RawMessage{0x82, 1, 2}},
		{"raw null", "f6", cbor.RawMessage{0xf6}},
		{"own method", "624142", upper("AB")},
		{"pointer to own method", "81624142", []*upper{ptr(upper("AB"))}},
		{"struct", "a8 01 4101 02 a1626964 4102 03 a1627270 f5 04 08 06 4401020304 07 f6 08 18ff 20 3863",
			request{Hash: []byte{1}, User: user{ID: []byte{2}}, Options: map[string]bool{"rp": true}, Protocol: &eight,
				AAGUID: [4]byte{1, 2, 3, 4}, Raw: cbor.RawMessage{0xf6}, Any: uint64(255), Level: -100}},
		{"unknown keys of a struct", "a6 00 00 01 40 1bffffffffffffffff 00 3bffffffffffffffff 00 4100 00 637a7a7a a10000",
			request{Hash: []byte{}}},
		{"unknown keys that are null", "a2 00 f6 80 f7", request{}},
		{"keys match exactly", "a2 64466c6167 f5 64666c6167 f4", request{}},
		{"text key 1 is not integer key 1", "a1 6131 00", request{}},
		{"embedded struct", "a2 6141 01 6142 02", outer{inner{1, 2}}},
		{"field hides an embedded one", "a2 6141 6178 6163 05", pointer{&Middle{C: 5}, "x"}},
		{"type that embeds itself", "a1 6141 05", Knot{A: 5}},
		{"type that contains itself", "a1 01 a1 01 a0", tree{Next: &tree{Next: &tree{}}}},
		{"wide integer", "a1 614e 3b7fffffffffffffff", wide{math.MinInt64}},
		{"json tag", "a1 616e 05", jsonTags{5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := decodeNew(unhex(t, test.data), test.want)
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, %v; want %#v", got, err, test.want)
			}
			p := reflect.New(reflect.TypeOf(test.want))
			found, err := cbor.UnmarshalLenient(unhex(t, test.data), p.Interface())
			if err != nil || len(found) != 0 || !reflect.DeepEqual(p.Elem().Interface(), test.want) {
				t.Errorf("leniently: got %#v, %v, %v; want %#v", p.Elem(), found, err, test.want)
			}
		})
	}
}

// Knot embeds itself, which no data can make use of.
type Knot struct {
	*Knot
	A int
}

func ptr[T any](x T) *T { return &x }

func TestUnmarshalAnyReceivesNil(t *testing.T) {
	for _, data := range []string{"f6", "f7"} {
		var x any = "before"
		if err := cbor.Unmarshal(unhex(t, data), &x); err != nil || x != nil {
			t.Errorf("%s: got %v, %v; want nil", data, x, err)
		}
	}
}

func TestUnmarshalKeepsFieldsWithoutKey(t *testing.T) {
	r := request{Hash: []byte{9}, Options: map[string]bool{"old": true}, Local: 3, private: 4}
	if err := cbor.Unmarshal(unhex(t, "a1 03 a1627270f5"), &r); err != nil {
		t.Fatal(err)
	}
	if want := (request{Hash: []byte{9}, Options: map[string]bool{"rp": true}, Local: 3, private: 4}); !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v; want %+v", r, want)
	}
}

func TestUnmarshalCopies(t *testing.T) {
	data := unhex(t, "83 4101 6161 4102")
	var got struct {
		b []byte
		s string
		r cbor.RawMessage
	}
	var items []cbor.RawMessage
	if err := cbor.Unmarshal(data, &items); err != nil {
		t.Fatal(err)
	}
	got.r = items[2]
	for i, p := range []any{&got.b, &got.s} {
		if err := cbor.Unmarshal(items[i], p); err != nil {
			t.Fatal(err)
		}
		clear(items[i])
	}
	clear(data)
	if got.b[0] != 1 || got.s != "a" || got.r[1] != 2 {
		t.Errorf("decoded values change with the data: %v", got)
	}
}

func TestUnmarshalTypeErrors(t *testing.T) {
	tests := []struct {
		name, data  string
		into        any
		field, item string
		offset      int
	}{
		{"integer too large", "1b0000010000000000", uint8(0), "", "integer 1099511627776", 0},
		{"negative into unsigned", "20", uint8(0), "", "integer -1", 0},
		{"negative too low", "3880", int8(0), "", "integer -129", 0},
		{"unsigned beyond int64", "1b8000000000000000", int64(0), "", "integer 9223372036854775808", 0},
		{"negative beyond int64", "3bffffffffffffffff", int64(0), "", "integer -18446744073709551616", 0},
		{"negative beyond int64 into anything", "81 3bffffffffffffffff", []any{}, "[0]", "integer -18446744073709551616", 1},
		{"text into bytes", "6161", []byte{}, "", "text string", 0},
		{"bytes into text", "4161", "", "", "byte string of 1 bytes", 0},
		{"array of integers into bytes", "820102", []byte{}, "", "array of 2", 0},
		{"empty array into bytes", "80", []byte{}, "", "array of 0", 0},
		{"array of integers into a byte array", "820102", [2]byte{}, "", "array of 2", 0},
		{"byte string too short", "4101", [2]byte{}, "", "byte string of 1 bytes", 0},
		{"byte string too long", "43010203", [2]byte{}, "", "byte string of 3 bytes", 0},
		{"array too short", "8101", [2]int{}, "", "array of 1", 0},
		{"array too long", "83010203", [2]int{}, "", "array of 3", 0},
		{"integer into boolean", "01", false, "", "integer 1", 0},
		{"boolean into integer", "f5", 0, "", "true", 0},
		{"integer into float", "01", 1.5, "", "integer 1", 0},
		{"map into slice", "a0", []int{}, "", "map", 0},
		{"array into map", "80", map[int]int{}, "", "array of 0", 0},
		{"array into struct", "80", request{}, "", "array of 0", 0},
		{"integer into struct", "00", request{}, "", "integer 0", 0},
		{"null into text", "f6", "", "", "null", 0},
		{"null into bytes", "f6", []byte{}, "", "null", 0},
		{"null into pointer", "f6", ptr(0), "", "null", 0},
		{"null into map", "f6", map[int]int{}, "", "null", 0},
		{"undefined into boolean", "f7", false, "", "undefined", 0},
		{"null member", "a2 01 40 04 f6", request{}, "Protocol", "null", 4},
		{"null element", "a1 05 82 a0 f6", request{}, "List[1]", "null", 4},
		{"member of a member", "a1 05 82 a0 a1 626964 00", request{}, "List[1].ID", "integer 0", 8},
		{"option", "a1 03 a2 62727000 627576f5", request{}, `Options["rp"]`, "integer 0", 6},
		{"value of an integer key", "a1 24 6161", map[int]int{}, "[-5]", "text string", 2},
		{"value of a byte string key", "a1 424142 6161", map[[2]byte]int{}, "[h'4142']", "text string", 4},
		{"value of a long key", "a1 54" + strings.Repeat("00", 20) + "6161", map[[20]byte]int{}, "[byte string of 20 bytes]", "text string", 22},
		{"value of a long text key", "a1 7850" + strings.Repeat("61", 80) + "6161", map[string]int{}, `["` + strings.Repeat("a", 64) + `"]`, "text string", 83},
		{"member of an element of a map", "a1 01 a1 626964 00", map[int]user{}, "[1].ID", "integer 0", 6},
		{"key of a map", "a1 6161 00", map[int]int{}, "key", "text string", 1},
		{"byte string as key of anything", "a1 4101 00", map[any]any{}, "", "byte string of 1 bytes", 1},
		{"array as key of anything", "81 a1 80 00", []any{}, "[0]", "array of 0", 2},
		{"inside an own method", "82 6141 01", []upper{}, "[1]", "integer 1", 3},
		{"channel", "00", make(chan int), "", "integer 0", 0},
		{"interface with methods", "00", []error{}, "", "integer 0", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := decodeNew(unhex(t, test.data), test.into)
			got, ok := errors.AsType[*cbor.TypeError](err)
			if !ok {
				t.Fatalf("error %v; want a TypeError", err)
			}
			want := cbor.TypeError{Offset: test.offset, Field: test.field, Item: test.item, Go: got.Go}
			if *got != want || got.Go == "" {
				t.Errorf("got %+v; want %+v", *got, want)
			}
		})
	}
}

func TestTypeErrorText(t *testing.T) {
	var r request
	err := cbor.Unmarshal(unhex(t, "a1 05 82 a0 a1 626964 00"), &r)
	if want := "cbor: List[1].ID: integer 0 at byte 8 does not fit []uint8"; fmt.Sprint(err) != want {
		t.Errorf("got %q; want %q", err, want)
	}
}

func TestUnmarshalJudgesBytesBeforeTypes(t *testing.T) {
	// The first element is of the wrong type each time.
	for name, data := range map[string]string{
		"trailing byte":      "82 6161 00 00",
		"unsorted keys":      "82 6161 a2 0200 0100",
		"duplicate key":      "82 6161 a2 0100 0100",
		"non-minimal":        "82 6161 1800",
		"indefinite":         "82 6161 9fff",
		"tag":                "82 6161 c000",
		"float":              "82 6161 fa00000000",
		"simple value":       "82 6161 e0",
		"invalid UTF-8":      "82 6161 61ff",
		"too deep":           "82 6161 8181818100",
		"non-minimal length": "82 6161 5800",
	} {
		t.Run(name, func(t *testing.T) {
			var into []int
			err := cbor.Unmarshal(unhex(t, data), &into)
			deviation, ok := errors.AsType[*cbor.DeviationError](err)
			if !ok {
				t.Fatalf("error %v; want a DeviationError", err)
			}
			found, _ := cbor.Check(nil, unhex(t, data))
			if len(found) != 1 || found[0] != deviation.Deviation {
				t.Errorf("error for %v; Check finds %v", deviation.Deviation, found)
			}
		})
	}
	for name, data := range map[string]string{"nothing": "", "truncated": "82 6161", "reserved": "82 6161 1c"} {
		t.Run(name, func(t *testing.T) {
			var into []int
			err := cbor.Unmarshal(unhex(t, data), &into)
			if _, ok := errors.AsType[*cbor.SyntaxError](err); !ok {
				t.Errorf("error %v; want a SyntaxError", err)
			}
		})
	}
}

// TestUnmarshalRefusesWhatIsNotCanonical holds what a strict decoder of CTAP2 has to refuse, and what looks like it.
func TestUnmarshalRefusesWhatIsNotCanonical(t *testing.T) {
	tests := []struct {
		data string
		kind cbor.Kind // 0 if the item is canonical
	}{
		{"1800", cbor.NonMinimalInt},
		{"190017", cbor.NonMinimalInt},
		{"5f4101ff", cbor.IndefiniteLength},
		{"9fff", cbor.IndefiniteLength},
		{"bfff", cbor.IndefiniteLength},
		{"a201000100", cbor.DuplicateKey},
		{"a202000100", cbor.UnsortedKeys},
		{"a2617a00616100", cbor.UnsortedKeys},
		{"a1617a00", 0},
		{"c000", cbor.Tag},
		{"fa00000000", cbor.Float},
		{"818181818100", cbor.TooDeep},
		{"8181818100", 0},
		{"0000", cbor.TrailingBytes},
	}
	for _, test := range tests {
		t.Run(test.data, func(t *testing.T) {
			for _, into := range []any{new(any), new(cbor.RawMessage)} {
				err := cbor.Unmarshal(unhex(t, test.data), into)
				deviation, ok := errors.AsType[*cbor.DeviationError](err)
				if test.kind == 0 && err != nil || test.kind != 0 && (!ok || deviation.Kind != test.kind) {
					t.Errorf("into %T: error %v; want %v", into, err, test.kind)
				}
			}
		})
	}
	for _, data := range []string{"f6", "f7"} {
		for _, into := range []any{new(int), new([]byte), new(string), new(bool), new([]int), new(map[int]int), new(request), new(*bool)} {
			err := cbor.Unmarshal(unhex(t, data), into)
			if _, ok := errors.AsType[*cbor.TypeError](err); !ok {
				t.Errorf("%s into %T: error %v; want a TypeError", data, into, err)
			}
		}
	}
}

func TestUnmarshalManyFields(t *testing.T) {
	var fields []reflect.StructField
	m := map[int]int{}
	for i := range 100 {
		tag := fmt.Sprintf(`cbor:"%d,keyasint"`, i)
		fields = append(fields, reflect.StructField{Name: fmt.Sprint("F", i), Type: reflect.TypeFor[int](), Tag: reflect.StructTag(tag)})
		m[i] = 1000 + i
	}
	data, err := cbor.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.New(reflect.StructOf(fields))
	if err := cbor.Unmarshal(data, v.Interface()); err != nil {
		t.Fatal(err)
	}
	for i := range fields {
		if got := v.Elem().Field(i).Int(); got != int64(1000+i) {
			t.Errorf("field %d is %d", i, got)
		}
	}
}

func TestUnmarshalReportsOtherErrors(t *testing.T) {
	var words []upper
	if err := cbor.Unmarshal(unhex(t, "81 6161"), &words); !errors.Is(err, errLowerCase) {
		t.Errorf("error of an own method: got %v; want %v", err, errLowerCase)
	}
	var badTag struct {
		A int `cbor:"a,keyasint"`
	}
	if err := cbor.Unmarshal([]byte{0xa0}, &badTag); err == nil || !strings.Contains(err.Error(), "keyasint") {
		t.Errorf("tag that is no integer: got %v", err)
	}
	type Bad struct {
		A int `cbor:"a,keyasint"`
	}
	var embedded struct{ Bad }
	if err := cbor.Unmarshal([]byte{0xa0}, &embedded); err == nil || !strings.Contains(err.Error(), "Bad.A") {
		t.Errorf("tag that is no integer in an embedded struct: got %v", err)
	}
	for _, v := range []any{nil, 0, (*int)(nil)} {
		if err := cbor.Unmarshal([]byte{0}, v); err == nil || !strings.Contains(err.Error(), "pointer") {
			t.Errorf("decoding into %#v: got %v", v, err)
		}
		if _, err := cbor.UnmarshalLenient([]byte{0}, v); err == nil || !strings.Contains(err.Error(), "pointer") {
			t.Errorf("decoding leniently into %#v: got %v", v, err)
		}
	}
}

func TestUnmarshalLenientForgives(t *testing.T) {
	type halves struct {
		A float32 `cbor:"a"`
		B float64 `cbor:"b"`
	}
	type nested struct {
		In *nested `cbor:"1,keyasint"`
	}
	tests := []struct {
		name, data string
		want       any
		found      []cbor.Deviation
	}{
		{"unsorted keys", "a2 02 a1 626964 4102 01 4101", request{Hash: []byte{1}, User: user{ID: []byte{2}}}, at(cbor.UnsortedKeys, 8)},
		{"duplicate field, the first counts", "a2 01 4101 01 4102", request{Hash: []byte{1}}, at(cbor.DuplicateKey, 4)},
		{"duplicate field of another type", "a2 01 4101 01 00", request{Hash: []byte{1}}, at(cbor.DuplicateKey, 4)},
		{"duplicate key of a map, the first counts", "a2 627270 f5 627270 f4", map[string]bool{"rp": true}, at(cbor.DuplicateKey, 5)},
		{"duplicate key in another form", "a2 01 01 7f ff 02", map[any]any{uint64(1): uint64(1), "": uint64(2)}, at(cbor.IndefiniteLength, 3)},
		{"duplicate behind a tag", "a2 01 01 c0 01 02", map[any]any{uint64(1): uint64(1)}, at(cbor.Tag, 3)},
		{"long integer", "1b0000000000000001", uint8(1), at(cbor.NonMinimalInt, 0)},
		{"long lengths", "9a00000001 5800", []any{[]byte{}}, at(cbor.NonMinimalLength, 0, cbor.NonMinimalLength, 5)},
		{"indefinite bytes", "5f 4101 40 420203 ff", []byte{1, 2, 3}, at(cbor.IndefiniteLength, 0)},
		{"indefinite byte array", "5f 4101 4102 ff", [2]byte{1, 2}, at(cbor.IndefiniteLength, 0)},
		{"indefinite text", "7f 6161 6162 ff", "ab", at(cbor.IndefiniteLength, 0)},
		{"indefinite arrays", "9f 9f01ff 8102 ff", [][]int{{1}, {2}}, at(cbor.IndefiniteLength, 0, cbor.IndefiniteLength, 1)},
		{"indefinite array of a fixed length", "9f 01 02 ff", [2]int{1, 2}, at(cbor.IndefiniteLength, 0)},
		{"indefinite array of anything", "9f 01 bfff ff", []any{uint64(1), map[any]any{}}, at(cbor.IndefiniteLength, 0, cbor.IndefiniteLength, 2)},
		{"indefinite struct", "bf 01 4101 61ff 00 03 bf627270f5ff ff", request{Hash: []byte{1}, Options: map[string]bool{"rp": true}},
			at(cbor.IndefiniteLength, 0, cbor.InvalidUTF8, 4, cbor.UnsortedKeys, 7, cbor.IndefiniteLength, 8)},
		{"tags", "c0 82 c1 01 d9d9f7 c2 02", []int{1, 2}, at(cbor.Tag, 0, cbor.Tag, 2, cbor.Tag, 4, cbor.Tag, 7)},
		{"tag on anything", "c0 6161", "a", at(cbor.Tag, 0)},
		{"tagged key of a struct", "a1 c0 01 4101", request{Hash: []byte{1}}, at(cbor.Tag, 1)},
		{"raw keeps what came", "82 c0 01 9fff", []cbor.RawMessage{{0xc0, 1}, {0x9f, 0xff}}, at(cbor.Tag, 1, cbor.IndefiniteLength, 3)},
		{"text cut in a character of two bytes", "62 61c3", "a", at(cbor.InvalidUTF8, 0)},
		{"text cut in a character of four bytes", "64 61f09f98", "a", at(cbor.InvalidUTF8, 0)},
		{"text of nothing but a cut character", "62 e282", "", at(cbor.InvalidUTF8, 0)},
		{"invalid bytes within text", "65 61fffe62c3", "a\uFFFDb", at(cbor.InvalidUTF8, 0)},
		{"invalid byte at the end", "62 61ff", "a\uFFFD", at(cbor.InvalidUTF8, 0)},
		{"continuation bytes only", "64 80808080", "\uFFFD", at(cbor.InvalidUTF8, 0)},
		{"encoded surrogate", "63 eda080", "\uFFFD", at(cbor.InvalidUTF8, 0)},
		{"character across two pieces", "7f 61c3 61bc ff", "ü", at(cbor.IndefiniteLength, 0, cbor.InvalidUTF8, 1, cbor.InvalidUTF8, 3)},
		{"invalid text in anything", "81 61ff", []any{"\uFFFD"}, at(cbor.InvalidUTF8, 1)},
		{"invalid text in keys that become equal", "a2 61fe 01 61ff 02", map[string]int{"\uFFFD": 1}, at(cbor.InvalidUTF8, 1, cbor.InvalidUTF8, 4)},
		{"text key of a struct cut in a character", "a1 65 666c6167c3 f5", request{Flag: true}, at(cbor.InvalidUTF8, 1)},
		{"floats", "a2 6161 f93e00 6162 fb3ff199999999999a", halves{1.5, 1.1}, at(cbor.Float, 3, cbor.Float, 8)},
		{"float in anything", "81 fa47c35000", []any{100000.0}, at(cbor.Float, 1)},
		{"null members", "a5 01 f6 04 f7 07 f6 08 f6 20 e0", request{Raw: cbor.RawMessage{0xf6}}, at(cbor.SimpleValue, 10)},
		{"null option is absent", "a2 627270 f6 627576 f5", map[string]bool{"uv": true}, nil},
		{"null in a map of anything", "a1 627270 f6", map[string]any{"rp": nil}, nil},
		{"null in a map of pointers", "a1 627270 f6", map[string]*bool{"rp": nil}, nil},
		{"null key is absent", "a1 f6 01", map[string]int{}, nil},
		{"null element", "82 f6 01", []int{0, 1}, nil},
		{"unassigned simple value in anything", "81 f8ff", []any{nil}, at(cbor.SimpleValue, 1)},
		{"deep nesting", strings.Repeat("a101", 15) + "a0", nested{}, at(cbor.TooDeep, 8)},
		{"trailing bytes", "01 ff", 1, at(cbor.TrailingBytes, 1)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if n, ok := test.want.(nested); ok {
				for range 15 {
					n = nested{In: ptr(n)}
				}
				test.want = n
			}
			p := reflect.New(reflect.TypeOf(test.want))
			found, err := cbor.UnmarshalLenient(unhex(t, test.data), p.Interface())
			if got := p.Elem().Interface(); err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, %v; want %#v", got, err, test.want)
			}
			if !slices.Equal(found, test.found) {
				t.Errorf("found %v; want %v", found, test.found)
			}
		})
	}
}

func TestUnmarshalLenientLeavesPresentValuesForNull(t *testing.T) {
	r := request{Hash: []byte{1}, Protocol: ptr(uint8(1)), Level: 3}
	if _, err := cbor.UnmarshalLenient(unhex(t, "a3 01 f6 04 f6 20 f6"), &r); err != nil {
		t.Fatal(err)
	}
	if want := (request{Hash: []byte{1}, Level: 3}); !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v; want %+v", r, want)
	}
}

func TestUnmarshalLenientErrors(t *testing.T) {
	tests := []struct {
		name, data string
		found      []cbor.Deviation
		typeError  bool
	}{
		{"wrong type", "82 1800 6161", at(cbor.NonMinimalInt, 1), true},
		{"indefinite bytes of another length", "81 5f4101ff", at(cbor.IndefiniteLength, 1), true},
		{"float", "81 f93c00", at(cbor.Float, 1), true},
		{"unassigned simple value is absent, text is not", "82 e0 60", at(cbor.SimpleValue, 1), true},
		{"malformed", "82 1800 1c", at(cbor.NonMinimalInt, 1), false},
		{"17 nested levels", strings.Repeat("81", 17) + "00", at(cbor.TooDeep, 4), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var into []int
			found, err := cbor.UnmarshalLenient(unhex(t, test.data), &into)
			_, isType := errors.AsType[*cbor.TypeError](err)
			_, isSyntax := errors.AsType[*cbor.SyntaxError](err)
			if isType != test.typeError || isSyntax == test.typeError {
				t.Errorf("error %v; want a TypeError: %v", err, test.typeError)
			}
			if !slices.Equal(found, test.found) {
				t.Errorf("found %v; want %v", found, test.found)
			}
		})
	}
}
