package cbor

import (
	"bytes"
	"cmp"
	"slices"
)

// keyOrder is what a walk over a map remembers of its keys.
type keyOrder struct {
	body       int // where the first key starts
	n          int // how many keys have been seen
	start, end int // of the last one
	unsorted   bool
}

// pair walks over a key and its value, and compares the key with the one in front of it.
func (s *scanner) pair(keys *keyOrder, depth int) bool {
	start := s.off
	if !s.item(depth) {
		return false
	}
	if keys.n > 0 && !s.quiet {
		switch c := compareKeys(s.data[keys.start:keys.end], s.data[start:s.off]); {
		case c == 0:
			s.jumbled = true // inside the key there may be deviations of their own
			if !s.deviates(DuplicateKey, start) {
				return false
			}
		case c > 0:
			s.jumbled = true
			keys.unsorted = true
			if !s.deviates(UnsortedKeys, start) {
				return false
			}
		}
	}
	keys.n++
	keys.start, keys.end = start, s.off
	return s.item(depth)
}

// keySpan is where a key lies in the data.
type keySpan struct{ start, end, index int }

// duplicates looks for keys of an unsorted map that equal an earlier key other than the one directly in front, which
// pair has reported already. A strict walk does not come here, because it ended at the first key out of order.
func (s *scanner) duplicates(keys *keyOrder) {
	if !keys.unsorted {
		return
	}
	var room [64]keySpan
	spans := room[:0]
	if keys.n > len(room) {
		spans = make([]keySpan, 0, keys.n) // no more than MaxElements, and each was seen to be there
	}
	off := keys.body
	for i := range keys.n {
		end := skip(s.data, off)
		spans = append(spans, keySpan{start: off, end: end, index: i})
		off = skip(s.data, end)
	}
	data := s.data
	slices.SortFunc(spans, func(a, b keySpan) int {
		if c := compareKeys(data[a.start:a.end], data[b.start:b.end]); c != 0 {
			return c
		}
		return cmp.Compare(a.index, b.index)
	})
	for i := 1; i < len(spans); i++ {
		a, b := spans[i-1], spans[i]
		if b.index != a.index+1 && compareKeys(data[a.start:a.end], data[b.start:b.end]) == 0 {
			s.deviates(DuplicateKey, b.start)
		}
	}
}

// isShort is true for the initial byte of an integer or string whose argument is in that byte.
func isShort(initial byte) bool { return initial < majorArray<<5 && initial&31 < info8 }

// compareKeys orders two encoded keys as CTAP 2.3 section 8 does: lower major type first, then the shorter encoding,
// then byte by byte. Integers and strings count as if their heads were as short as possible; strings of indefinite
// length come behind the others, so that the order is a total one.
func compareKeys(a, b []byte) int {
	if isShort(a[0]) && isShort(b[0]) { // by far the most common: the head decides, then the content
		return bytes.Compare(a, b)
	}
	major := a[0] >> 5
	if c := cmp.Compare(major, b[0]>>5); c != 0 {
		return c
	}
	if major <= majorText {
		_, m, x, i := readHead(a, 0)
		_, n, y, j := readHead(b, 0)
		switch {
		case m == infoIndefinite && n == infoIndefinite:
		case m == infoIndefinite:
			return 1
		case n == infoIndefinite:
			return -1
		case x != y:
			return cmp.Compare(x, y)
		default:
			return bytes.Compare(a[i:], b[j:])
		}
	}
	if len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	return bytes.Compare(a, b)
}
