package cbor

import (
	"fmt"
	"reflect"
)

// Unmarshal decodes data, which has to be one item in CTAP2 canonical form, into the value v points to. It is for
// whoever may insist on the specification, above all a key that reads a request.
//
// The bytes are judged before the types: an item that is not well-formed gives a *SyntaxError, one that is not
// canonical a *DeviationError for the first deviation in it, and only then one that does not fit v a *TypeError. A key
// thus answers CTAP2_ERR_CBOR_UNEXPECTED_TYPE to a *TypeError and CTAP2_ERR_INVALID_CBOR to all others. After a
// *TypeError v may be filled in part.
//
// Items decode into Go values as follows, and into nothing else:
//
//	integer       any integer type it does not overflow
//	byte string   []byte (a copy), or [n]byte if it has n bytes
//	text string   string
//	array         a slice, or an array of as many elements
//	map           a map, which is replaced, or a struct
//	true, false   bool
//
// Named types of these kinds and pointers to them do as well. An empty interface receives uint64, int64, []byte,
// string, []any, map[any]any, bool or nil; integers below -2^63 do not fit, nor do byte strings, arrays and maps as
// keys of a map[any]any. A type with the method UnmarshalCBOR([]byte) error on its pointer receives the encoded item,
// which it must copy to keep. null and undefined fit only an empty interface and such a type: no CTAP message
// carries them, so a member that is null is of the wrong type.
//
// Struct fields are found by their tag, as [Marshal] writes them: `cbor:"1,keyasint"` is the integer key 1,
// `cbor:"rk"` the text key "rk", which must match exactly. Keys of any other type and keys without a field are
// ignored, as CTAP 2.3 section 8 demands, and fields without a key keep their value. The option toarray is not
// supported.
func Unmarshal(data []byte, v any) error {
	target, err := targetOf(v)
	if err != nil {
		return err
	}
	if err := checkStrict(data); err != nil {
		return err
	}
	d := decoder{data: data}
	_, err = d.value(target, infoOf(target.Type()), 0)
	return err
}

// UnmarshalLenient decodes what real keys send into the value v points to, and returns what it forgave, in order of
// offset, as [Check] does. Types are as for [Unmarshal]; of the bytes it accepts any well-formed item:
//
//   - keys in any order, and of equal keys the first;
//   - integers and lengths in more bytes than needed, and indefinite lengths;
//   - tags, which are skipped, except that UnmarshalCBOR methods receive them;
//   - text that is not UTF-8: an incomplete character at the end is cut off, because keys cut names after 64 bytes
//     without regard to characters, and any other run of invalid bytes becomes U+FFFD;
//   - floating-point numbers, for float32, float64 and empty interfaces (as float64);
//   - null, undefined and unassigned simple values, which count as absent: pointers and interfaces become nil, a map
//     whose elements are neither gets no entry, and all else keeps its value; UnmarshalCBOR methods receive them;
//   - up to 16 nested arrays and maps;
//   - bytes behind the item.
//
// An UnmarshalCBOR method that itself decodes should do so leniently too. Malformed data and broken bounds are a
// *SyntaxError here too, and an item that does not fit is a *TypeError; the deviations are returned with the error.
func UnmarshalLenient(data []byte, v any) ([]Deviation, error) {
	target, err := targetOf(v)
	if err != nil {
		return nil, err
	}
	found, err := Check(nil, data)
	if err != nil {
		return found, err
	}
	d := decoder{data: data, lenient: true}
	_, err = d.value(target, infoOf(target.Type()), 0)
	return found, err
}

// targetOf returns what v points to.
func targetOf(v any) (reflect.Value, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return reflect.Value{}, fmt.Errorf("cbor: decoding needs a non-nil pointer, not %T", v)
	}
	return p.Elem(), nil
}
