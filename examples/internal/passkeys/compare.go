package passkeys

import (
	"cmp"
	"slices"
	"strings"
)

// An Account is the JSON form of an account that has a passkey on one of two
// keys, or both.
type Account struct {
	Site SiteName `json:"site"`
	User User     `json:"user"`
	A    []string `json:"a"` // the credential IDs of its passkeys on A, in base64url; several are rare
	B    []string `json:"b"`

	// MatchedBy says why the passkeys on A and on B are the same account's:
	// "userHandle" is certain; "name" means that the site has given them different
	// user handles, and that they have the same name.
	MatchedBy string `json:"matchedBy,omitempty"`

	// ToDo is what to do there now that a key is lost: "remove" the lost key with
	// the other one, "recover" the account by other means, or "nothing".
	ToDo string `json:"toDo,omitempty"`
}

// The values of MatchedBy and ToDo.
const (
	MatchedByHandle = "userHandle"
	MatchedByName   = "name"

	ToDoRemove  = "remove"
	ToDoRecover = "recover"
	ToDoNothing = "nothing"
)

// OnBoth reports whether it has a passkey on each.
func (c *Account) OnBoth() bool { return len(c.A) > 0 && len(c.B) > 0 }

// Compare says which accounts are on both keys, and which on one alone.
// What makes two passkeys the same account's is the site and the user handle,
// which a site keeps for an account; where there is none, the name.
func Compare(a, b *Listing) []Account {
	all := []Account{}
	seen := make(map[[2]string]int) // by site and user handle, in all
	add := func(p Entry, side func(*Account) *[]string) {
		account := [2]string{p.Site.RPIDHash, p.User.ID}
		at, ok := seen[account]
		if !ok || p.User.ID == "" {
			at = len(all)
			seen[account] = at
			all = append(all, Account{Site: p.Site, User: p.User, A: []string{}, B: []string{}})
		}
		c := &all[at]
		*side(c) = append(*side(c), p.CredentialID)
		// One key may have shortened what the other keeps.
		if !c.Site.Complete() {
			c.Site.RPID = longer(c.Site.RPID, p.Site.RPID)
			if p.Site.Complete() {
				c.Site.RPID = p.Site.RPID
			}
		}
		c.Site.Name = cmp.Or(c.Site.Name, p.Site.Name)
		c.User.Name, c.User.DisplayName = cmp.Or(c.User.Name, p.User.Name), cmp.Or(c.User.DisplayName, p.User.DisplayName)
		if c.OnBoth() {
			c.MatchedBy = MatchedByHandle
		}
	}
	for p := range a.All() {
		add(p, func(c *Account) *[]string { return &c.A })
	}
	for p := range b.All() {
		add(p, func(c *Account) *[]string { return &c.B })
	}
	all = matchNames(all)
	slices.SortStableFunc(all, func(x, y Account) int {
		return cmp.Or(strings.Compare(x.Site.RPID, y.Site.RPID), strings.Compare(x.Site.RPIDHash, y.Site.RPIDHash), strings.Compare(x.User.Name, y.User.Name))
	})
	return all
}

// longer returns the longer of two texts.
func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

// matchNames puts two accounts together that are on one key each, and have the
// same name at the same site, if no third one there has it: a site that gives each
// passkey another user handle still calls the account the same.
func matchNames(all []Account) []Account {
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
		if !x.OnBoth() && !y.OnBoth() && (len(x.A) > 0) != (len(y.A) > 0) && sameName(x.name(), y.name()) {
			x.A, x.B, x.MatchedBy = append(x.A, y.A...), append(x.B, y.B...), MatchedByName
			gone[group[1]] = true
		}
	}
	kept := []Account{}
	for i, c := range all {
		if !gone[i] {
			kept = append(kept, c)
		}
	}
	return kept
}

// name is what the account is called, but for upper and lower case.
func (c *Account) name() string {
	return strings.ToLower(cmp.Or(c.User.Name, c.User.DisplayName))
}

// keptNameBytes is how much of a name every key keeps (CTAP 2.3 section 6.1.2);
// a little less is left of one that was cut at the end of a character.
const keptNameBytes = 64 - 3

func (c *Account) nameKept() string {
	name := c.name()
	return name[:min(len(name), keptNameBytes)]
}

// sameName reports whether two names are the same, but for what a key has cut off.
func sameName(x, y string) bool {
	return x == y || min(len(x), len(y)) >= keptNameBytes && (strings.HasPrefix(x, y) || strings.HasPrefix(y, x))
}

// SameKey reports whether two listings are of one key, which is no backup of
// itself: no credential is on two keys.
func SameKey(a, b *Listing) bool {
	if a.Key.DeviceIdentifier != "" && a.Key.DeviceIdentifier == b.Key.DeviceIdentifier {
		return true
	}
	on := make(map[string]bool)
	for p := range a.All() {
		on[p.CredentialID] = true
	}
	for p := range b.All() {
		if on[p.CredentialID] {
			return true
		}
	}
	return false
}

// AfterLoss says for each account what to do when a key, "A" or "B", is lost.
func AfterLoss(all []Account, lost string) {
	for i := range all {
		c := &all[i]
		onLost := c.A
		if lost == "B" {
			onLost = c.B
		}
		switch {
		case c.OnBoth():
			c.ToDo = ToDoRemove
		case len(onLost) > 0:
			c.ToDo = ToDoRecover
		default:
			c.ToDo = ToDoNothing
		}
	}
}

// Split returns the accounts that are on A alone, on B alone and on both.
func Split(all []Account) (onA, onB, both []Account) {
	for _, c := range all {
		switch {
		case c.OnBoth():
			both = append(both, c)
		case len(c.A) > 0:
			onA = append(onA, c)
		default:
			onB = append(onB, c)
		}
	}
	return onA, onB, both
}
