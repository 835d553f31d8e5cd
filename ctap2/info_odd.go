package ctap2

import "github.com/gofido/fido/cbor"

// The members of getInfo without which there is no telling what the key is.
const (
	infoVersions = 1
	infoAAGUID   = 3
)

// parseOddInfo decodes a getInfo response that failed to decode with err, a
// *[cbor.TypeError], member by member: an odd value of one that is optional does
// not make a key useless.
func parseOddInfo(b []byte, err error) (*GetInfoResponse, error) {
	r := new(GetInfoResponse)
	seen := make(map[int]bool)
	for key, value := range mapMembers(b) {
		var n int
		if _, notNumber := cbor.UnmarshalLenient(key, &n); notNumber != nil || seen[n] {
			continue // of equal keys the first counts
		}
		seen[n] = true
		before := *r
		one := append(append([]byte{0xa1}, key...), value...)
		if _, odd := cbor.UnmarshalLenient(one, r); odd == nil {
			continue
		}
		if n == infoVersions || n == infoAAGUID {
			return nil, err
		}
		*r = before
		r.Ignored = append(r.Ignored, n)
	}
	if r.Ignored == nil {
		return nil, err // not a map, or not one that can be taken apart
	}
	var all cbor.RawMessage
	deviations, bad := cbor.UnmarshalLenient(b, &all)
	if bad != nil {
		return nil, err
	}
	r.Raw, r.Deviations = b, deviations
	return r, nil
}

// mapMembers yields the keys and values, encoded, of a well-formed map.
func mapMembers(b []byte) func(yield func(key, value []byte) bool) {
	return func(yield func(key, value []byte) bool) {
		head, indefinite, ok := mapHead(b)
		if !ok {
			return
		}
		count := uint64(b[0] & 0x1f)
		if head > 1 {
			count = 0
			for _, c := range b[1:head] {
				count = count<<8 | uint64(c)
			}
		}
		const end = 0xff // of a map of indefinite length
		for rest := b[head:]; len(rest) > 0; count-- {
			if indefinite && rest[0] == end || !indefinite && count == 0 {
				return
			}
			key, after, err := cbor.Split(rest)
			if err != nil {
				return
			}
			value, after, err := cbor.Split(after)
			if err != nil || !yield(key, value) {
				return
			}
			rest = after
		}
	}
}
