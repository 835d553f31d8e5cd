package cbor

import (
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// content returns where the first element of the array or map at off is, how many elements it has (a pair counts
// as one), or that it ends with a break code.
func (d *decoder) content(off int) (first, n int, indefinite bool) {
	_, info, arg, first := readHead(d.data, off)
	return first, int(arg), info == infoIndefinite
}

// count returns how many elements the array at off has.
func (d *decoder) count(off int) int {
	off, n, indefinite := d.content(off)
	if indefinite {
		for ; d.data[off] != breakCode; n++ {
			off = skip(d.data, off)
		}
	}
	return n
}

// elements decodes the n elements of the array at off into v, which has as many.
func (d *decoder) elements(v reflect.Value, t *typeInfo, off, n int) (int, error) {
	off, _, indefinite := d.content(off)
	for i := range n {
		next, err := d.value(v.Index(i), t.elem, off)
		if err != nil {
			return 0, within(err, "["+strconv.Itoa(i)+"]")
		}
		off = next
	}
	if indefinite {
		off++
	}
	return off, nil
}

// more reports whether another element follows at off, and takes it off the count.
func (d *decoder) more(off int, n *int, indefinite bool) bool {
	if indefinite {
		return d.data[off] != breakCode
	}
	*n--
	return *n >= 0
}

// mapping decodes the map at off into the Go map v, which is replaced.
func (d *decoder) mapping(v reflect.Value, t *typeInfo, off int) (int, error) {
	off, n, indefinite := d.content(off)
	m := reflect.MakeMapWithSize(t.typ, n)
	key := reflect.New(t.key.typ).Elem()
	elem := reflect.New(t.elem.typ).Elem()
	for d.more(off, &n, indefinite) {
		if d.lenient && !t.key.nullable() && d.absentAt(off) {
			off = skip(d.data, skip(d.data, off))
			continue
		}
		key.SetZero()
		valueOff, err := d.value(key, t.key, off)
		if err != nil {
			return 0, within(err, "key")
		}
		if !t.key.comparable() && !key.Comparable() {
			return 0, d.mismatch(off, t.key)
		}
		if d.lenient && (m.MapIndex(key).IsValid() || !t.elem.nullable() && d.absentAt(valueOff)) {
			off = skip(d.data, valueOff)
			continue
		}
		elem.SetZero()
		next, err := d.value(elem, t.elem, valueOff)
		if err != nil {
			return 0, within(err, "["+d.diagnoseKey(off)+"]")
		}
		m.SetMapIndex(key, elem)
		off = next
	}
	if indefinite {
		off++
	}
	v.Set(m)
	return off, nil
}

// structure decodes the map at off into the struct v.
func (d *decoder) structure(v reflect.Value, t *typeInfo, off int) (int, error) {
	off, n, indefinite := d.content(off)
	var room [64]bool
	seen := room[:]
	if len(t.fields) > len(room) {
		seen = make([]bool, len(t.fields))
	}
	hint := 0 // the field to try first: keys usually come in the order of the fields
	for d.more(off, &n, indefinite) {
		i := d.field(t, off, hint)
		off = skip(d.data, off)
		if i < 0 || seen[i] {
			off = skip(d.data, off)
			continue
		}
		seen[i] = true
		hint = i + 1
		f := &t.fields[i]
		next, err := d.value(f.in(v), f.info, off)
		if err != nil {
			return 0, within(err, f.name)
		}
		off = next
	}
	if indefinite {
		off++
	}
	return off, nil
}

// field returns the index of the field of t for the key at off, or -1.
func (d *decoder) field(t *typeInfo, off, hint int) int {
	off = d.skipTags(off)
	major, _, arg, _ := readHead(d.data, off)
	switch major {
	case majorUint, majorNegative:
		if arg > math.MaxInt64 {
			return -1
		}
		n := int64(arg)
		if major == majorNegative {
			n = ^n
		}
		return t.find(hint, func(f *fieldInfo) bool { return f.keyAsInt && f.number == n })
	case majorText:
		b, _ := d.body(off)
		if d.lenient && !utf8.Valid(b) {
			b = []byte(repair(b))
		}
		return t.find(hint, func(f *fieldInfo) bool { return !f.keyAsInt && f.key == string(b) })
	}
	return -1
}
