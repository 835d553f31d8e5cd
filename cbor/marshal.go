package cbor

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// encMode returns the encoder with CTAP2's options. It never changes and is safe for concurrent use.
var encMode = sync.OnceValue(func() cbor.UserBufferEncMode {
	options := cbor.CTAP2EncOptions()
	options.NilContainers = cbor.NilContainerAsEmpty // no CTAP message carries null
	options.BinaryMarshaler = cbor.BinaryMarshalerNone
	mode, err := options.UserBufferEncMode()
	if err != nil {
		panic("cbor: the encoder refuses its constant options: " + err.Error())
	}
	return mode
})

// buffers are the headers that Append needs for the time of a call. They hold no bytes while they wait.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Marshal returns v in CTAP2 canonical form (CTAP 2.3 section 8): integers and lengths in their shortest form,
// definite lengths, map keys sorted, no tags.
//
// Integers, booleans, strings, []byte, [n]byte, slices, arrays, maps and structs become the items that [Unmarshal]
// reads back; nil slices and nil maps become empty ones, and nil pointers and interfaces null. A floating-point
// number keeps its size, as the specification says, although [Check] reports it. A struct becomes a map of its
// exported fields, with the key and the options that its tag names:
//
//	Type  string  `cbor:"type"`                 // the text key "type"
//	Hash  []byte  `cbor:"2,keyasint"`           // the integer key 2
//	Level *uint64 `cbor:"-1,keyasint,omitzero"` // left out if nil
//	Names []Name  `cbor:"names,omitempty"`      // left out if empty
//	Local int     `cbor:"-"`                    // never encoded
//
// A field without such a tag has its json tag or its name for a text key. Maps of Go whose keys are arrays, other than
// [n]byte, are not put in CTAP2's order; no CTAP message has such keys.
//
// A type with a method MarshalCBOR() ([]byte, error) encodes itself. What it returns is copied as it is, and must be
// one well-formed item without tags and indefinite lengths; omitempty has no effect on such a type, omitzero has.
//
// Marshal does not limit the nesting: a message that is deeper than [MaxDepth] will be refused by the key.
func Marshal(v any) ([]byte, error) {
	b, err := encMode().Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("cbor: encoding %T: %w", v, err)
	}
	return b, nil
}

// Append appends v in CTAP2 canonical form to dst, as [Marshal] does. If dst has room the encoding goes straight into
// it. After an error dst is returned with its length unchanged.
func Append(dst []byte, v any) ([]byte, error) {
	buf := buffers.Get().(*bytes.Buffer)
	*buf = *bytes.NewBuffer(dst)
	err := encMode().MarshalToBuffer(v, buf)
	out := buf.Bytes()
	*buf = bytes.Buffer{}
	buffers.Put(buf)
	if err != nil {
		return dst, fmt.Errorf("cbor: encoding %T: %w", v, err)
	}
	return out, nil
}
