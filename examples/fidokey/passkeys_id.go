package main

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// minShortID is the least number of characters of a passkey's short ID.
const minShortID = 4

// shortIDs are in lower case and without i, l, o and u, which are easily mistaken
// for other characters or for words.
var shortIDEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// longID is what a passkey's short ID is the beginning of. It comes from a hash,
// because keys begin all their credential IDs with the same bytes: a beginning of
// those would be long, and another with every passkey that is added.
func longID(credentialID []byte) string {
	sum := sha256.Sum256(credentialID)
	return shortIDEncoding.EncodeToString(sum[:])
}

// shortIDs returns for each long ID the shortest beginning that no other one has,
// at least minShortID characters of it. A passkey keeps its short ID as long as no
// other begins with it.
func shortIDs(long []string) []string {
	sorted := slices.Clone(long)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	short := make([]string, len(long))
	for i, id := range long {
		at, _ := slices.BinarySearch(sorted, id)
		n := minShortID
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

// asShortID returns what a person has typed as the beginning of a long ID, and
// whether it can be one.
func asShortID(arg string) (string, bool) {
	id := likelyTypo.Replace(strings.ToLower(arg))
	_, err := shortIDEncoding.DecodeString(id + strings.Repeat("0", (8-len(id)%8)%8))
	return id, err == nil && len(id) >= minShortID && len(id) <= shortIDEncoding.EncodedLen(sha256.Size)
}

// checkPasskeyIDs finds out before anything is asked that an argument can't be
// the ID of a passkey.
func checkPasskeyIDs(args []string) error {
	for _, arg := range args {
		if _, ok := asShortID(arg); ok {
			continue
		}
		if b, err := base64.RawURLEncoding.DecodeString(arg); err != nil || len(b) < minShortID {
			return badUse("%q is not the ID of a passkey: fidokey passkeys list shows them, %d characters or more", arg, minShortID)
		}
	}
	return nil
}

// findPasskeys returns the passkeys that args name, each once: by the whole
// credential ID in base64url, or by the beginning of the long ID, if only one
// passkey has it.
func (l *passkeyListing) findPasskeys(args []string) ([]sitePasskey, error) {
	var found []sitePasskey
	for _, arg := range args {
		p, err := l.findPasskey(arg)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(found, func(f sitePasskey) bool { return f.CredentialID == p.CredentialID }) {
			found = append(found, p)
		}
	}
	return found, nil
}

func (l *passkeyListing) findPasskey(arg string) (sitePasskey, error) {
	id, isShort := asShortID(arg)
	var matches []sitePasskey
	for p := range l.all() {
		if p.CredentialID == arg {
			return p, nil
		}
		if isShort && strings.HasPrefix(p.longID(), id) {
			matches = append(matches, p)
		}
	}
	switch len(matches) {
	case 1:
		return matches[0], nil
	case 0:
		return sitePasskey{}, fmt.Errorf("no passkey on the key has the ID %q: fidokey passkeys list shows those that there are", arg)
	}
	var ids []string
	for _, m := range matches {
		ids = append(ids, m.ID)
	}
	return sitePasskey{}, fmt.Errorf("several passkeys have an ID that begins with %q: it is one of %s", arg, strings.Join(ids, ", "))
}
