package main

import (
	"context"
	"fmt"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/spf13/cobra"
)

// pinState is the JSON form of every pin command: how it stands with the PIN when
// the command is done.
type pinState struct {
	PIN        pinWord `json:"pin"`                  // unsupported, notSet, usable, mustChange, powerCycleNeeded or blocked
	PINRetries *uint   `json:"pinRetries,omitempty"` // wrong PINs left until only a reset helps; absent if no PIN is set
	UV         *bool   `json:"uv,omitempty"`         // the key verifies its user itself, such as by fingerprint: ready or not; absent if it can't
	UVRetries  *uint   `json:"uvRetries,omitempty"`  // tries left of that, until only the PIN helps

	MinPINLength        uint  `json:"minPINLength,omitempty"` // characters of a new PIN
	MaxPINLength        uint  `json:"maxPINLength,omitempty"`
	PinComplexityPolicy *bool `json:"pinComplexityPolicy,omitempty"` // the key has a policy for new PINs: in force or not

	uvName string // what the key calls for to verify its user, for people
}

// readPINState asks the key for all of it. It needs no PIN.
func readPINState(ctx context.Context, key *fido.Key) (*pinState, error) {
	info, err := key.GetInfo(ctx)
	if err != nil {
		return nil, err
	}
	s := &pinState{PIN: pinWordOf(info), PinComplexityPolicy: info.PinComplexityPolicy}
	set, ok := info.Options[ctap2.OptionClientPIN]
	if ok || info.MinPINLength > 0 { // one that is entered on the key itself has a length, too
		s.MinPINLength, s.MaxPINLength = info.PINLengths()
	}
	if set {
		left, err := key.PINRetries(ctx)
		if err != nil {
			return nil, err
		}
		s.PINRetries = &left.Retries
		switch {
		case left.Retries == 0:
			s.PIN = pinBlocked
		case left.PowerCycleNeeded:
			s.PIN = pinPowerCycle
		}
	}
	if ready, ok := info.Options[ctap2.OptionUV]; ok {
		s.UV, s.uvName = &ready, uvName(info)
		if left, err := key.UVRetries(ctx); err == nil && ready { // not all that have it can count
			s.UVRetries = &left
		}
	}
	return s, nil
}

// pinWordOf tells how it stands with the PIN as far as getInfo does, which does not
// know the tries.
func pinWordOf(info *ctap2.GetInfoResponse) pinWord {
	set, can := info.Options[ctap2.OptionClientPIN]
	switch {
	case !can:
		return pinUnsupported
	case !set:
		return pinNotSet
	case info.ForcePINChange:
		return pinMustChange
	}
	return pinUsable
}

func (a *app) pinRetriesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "retries",
		Short: "Tell how many tries of the PIN and the fingerprint are left",
		Long: `Tell how many tries of the PIN and the fingerprint are left, and whether the key
takes a PIN now. It needs no PIN and costs no try.`,
		Args: noPINs,
		RunE: func(c *cobra.Command, _ []string) error { return a.withKey(c.Context(), a.pinRetries) },
	}
}

func (a *app) pinRetries(ctx context.Context, key *fido.Key) error {
	s, err := readPINState(ctx, key)
	if err != nil {
		return err
	}
	if s.PIN == pinUnsupported && s.UV == nil {
		_, err := a.pinInfo(ctx, key)
		return err
	}
	return a.result(s, func() {
		fmt.Fprintf(a.folded(a.out), "PIN: %s\n", a.pinWords(s))
		if s.UV != nil {
			fmt.Fprintf(a.folded(a.out), "%s: %s\n", s.uvName, s.uvWords())
		}
	})
}

// uvName names the way in which a key verifies its user itself.
func uvName(info *ctap2.GetInfoResponse) string {
	if byFinger(info) {
		return "Fingerprint"
	}
	return "The key's own check of its user"
}

// uvWords tells how it stands with that.
func (s *pinState) uvWords() string {
	switch {
	case !*s.UV:
		return "not set up yet"
	case s.UVRetries == nil:
		return "set up; the key does not tell how many tries are left"
	case *s.UVRetries == 0:
		return "blocked until the PIN is entered; fidokey pin verify asks for it"
	}
	return tries(*s.UVRetries)
}

// pinWords tells how it stands with the PIN, and what to do.
func (a *app) pinWords(s *pinState) string {
	switch s.PIN {
	case pinUnsupported:
		return "this key can't have one"
	case pinNotSet:
		return "none is set; fidokey pin set sets one"
	case pinBlocked:
		return "blocked; only a reset helps, and it erases everything on the key: fidokey reset"
	case pinPowerCycle:
		return tries(*s.PINRetries) + ", but not now: " + a.powerCycle()
	case pinMustChange:
		return tries(*s.PINRetries) + "; it has to be changed before the key takes it for anything else: fidokey pin change"
	}
	return tries(*s.PINRetries)
}

func (a *app) pinVerifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify",
		Short: "Try the PIN, and change nothing",
		Long: `Try the PIN, and change nothing. A wrong one costs a try, and the right one gives
all tries back. With --pin-stdin the PIN is the first line of standard input.`,
		Args: noPINs,
		RunE: func(c *cobra.Command, _ []string) error { return a.withKey(c.Context(), a.pinVerify) },
	}
	a.asTypedFlag(c)
	return c
}

func (a *app) pinVerify(ctx context.Context, key *fido.Key) error {
	info, err := a.pinInfo(ctx, key)
	if err != nil {
		return err
	}
	if info.ForcePINChange {
		return &ctap2.PINError{Status: ctap2.StatusPINPolicyViolation, Retries: -1}
	}
	permissions, rpID := leastPower(info)
	if permissions == 0 {
		return cant("this key gives nothing for its PIN that it could be tried with")
	}
	token, err := key.Token(ctx, permissions, rpID, ctap2.TokenPrompt{
		PIN: a.askPIN,
		UV:  func(context.Context, uint, error) error { return ctap2.ErrUsePIN },
	})
	if err != nil {
		return err
	}
	token.Wipe()
	return a.pinDone(ctx, key, pinUsable, "The PIN is right.")
}

// leastPower returns the permission of the token that proves the PIN: one to log
// in at a site that there can't be, or the least of what else the key gives.
func leastPower(info *ctap2.GetInfoResponse) (p ctap2.Permissions, rpID string) {
	given := info.PINPermissions()
	if given&ctap2.PermissionGA != 0 {
		return ctap2.PermissionGA, "fidokey.invalid"
	}
	for _, p := range []ctap2.Permissions{ctap2.PermissionLBW, ctap2.PermissionCM, ctap2.PermissionBE, ctap2.PermissionACFG} {
		if given&p != 0 {
			return p, ""
		}
	}
	return 0, ""
}
