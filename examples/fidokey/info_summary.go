package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
)

// summary says what the owner can do with the key now, and what to do next. It asks
// the key how many tries are left, which costs none.
func (a *app) summary(ctx context.Context, key *fido.Key, info *ctap2.GetInfoResponse) (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if key.U2F() {
		say("This key speaks U2F alone, in which a key says no more of itself. It registers and logs in with %s; it has no PIN and stores no passkeys.", a.gesture())
		return lines
	}
	o := info.Options
	switch left := info.RemainingDiscoverableCredentials; {
	case !o[ctap2.OptionRK]:
		say("It serves as a second factor. It stores no passkeys.")
	case left != nil && *left == 0:
		say("It serves as a second factor and stores passkeys, for which it has no room left: fidokey passkeys delete makes some.")
	case left != nil:
		say("It serves as a second factor and stores passkeys: there is room for %s.", plural(int(*left), "more passkey"))
	default:
		say("It serves as a second factor and stores passkeys; how many more it does not tell.")
	}
	var state *pinState
	if err := a.timed(ctx, func(ctx context.Context) (err error) {
		state, err = readPINState(ctx, key)
		return err
	}); err == nil {
		say("PIN: %s.", a.pinWords(state))
		switch {
		case byFinger(info) && !*state.UV:
			say("Fingerprint: none is enrolled yet; fidokey fingerprints add enrols one.")
		case state.UV != nil:
			say("%s: %s.", state.uvName, state.uvWords())
		}
	}
	if o[ctap2.OptionAlwaysUv] {
		say("It wants its PIN or a fingerprint for every use: fidokey config always-uv.")
	}
	if over := info.TransportsForReset; len(over) > 0 && !slices.Contains(over, transportOf(key)) {
		say("It can be erased %s alone.", transportList(over))
	}
	return lines
}
