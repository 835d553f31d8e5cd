package cbor

import (
	"cmp"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// scanner walks over one item. It tells whether the item is well-formed and within bounds, and collects deviations.
type scanner struct {
	data    []byte
	off     int
	found   []Deviation
	strict  bool // a deviation ends the walk
	quiet   bool // deviations are not looked for
	jumbled bool // found may not be in order of offset

	fault    fault
	faultOff int
	first    Deviation // the one that ended a strict walk
}

// err returns why the walk ended early.
func (s *scanner) err() error {
	if s.fault == faultDeviation {
		return &DeviationError{Deviation: s.first}
	}
	return &SyntaxError{Offset: s.faultOff, Err: faultErrors[s.fault]}
}

// fail notes a fault and returns false.
func (s *scanner) fail(f fault, off int) bool {
	s.fault, s.faultOff = f, off
	return false
}

// deviates notes a deviation. It returns false if the walk has to end because of it.
func (s *scanner) deviates(k Kind, off int) bool {
	switch {
	case s.quiet:
		return true
	case s.strict:
		s.first = Deviation{Kind: k, Offset: off}
		return s.fail(faultDeviation, off)
	}
	s.found = append(s.found, Deviation{Kind: k, Offset: off})
	return true
}

// settle puts the deviations from index n on in order. Only the search for duplicates in unsorted maps looks back.
func (s *scanner) settle(n int) {
	if s.jumbled {
		slices.SortStableFunc(s.found[n:], func(a, b Deviation) int { return cmp.Compare(a.Offset, b.Offset) })
	}
}

// item walks over the item at s.off, which stands inside depth arrays and maps.
func (s *scanner) item(depth int) bool {
	start := s.off
	if start < len(s.data) && s.data[start]&^negativeBit < info8 { // an integer that is its own head
		s.off++
		return true
	}
	major, info, arg, ok := s.head()
	if !ok {
		return false
	}
	// Tags can be nested as deep as the input is long, so they are a loop and not a call.
	for major == majorTag {
		if !s.deviates(Tag, start) {
			return false
		}
		start = s.off
		if major, info, arg, ok = s.head(); !ok {
			return false
		}
	}
	if info == infoIndefinite {
		return s.indefinite(start, major, depth)
	}
	switch major {
	case majorBytes, majorText:
		if arg > uint64(len(s.data)-s.off) {
			return s.fail(faultTruncated, len(s.data))
		}
		body := s.data[s.off : s.off+int(arg)]
		s.off += int(arg)
		if major == majorText && !s.quiet && !utf8.Valid(body) {
			return s.deviates(InvalidUTF8, start)
		}
	case majorArray:
		return s.enter(start, depth) && s.array(start, arg, depth+1)
	case majorMap:
		return s.enter(start, depth) && s.pairs(start, arg, depth+1)
	case majorSimple:
		switch {
		case info >= info16:
			return s.deviates(Float, start)
		case info < simpleFalse || info == info8:
			return s.deviates(SimpleValue, start)
		}
	}
	return true
}

// head reads the initial byte of an item and its argument, the number that it carries or its length.
func (s *scanner) head() (major, info byte, arg uint64, ok bool) {
	start := s.off
	if start >= len(s.data) {
		return 0, 0, 0, s.fail(faultTruncated, len(s.data))
	}
	initial := s.data[start]
	major, info = initial>>5, initial&31
	s.off++
	if info < info8 {
		return major, info, uint64(info), true
	}
	return s.longHead(major, info)
}

// longHead reads the rest of a head whose argument is not in the initial byte.
func (s *scanner) longHead(major, info byte) (_, _ byte, arg uint64, ok bool) {
	start := s.off - 1
	if info > info64 {
		switch {
		case info != infoIndefinite:
			return 0, 0, 0, s.fail(faultReserved, start)
		case major == majorSimple:
			return 0, 0, 0, s.fail(faultBreak, start)
		case major < majorBytes || major == majorTag:
			return 0, 0, 0, s.fail(faultReserved, start)
		}
		return major, info, 0, true
	}
	tail := s.data[s.off:]
	size := 1 << (info - info8)
	if len(tail) < size {
		return 0, 0, 0, s.fail(faultTruncated, len(s.data))
	}
	s.off += size
	var minimal bool
	switch info {
	case info8:
		arg = uint64(tail[0])
		minimal = arg >= info8
		if major == majorSimple && arg < 32 {
			return 0, 0, 0, s.fail(faultSimple, start)
		}
	case info16:
		arg = uint64(binary.BigEndian.Uint16(tail))
		minimal = arg > 0xff
	case info32:
		arg = uint64(binary.BigEndian.Uint32(tail))
		minimal = arg > 0xffff
	case info64:
		arg = binary.BigEndian.Uint64(tail)
		minimal = arg > 0xffffffff
	}
	if !minimal {
		switch major {
		case majorUint, majorNegative:
			ok = s.deviates(NonMinimalInt, start)
		case majorSimple, majorTag: // a float keeps its size, a tag is a deviation already
			ok = true
		default:
			ok = s.deviates(NonMinimalLength, start)
		}
		return major, info, arg, ok
	}
	return major, info, arg, true
}

// enter is called for each array and map, which stands inside depth others.
func (s *scanner) enter(start, depth int) bool {
	switch depth {
	case MaxDepth: // noted once, where the limit is crossed
		return s.deviates(TooDeep, start)
	case maxLenientDepth:
		return s.fail(faultDepth, start)
	}
	return true
}

// array walks over the n elements of the array that starts at start.
func (s *scanner) array(start int, n uint64, depth int) bool {
	if !s.fits(start, n, 1) {
		return false
	}
	for range n {
		if !s.item(depth) {
			return false
		}
	}
	return true
}

// fits refuses a count of elements before anything is done as often as the count says. Each element takes at least
// size bytes.
func (s *scanner) fits(start int, n uint64, size int) bool {
	if n > uint64((len(s.data)-s.off)/size) {
		return s.fail(faultTruncated, len(s.data))
	}
	if n > MaxElements {
		return s.fail(faultCount, start)
	}
	return true
}

// pairs walks over the n pairs of the map that starts at start.
func (s *scanner) pairs(start int, n uint64, depth int) bool {
	if !s.fits(start, n, 2) {
		return false
	}
	keys := keyOrder{body: s.off}
	for range n {
		if !s.pair(&keys, depth) {
			return false
		}
	}
	s.duplicates(&keys)
	return true
}

// indefinite walks over the rest of a string, array or map whose length is not told in front.
func (s *scanner) indefinite(start int, major byte, depth int) bool {
	if !s.deviates(IndefiniteLength, start) {
		return false
	}
	switch major {
	case majorBytes, majorText:
		return s.chunks(major)
	case majorArray:
		if !s.enter(start, depth) {
			return false
		}
		for n := 0; ; n++ {
			if done, ok := s.atBreak(); done || !ok {
				return ok
			}
			if n == MaxElements {
				return s.fail(faultCount, start)
			}
			if !s.item(depth + 1) {
				return false
			}
		}
	default:
		if !s.enter(start, depth) {
			return false
		}
		keys := keyOrder{body: s.off}
		for {
			switch done, ok := s.atBreak(); {
			case !ok:
				return false
			case done:
				s.duplicates(&keys)
				return true
			}
			if keys.n == MaxElements {
				return s.fail(faultCount, start)
			}
			if !s.pair(&keys, depth+1) {
				return false
			}
		}
	}
}

// chunks walks over the pieces of a string, each of which must be of the same type and have a length.
func (s *scanner) chunks(major byte) bool {
	for {
		if done, ok := s.atBreak(); done || !ok {
			return ok
		}
		if initial := s.data[s.off]; initial>>5 != major || initial&31 == infoIndefinite {
			return s.fail(faultChunk, s.off)
		}
		if !s.item(0) {
			return false
		}
	}
}

// atBreak consumes a break code.
func (s *scanner) atBreak() (done, ok bool) {
	if s.off >= len(s.data) {
		return false, s.fail(faultTruncated, len(s.data))
	}
	if s.data[s.off] == breakCode {
		s.off++
		return true, true
	}
	return false, true
}
