package cbor

import (
	"bytes"
	"math"
	"reflect"
	"slices"
)

// unmarshaler is what a type implements to decode itself.
type unmarshaler interface{ UnmarshalCBOR([]byte) error }

// decoder fills Go values from data that a scanner has found to be well-formed and within bounds, and without any
// deviation unless lenient. So counts can be believed, and no read is checked again.
type decoder struct {
	data    []byte
	lenient bool
}

// value decodes the item at off into v and returns where the item ends.
func (d *decoder) value(v reflect.Value, t *typeInfo, off int) (int, error) {
	if t.class == classCustom {
		return d.custom(v, off)
	}
	off = d.skipTags(off)
	major, info, arg, next := readHead(d.data, off)
	if major == majorSimple && isAbsent(info) {
		switch {
		case t.class == classAny, d.lenient && t.class == classPointer:
			v.SetZero()
		case !d.lenient:
			return 0, d.mismatch(off, t)
		}
		return next, nil
	}
	switch t.class {
	case classPointer:
		if v.IsNil() {
			v.Set(reflect.New(t.elem.typ))
		}
		return d.value(v.Elem(), t.elem, off)
	case classAny:
		x, next, err := d.any(off)
		if err == nil {
			v.Set(reflect.ValueOf(x))
		}
		return next, err
	case classBool:
		if major == majorSimple && (info == simpleFalse || info == simpleTrue) {
			v.SetBool(info == simpleTrue)
			return next, nil
		}
	case classInt:
		if major <= majorNegative {
			if arg > math.MaxInt64 {
				return 0, d.mismatch(off, t)
			}
			n := int64(arg)
			if major == majorNegative {
				n = ^n
			}
			if v.OverflowInt(n) {
				return 0, d.mismatch(off, t)
			}
			v.SetInt(n)
			return next, nil
		}
	case classUint:
		if major == majorUint && !v.OverflowUint(arg) {
			v.SetUint(arg)
			return next, nil
		}
	case classFloat:
		if major == majorSimple && info >= info16 {
			v.SetFloat(float(info, arg))
			return next, nil
		}
	case classString:
		if major == majorText {
			b, next := d.body(off)
			v.SetString(repair(b))
			return next, nil
		}
	case classBytes:
		if major == majorBytes {
			b, next := d.body(off)
			v.SetBytes(slices.Clone(b)) // not nil, even if empty: present and absent stay different
			return next, nil
		}
	case classByteArray:
		if major == majorBytes {
			b, next := d.body(off)
			if len(b) != v.Len() {
				return 0, d.mismatch(off, t)
			}
			copy(v.Bytes(), b)
			return next, nil
		}
	case classSlice:
		if major == majorArray {
			n := d.count(off)
			v.Set(reflect.MakeSlice(t.typ, n, n))
			return d.elements(v, t, off, n)
		}
	case classArray:
		if major == majorArray {
			n := d.count(off)
			if n != v.Len() {
				return 0, d.mismatch(off, t)
			}
			return d.elements(v, t, off, n)
		}
	case classMap:
		if major == majorMap {
			return d.mapping(v, t, off)
		}
	case classStruct:
		if t.err != nil {
			return 0, t.err
		}
		if major == majorMap {
			return d.structure(v, t, off)
		}
	}
	return 0, d.mismatch(off, t)
}

// isAbsent is true for null and undefined, and for the simple values nobody has assigned a meaning to.
func isAbsent(info byte) bool {
	return info <= info8 && info != simpleFalse && info != simpleTrue
}

// custom has the type of v decode the item at off itself.
func (d *decoder) custom(v reflect.Value, off int) (int, error) {
	end := skip(d.data, off)
	err := v.Addr().Interface().(unmarshaler).UnmarshalCBOR(d.data[off:end:end])
	if t, ok := err.(*TypeError); ok {
		t.Offset += off // the method saw only its own item
	}
	return end, err
}

// skipTags returns where the item at off starts behind its tags.
func (d *decoder) skipTags(off int) int {
	for d.data[off]>>5 == majorTag {
		_, _, _, off = readHead(d.data, off)
	}
	return off
}

// body returns the content of the string at off. It shares memory with the data, unless the string is in pieces.
func (d *decoder) body(off int) (b []byte, end int) {
	_, info, arg, off := readHead(d.data, off)
	if info != infoIndefinite {
		end = off + int(arg)
		return d.data[off:end], end
	}
	for d.data[off] != breakCode {
		_, _, arg, off = readHead(d.data, off)
		b = append(b, d.data[off:off+int(arg)]...)
		off += int(arg)
	}
	return b, off + 1
}

// absentAt reports whether the item at off counts as absent.
func (d *decoder) absentAt(off int) bool {
	initial := d.data[d.skipTags(off)]
	return initial>>5 == majorSimple && isAbsent(initial&31)
}

// any decodes the item at off for an empty interface.
func (d *decoder) any(off int) (x any, next int, err error) {
	off = d.skipTags(off)
	major, info, arg, next := readHead(d.data, off)
	switch major {
	case majorUint:
		return arg, next, nil
	case majorNegative:
		if arg > math.MaxInt64 {
			return nil, 0, d.mismatch(off, infoOf(reflect.TypeFor[int64]()))
		}
		return ^int64(arg), next, nil
	case majorBytes:
		b, next := d.body(off)
		return bytes.Clone(b), next, nil
	case majorText:
		b, next := d.body(off)
		return repair(b), next, nil
	case majorArray:
		list := make([]any, d.count(off))
		next, err := d.elements(reflect.ValueOf(list), infoOf(reflect.TypeFor[[]any]()), off, len(list))
		return list, next, err
	case majorMap:
		var m map[any]any
		next, err := d.mapping(reflect.ValueOf(&m).Elem(), infoOf(reflect.TypeFor[map[any]any]()), off)
		return m, next, err
	}
	if info >= info16 {
		return float(info, arg), next, nil
	}
	return info == simpleTrue, next, nil // value has dealt with the other simple values
}
