package cbor

import (
	"strconv"
)

// diagnoseKey returns the key at off as an error message shows it.
func (d *decoder) diagnoseKey(off int) string {
	off = d.skipTags(off)
	if major, _, _, _ := readHead(d.data, off); major == majorText {
		b, _ := d.body(off)
		return strconv.QuoteToASCII(repair(b[:min(len(b), 64)]))
	}
	end := skip(d.data, off)
	if end-off > 16 {
		return itemName(d.data, off)
	}
	text, _ := appendItem(nil, d.data, off)
	return string(text)
}

// mismatch is the error for an item at off that does not fit t.
func (d *decoder) mismatch(off int, t *typeInfo) error {
	return &TypeError{Offset: off, Item: itemName(d.data, off), Go: t.typ.String()}
}

// within puts name in front of the path of a *TypeError.
func within(err error, name string) error {
	if t, ok := err.(*TypeError); ok {
		if t.Field != "" && t.Field[0] != '[' {
			name += "."
		}
		t.Field = name + t.Field
	}
	return err
}

// itemName describes the item at off, which has no tags, for an error message, without its content but for integers.
func itemName(data []byte, off int) string {
	major, info, arg, _ := readHead(data, off)
	switch major {
	case majorUint:
		return "integer " + strconv.FormatUint(arg, 10)
	case majorNegative:
		return "integer " + string(appendNegative(nil, arg))
	case majorBytes:
		if info == infoIndefinite {
			return "byte string"
		}
		return "byte string of " + strconv.FormatUint(arg, 10) + " bytes"
	case majorText:
		return "text string"
	case majorArray:
		if info == infoIndefinite {
			return "array"
		}
		return "array of " + strconv.FormatUint(arg, 10)
	case majorMap:
		return "map"
	}
	switch {
	case info == simpleFalse:
		return "false"
	case info == simpleTrue:
		return "true"
	case info == simpleNull:
		return "null"
	case info == simpleUndefined:
		return "undefined"
	}
	return "floating-point number" // other simple values fit every type
}
