package cbor

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// class is what kind of item a Go type takes.
type class uint8

const (
	classNone class = iota // no item
	classCustom
	classPointer
	classAny
	classBool
	classInt
	classUint
	classFloat
	classString
	classBytes
	classByteArray
	classSlice
	classArray
	classMap
	classStruct
)

// typeInfo is what the decoder needs to know of a Go type. It does not change once it is in types.
type typeInfo struct {
	typ       reflect.Type
	class     class
	key, elem *typeInfo
	fields    []fieldInfo
	err       error // the struct's tags are wrong
}

// nullable reports whether a Go value of the type can tell null from other items.
func (info *typeInfo) nullable() bool {
	return info.class == classAny || info.class == classPointer || info.class == classCustom
}

// comparable reports whether every value of the type can be the key of a Go map. Of the other types some can.
func (info *typeInfo) comparable() bool {
	switch info.class {
	case classBool, classInt, classUint, classFloat, classString, classByteArray, classPointer:
		return true
	}
	return false
}

// fieldInfo is a struct field that a map key leads to.
type fieldInfo struct {
	name     string // of the Go field, for errors
	keyAsInt bool
	key      string
	number   int64 // the key if keyAsInt
	index    []int
	info     *typeInfo
}

// types remembers a *typeInfo for each reflect.Type it was asked for. It is a cache of facts about types and
// nothing else.
var types sync.Map

// infoOf returns what there is to know of t.
func infoOf(t reflect.Type) *typeInfo {
	if known, ok := types.Load(t); ok {
		return known.(*typeInfo)
	}
	b := typeBuilder{}
	info := b.build(t)
	for t, info := range b { // only now is each of them complete, however they refer to each other
		types.LoadOrStore(t, info)
	}
	return info
}

// typeBuilder holds what is not finished yet, because types can contain themselves.
type typeBuilder map[reflect.Type]*typeInfo

var unmarshalerType = reflect.TypeFor[unmarshaler]()

// build returns what there is to know of t, which may not be complete before the builder is done.
func (b typeBuilder) build(t reflect.Type) *typeInfo {
	if known, ok := b[t]; ok {
		return known
	}
	info := &typeInfo{typ: t}
	b[t] = info
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(unmarshalerType) && t.Kind() != reflect.Interface {
		info.class = classCustom
		return info
	}
	switch t.Kind() {
	case reflect.Pointer:
		info.class = classPointer
		info.elem = b.build(t.Elem())
	case reflect.Interface:
		if t.NumMethod() == 0 {
			info.class = classAny
		}
	case reflect.Bool:
		info.class = classBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		info.class = classInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		info.class = classUint
	case reflect.Float32, reflect.Float64:
		info.class = classFloat
	case reflect.String:
		info.class = classString
	case reflect.Slice, reflect.Array:
		info.elem = b.build(t.Elem())
		isBytes := info.elem.class == classUint && t.Elem().Kind() == reflect.Uint8
		switch {
		case t.Kind() == reflect.Slice && isBytes:
			info.class = classBytes
		case t.Kind() == reflect.Slice:
			info.class = classSlice
		case isBytes:
			info.class = classByteArray
		default:
			info.class = classArray
		}
	case reflect.Map:
		info.class = classMap
		info.key = b.build(t.Key())
		info.elem = b.build(t.Elem())
	case reflect.Struct:
		info.class = classStruct
		info.err = b.collect(info, t, nil)
		info.settle()
	}
	return info
}

// collect adds the fields of struct type t, which lies in info's struct at the given index path.
func (b typeBuilder) collect(info *typeInfo, t reflect.Type, path []int) error {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("cbor")
		if tag == "" {
			tag = f.Tag.Get("json") // as the encoder does
		}
		name, options, _ := strings.Cut(tag, ",")
		if tag == "-" || f.Name == "_" {
			continue
		}
		index := append(slices.Clone(path), i)
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if f.Anonymous && name == "" && inner.Kind() == reflect.Struct {
			if len(path) >= maxLenientDepth || !f.IsExported() && f.Type.Kind() == reflect.Pointer {
				continue // embeds itself, or could not be set
			}
			if err := b.collect(info, inner, index); err != nil {
				return err
			}
			continue
		}
		if !f.IsExported() {
			continue
		}
		field := fieldInfo{name: f.Name, key: cmp.Or(name, f.Name), index: index, info: b.build(f.Type)}
		if slices.Contains(strings.Split(options, ","), "keyasint") {
			n, err := strconv.ParseInt(name, 10, 64)
			if err != nil {
				return fmt.Errorf("cbor: the tag of field %s.%s says keyasint, but %q is no integer", t, f.Name, name)
			}
			field.keyAsInt, field.number = true, n
		}
		info.fields = append(info.fields, field)
	}
	return nil
}

// settle drops the fields that a less deeply embedded field of the same key hides.
func (info *typeInfo) settle() {
	all := info.fields
	info.fields = nil
	for i, f := range all {
		hidden := slices.ContainsFunc(all[:i], func(g fieldInfo) bool { return g.same(f) && len(g.index) <= len(f.index) }) ||
			slices.ContainsFunc(all[i+1:], func(g fieldInfo) bool { return g.same(f) && len(g.index) < len(f.index) })
		if !hidden {
			info.fields = append(info.fields, f)
		}
	}
}

// same reports whether the same map key leads to f and g.
func (f fieldInfo) same(g fieldInfo) bool {
	if f.keyAsInt != g.keyAsInt {
		return false
	}
	if f.keyAsInt {
		return f.number == g.number
	}
	return f.key == g.key
}

// find returns the index of the field that is asked for, or -1. It starts at hint.
func (info *typeInfo) find(hint int, is func(*fieldInfo) bool) int {
	for i := hint; i < len(info.fields); i++ {
		if is(&info.fields[i]) {
			return i
		}
	}
	for i := range min(hint, len(info.fields)) {
		if is(&info.fields[i]) {
			return i
		}
	}
	return -1
}

// in returns the field within struct v and makes what embedded pointers on the way point to.
func (f *fieldInfo) in(v reflect.Value) reflect.Value {
	for i, n := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v
}
