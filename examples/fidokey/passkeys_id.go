package main

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/gofido/fido/examples/internal/shortid"
)

// checkPasskeyIDs finds out before anything is asked that an argument can't be
// the ID of a passkey.
func checkPasskeyIDs(args []string) error {
	for _, arg := range args {
		if _, ok := shortid.Typed(arg); ok {
			continue
		}
		if b, err := base64.RawURLEncoding.DecodeString(arg); err != nil || len(b) < shortid.Least {
			return badUse("%q is not the ID of a passkey: fidokey passkeys list shows them, %d characters or more", arg, shortid.Least)
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
	id, isShort := shortid.Typed(arg)
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
