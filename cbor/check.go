package cbor

// Check appends every deviation of data from CTAP2 canonical form (CTAP 2.3 section 8) to dst, in order of offset,
// and returns the extended slice. Data that is one canonical item adds nothing.
//
// If data is not one well-formed item, or breaks a hard bound (see [SyntaxError]), Check returns the deviations in
// front of the fault and a *SyntaxError (in a map that is not sorted, equal keys that are apart are found at its end,
// if it has one). What follows the first item is one deviation, TrailingBytes, and is not read.
//
// Check reads data once. It allocates nothing as long as dst has room, except to look for duplicate keys in a map of
// more than 64 keys that are not sorted. Time is proportional to len(data) times its nesting, and for an unsorted map
// of n keys times log n; there are at most 2*len(data)+1 deviations.
//
// The order and equality of keys are judged by their value, so that a key in more bytes than it needs is one
// deviation and not two. Keys that are tagged or of indefinite length, arrays, maps and floating-point numbers are
// compared as they are encoded.
func Check(dst []Deviation, data []byte) ([]Deviation, error) {
	s := scanner{data: data, found: dst}
	if !s.item(0) {
		s.settle(len(dst))
		return s.found, s.err()
	}
	if s.off < len(data) {
		s.deviates(TrailingBytes, s.off)
	}
	s.settle(len(dst))
	return s.found, nil
}

// checkStrict returns nil only for one canonical item: it stops at the first thing wrong.
func checkStrict(data []byte) error {
	s := scanner{data: data, strict: true}
	if s.item(0) {
		if s.off == len(data) {
			return nil
		}
		s.deviates(TrailingBytes, s.off)
	}
	return s.err()
}
