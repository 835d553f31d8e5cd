package passkeys

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/gofido/fido/examples/internal/shortid"
)

// IsID reports whether an argument can be the ID of a passkey: short, or the whole
// credential ID in base64url.
func IsID(arg string) bool {
	if _, ok := shortid.Typed(arg); ok {
		return true
	}
	b, err := base64.RawURLEncoding.DecodeString(arg)
	return err == nil && len(b) >= shortid.Least
}

// Find returns the passkeys that args name, each once: by the whole
// credential ID in base64url, or by the beginning of the long ID, if only one
// passkey has it.
func (l *Listing) Find(args []string) ([]Entry, error) {
	var found []Entry
	for _, arg := range args {
		p, err := l.find(arg)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(found, func(f Entry) bool { return f.CredentialID == p.CredentialID }) {
			found = append(found, p)
		}
	}
	return found, nil
}

func (l *Listing) find(arg string) (Entry, error) {
	id, isShort := shortid.Typed(arg)
	var matches []Entry
	for p := range l.All() {
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
		return Entry{}, fmt.Errorf("no passkey on the key has the ID %q: fidokey passkeys list shows those that there are", arg)
	}
	var ids []string
	for _, m := range matches {
		ids = append(ids, m.ID)
	}
	return Entry{}, fmt.Errorf("several passkeys have an ID that begins with %q: it is one of %s", arg, strings.Join(ids, ", "))
}
