package main

import (
	"cmp"
	"slices"
	"strings"
)

// comparedAccount is the JSON form of an account that has a passkey on one of two
// keys, or both.
type comparedAccount struct {
	Site siteName   `json:"site"`
	User listedUser `json:"user"`
	A    []string   `json:"a"` // the credential IDs of its passkeys on A, in base64url; several are rare
	B    []string   `json:"b"`

	// MatchedBy says why the passkeys on A and on B are the same account's:
	// "userHandle" is certain; "name" means that the site has given them different
	// user handles, and that they have the same name.
	MatchedBy string `json:"matchedBy,omitempty"`

	// ToDo is what to do there now that a key is lost: "remove" the lost key with
	// the other one, "recover" the account by other means, or "nothing".
	ToDo string `json:"toDo,omitempty"`
}

const (
	matchedByHandle = "userHandle"
	matchedByName   = "name"

	toDoRemove  = "remove"
	toDoRecover = "recover"
	toDoNothing = "nothing"
)

func (c *comparedAccount) onBoth() bool { return len(c.A) > 0 && len(c.B) > 0 }

// compareAccounts says which accounts are on both keys, and which on one alone.
// What makes two passkeys the same account's is the site and the user handle,
// which a site keeps for an account; where there is none, the name.
func compareAccounts(a, b *passkeyListing) []comparedAccount {
	all := []comparedAccount{}
	seen := make(map[[2]string]int) // by site and user handle, in all
	add := func(p sitePasskey, side func(*comparedAccount) *[]string) {
		account := [2]string{p.Site.RPIDHash, p.User.ID}
		at, ok := seen[account]
		if !ok || p.User.ID == "" {
			at = len(all)
			seen[account] = at
			all = append(all, comparedAccount{Site: p.Site, User: p.User, A: []string{}, B: []string{}})
		}
		c := &all[at]
		*side(c) = append(*side(c), p.CredentialID)
		// One key may have shortened what the other keeps.
		if !c.Site.complete() {
			c.Site.RPID = longer(c.Site.RPID, p.Site.RPID)
			if p.Site.complete() {
				c.Site.RPID = p.Site.RPID
			}
		}
		c.Site.Name = cmp.Or(c.Site.Name, p.Site.Name)
		c.User.Name, c.User.DisplayName = cmp.Or(c.User.Name, p.User.Name), cmp.Or(c.User.DisplayName, p.User.DisplayName)
		if c.onBoth() {
			c.MatchedBy = matchedByHandle
		}
	}
	for p := range a.all() {
		add(p, func(c *comparedAccount) *[]string { return &c.A })
	}
	for p := range b.all() {
		add(p, func(c *comparedAccount) *[]string { return &c.B })
	}
	all = matchNames(all)
	slices.SortStableFunc(all, func(x, y comparedAccount) int {
		return cmp.Or(strings.Compare(x.Site.RPID, y.Site.RPID), strings.Compare(x.Site.RPIDHash, y.Site.RPIDHash), strings.Compare(x.User.Name, y.User.Name))
	})
	return all
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

// matchNames puts two accounts together that are on one key each, and have the
// same name at the same site, if no third one there has it: a site that gives each
// passkey another user handle still calls the account the same.
func matchNames(all []comparedAccount) []comparedAccount {
	named := make(map[[2]string][]int) // by site and the part of the name that all keys keep
	for i, c := range all {
		if name := c.nameKept(); name != "" {
			group := [2]string{c.Site.RPIDHash, name}
			named[group] = append(named[group], i)
		}
	}
	gone := make([]bool, len(all))
	for _, group := range named {
		if len(group) != 2 {
			continue
		}
		x, y := &all[group[0]], &all[group[1]]
		if !x.onBoth() && !y.onBoth() && (len(x.A) > 0) != (len(y.A) > 0) && sameName(x.name(), y.name()) {
			x.A, x.B, x.MatchedBy = append(x.A, y.A...), append(x.B, y.B...), matchedByName
			gone[group[1]] = true
		}
	}
	kept := []comparedAccount{}
	for i, c := range all {
		if !gone[i] {
			kept = append(kept, c)
		}
	}
	return kept
}

// name is what the account is called, but for upper and lower case.
func (c *comparedAccount) name() string {
	return strings.ToLower(cmp.Or(c.User.Name, c.User.DisplayName))
}

// keptNameBytes is how much of a name every key keeps (CTAP 2.3 section 6.1.2);
// a little less is left of one that was cut at the end of a character.
const keptNameBytes = 64 - 3

func (c *comparedAccount) nameKept() string {
	name := c.name()
	return name[:min(len(name), keptNameBytes)]
}

// sameName reports whether two names are the same, but for what a key has cut off.
func sameName(x, y string) bool {
	return x == y || min(len(x), len(y)) >= keptNameBytes && (strings.HasPrefix(x, y) || strings.HasPrefix(y, x))
}

// sameKey reports whether two listings are of one key, which is no backup of
// itself: no credential is on two keys.
func sameKey(a, b *passkeyListing) bool {
	if a.Key.DeviceIdentifier != "" && a.Key.DeviceIdentifier == b.Key.DeviceIdentifier {
		return true
	}
	on := make(map[string]bool)
	for p := range a.all() {
		on[p.CredentialID] = true
	}
	for p := range b.all() {
		if on[p.CredentialID] {
			return true
		}
	}
	return false
}

// afterLoss says for each account what to do when a key, "A" or "B", is lost.
func afterLoss(all []comparedAccount, lost string) {
	for i := range all {
		c := &all[i]
		onLost := c.A
		if lost == "B" {
			onLost = c.B
		}
		switch {
		case c.onBoth():
			c.ToDo = toDoRemove
		case len(onLost) > 0:
			c.ToDo = toDoRecover
		default:
			c.ToDo = toDoNothing
		}
	}
}
