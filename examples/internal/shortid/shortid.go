// Package shortid makes IDs that people can type of long ones that they can't.
//
// A short ID is the beginning of a long one, as much of it as tells it from the
// others. That of a passkey begins not its credential ID but a hash of it, which is
// written with characters that are not easily mistaken for others.
package shortid

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
)

// Least is the fewest characters of a passkey's short ID.
const Least = 4

// encoding is in lower case and without i, l, o and u, which are easily mistaken for
// other characters or for words.
var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Long returns what a passkey's short ID is the beginning of. It comes from a hash,
// because keys begin all their credential IDs with the same bytes: a beginning of
// those would be long, and another with every passkey that is added.
func Long(credentialID []byte) string {
	sum := sha256.Sum256(credentialID)
	return encoding.EncodeToString(sum[:])
}

// Shorten returns for each long ID the shortest beginning that no other one has, at
// least so many characters of it. It stays the same as long as no other begins with
// it.
func Shorten(long []string, least int) []string {
	sorted := slices.Clone(long)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	short := make([]string, len(long))
	for i, id := range long {
		at, _ := slices.BinarySearch(sorted, id)
		n := least
		for _, neighbour := range sorted[max(at-1, 0):min(at+2, len(sorted))] {
			if neighbour != id {
				n = max(n, shared(id, neighbour)+1)
			}
		}
		short[i] = id[:min(n, len(id))]
	}
	return short
}

// shared returns how many characters two strings begin with alike.
func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// likelyTypo puts right what people read in place of a short ID's characters.
var likelyTypo = strings.NewReplacer("o", "0", "i", "1", "l", "1")

// Typed returns what a person has typed as the beginning of what [Long] returns, and
// whether it can be one.
func Typed(arg string) (string, bool) {
	id := likelyTypo.Replace(strings.ToLower(arg))
	_, err := encoding.DecodeString(id + strings.Repeat("0", (8-len(id)%8)%8))
	return id, err == nil && len(id) >= Least && len(id) <= encoding.EncodedLen(sha256.Size)
}
