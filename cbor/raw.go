package cbor

import (
	"errors"
	"slices"
)

// RawMessage is one encoded item, kept as it came: to decode it later, to authenticate its bytes, or to pass it on.
//
// [Unmarshal] and [UnmarshalLenient] store the bytes of the item unchanged, deviations included. [Marshal] writes
// them unchanged, so a RawMessage that is not canonical makes the result not canonical; tags, indefinite lengths and
// anything that is not one well-formed item are refused. An optional struct field of this type needs the option
// omitzero: omitempty has no effect on it.
type RawMessage []byte

// MarshalCBOR returns a copy of m. An empty m is an error.
func (m RawMessage) MarshalCBOR() ([]byte, error) {
	if len(m) == 0 {
		return nil, errors.New("cbor: RawMessage is empty: an optional field needs the tag option omitzero, not omitempty")
	}
	return slices.Clone(m), nil
}

// UnmarshalCBOR replaces m by a copy of item.
func (m *RawMessage) UnmarshalCBOR(item []byte) error {
	*m = slices.Clone(item)
	return nil
}

// IsZero reports whether m is empty, for the tag option omitzero.
func (m RawMessage) IsZero() bool { return len(m) == 0 }
