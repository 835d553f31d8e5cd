package cose

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/gofido/fido/cbor"
)

// MaxSize is the largest encoded key that [Parse] reads, in bytes. An RSA key of 8192 bits takes about 1,040 and an
// ML-DSA-87 key about 2,610.
const MaxSize = 4096

// Parse reads one COSE key that fills b. Labels are integers. Members may be in any order and unknown ones are
// skipped, but none may appear twice, and the values of a known type and curve must have the curve's size; X and Y are
// byte strings, so that compressed points are refused. Nothing is computed with the key yet: whether a point is on its
// curve and whether the type goes with the algorithm is for [Key.PublicKey] to say. Key.Raw keeps a copy of b. Errors
// are [*KeyError].
func Parse(b []byte) (*Key, error) {
	if len(b) > MaxSize {
		return nil, &KeyError{Reason: fmt.Sprintf("%d bytes, at most %d are read", len(b), MaxSize)}
	}
	raw := bytes.Clone(b)
	var members map[int64]cbor.RawMessage
	deviations, err := cbor.UnmarshalLenient(raw, &members)
	if err != nil {
		return nil, &KeyError{Reason: "not a map of integer labels", Err: err}
	}
	for _, d := range deviations {
		// Two readers could take different values of a label that appears twice.
		if d.Kind == cbor.DuplicateKey || d.Kind == cbor.TrailingBytes {
			return nil, &KeyError{Reason: "malformed map", Err: &cbor.DeviationError{Deviation: d}}
		}
	}
	k := &Key{Raw: raw}
	if err := member(members, 1, &k.Kty, "not an integer"); err != nil {
		return nil, err
	}
	if k.Kty == 0 {
		return nil, &KeyError{Label: 1, Reason: "the key type is missing"}
	}
	if err := member(members, 3, &k.Alg, "not an integer"); err != nil {
		return nil, err
	}
	for label := range members {
		switch label {
		case 1, 3, -1, -2, -3:
		default:
			k.extra = true
		}
	}
	switch k.Kty {
	case EC2, OKP:
		err = k.parseCurve(members)
	case RSA:
		err = k.parseRSA(members)
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (k *Key) parseCurve(members map[int64]cbor.RawMessage) error {
	if err := member(members, -1, &k.Crv, "not an integer"); err != nil {
		return err
	}
	if err := member(members, -2, &k.X, "not a byte string"); err != nil {
		return err
	}
	curve := k.Crv.info()
	known := curve != nil && curve.kty == k.Kty
	if known {
		if err := checkSize(-2, k.X, curve.size); err != nil {
			return err
		}
	}
	if k.Kty != EC2 {
		return nil
	}
	if err := member(members, -3, &k.Y, "not a byte string: compressed points are not allowed"); err != nil {
		return err
	}
	if known {
		return checkSize(-3, k.Y, curve.size)
	}
	return nil
}

func (k *Key) parseRSA(members map[int64]cbor.RawMessage) error {
	if err := member(members, -1, &k.N, "not a byte string"); err != nil {
		return err
	}
	if err := member(members, -2, &k.E, "not a byte string"); err != nil {
		return err
	}
	if len(k.N) > MaxRSABits/8 {
		return &KeyError{Label: -1, Reason: fmt.Sprintf("modulus of %d bytes, at most %d", len(k.N), MaxRSABits/8)}
	}
	return nil
}

// member decodes the member into dst, which keeps its zero value if the member is absent.
func member[T any](members map[int64]cbor.RawMessage, label int64, dst *T, reason string) error {
	raw, ok := members[label]
	if !ok {
		return nil
	}
	if _, err := cbor.UnmarshalLenient(raw, dst); err != nil {
		return &KeyError{Label: label, Reason: reason, Err: err}
	}
	return nil
}

// Append appends the encoded key to dst: Raw if it is set, otherwise the fields in canonical CBOR, with the members
// that the key type calls for.
func (k *Key) Append(dst []byte) []byte {
	if k.Raw != nil {
		return append(dst, k.Raw...)
	}
	pairs := 1
	if k.Alg != 0 {
		pairs++
	}
	switch k.Kty {
	case OKP, RSA:
		pairs += 2
	case EC2:
		pairs += 3
	}
	dst = appendHead(dst, majorMap, uint64(pairs))
	dst = appendInt(appendInt(dst, 1), int64(k.Kty))
	if k.Alg != 0 {
		dst = appendInt(appendInt(dst, 3), int64(k.Alg))
	}
	switch k.Kty {
	case OKP:
		dst = appendInt(appendInt(dst, -1), int64(k.Crv))
		dst = appendBytes(appendInt(dst, -2), k.X)
	case EC2:
		dst = appendInt(appendInt(dst, -1), int64(k.Crv))
		dst = appendBytes(appendInt(dst, -2), k.X)
		dst = appendBytes(appendInt(dst, -3), k.Y)
	case RSA:
		dst = appendBytes(appendInt(dst, -1), k.N)
		dst = appendBytes(appendInt(dst, -2), k.E)
	}
	return dst
}

// MarshalCBOR returns what Append appends; it is for structs that contain a key. The error is always nil.
func (k *Key) MarshalCBOR() ([]byte, error) { return k.Append(nil), nil }

// UnmarshalCBOR is [Parse] for structs that contain a key.
func (k *Key) UnmarshalCBOR(b []byte) error {
	parsed, err := Parse(b)
	if err != nil {
		return err
	}
	*k = *parsed
	return nil
}

// The encoder below is written out because a key consists of integers and byte strings only: appending one can't fail
// and allocates nothing.

const (
	majorUint     = 0
	majorNegative = 1
	majorBytes    = 2
	majorMap      = 5
)

// appendHead appends an initial byte and its argument in the shortest form (RFC 8949 section 3).
func appendHead(dst []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n < 1<<8:
		return append(dst, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendHead(dst, majorNegative, uint64(-1-n))
	}
	return appendHead(dst, majorUint, uint64(n))
}

func appendBytes(dst, b []byte) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(b))), b...)
}
