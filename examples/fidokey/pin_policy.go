package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/spf13/cobra"
)

func (a *app) pinForceChangeCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "force-change",
		Short: "Have the key demand a new PIN",
		Long: `Have the key demand a new PIN: until it is changed, the key takes the present one
for nothing but that. It is for keys that are handed out with a PIN that somebody else
has chosen.`,
		Args: noPINs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error { return a.pinForceChange(ctx, key, yes) })
		},
	}
	yesFlag(c, &yes)
	return c
}

func (a *app) pinForceChange(ctx context.Context, key *fido.Key, yes bool) error {
	info, err := a.pinPolicyInfo(ctx, key)
	if err != nil {
		return err
	}
	if set, ok := info.Options[ctap2.OptionClientPIN]; ok && !set {
		return &ctap2.PINError{Status: ctap2.StatusPINNotSet, Retries: -1}
	}
	if info.ForcePINChange {
		return a.pinDone(ctx, key, pinMustChange, "The key demands a new PIN already: nothing was changed. fidokey pin change changes it.")
	}
	err = a.agree(ctx, yes, "Have the key demand a new PIN?",
		"The key will take its present PIN for nothing but to change it, until that is done with fidokey pin change.")
	if err != nil {
		return err
	}
	if err := a.setMinPINLength(ctx, key, &ctap2.SetMinPINLengthParams{ForceChangePin: true}); err != nil {
		return err
	}
	if info, err = key.GetInfo(ctx); err != nil {
		return err
	}
	if !info.ForcePINChange {
		return nonsense("the key has agreed, and yet does not say that it demands a new PIN")
	}
	return a.pinDone(ctx, key, pinMustChange, "The key demands a new PIN: fidokey pin change changes it.")
}

// minLength is what pin min-length shall change.
type minLength struct {
	newMinPINLength uint // 0: nothing
	rpIDs           []string
	complexity      bool
	yes             bool
}

func (a *app) pinMinLengthCommand() *cobra.Command {
	var m minLength
	c := &cobra.Command{
		Use:   "min-length [N]",
		Short: "Show or raise the least length of a PIN",
		Long: `Show the least length of a PIN, or raise it to N characters. It can be raised and
never lowered, but by a reset, which erases everything on the key. A present PIN that
is shorter has to be changed before the key takes it for anything else.

--rp names a site, such as example.com, that may ask the key for the least length;
with several, the flag is repeated. They take the place of those that could before.
--complexity has the key apply its maker's policy to new PINs, until a reset.`,
		Args: m.parse,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error { return a.pinMinLength(ctx, key, &m) })
		},
	}
	c.Flags().StringArrayVar(&m.rpIDs, "rp", nil, "a site that may know the least length, by its `RPID`, such as example.com")
	c.Flags().BoolVar(&m.complexity, "complexity", false, "apply the key's own policy to new PINs")
	yesFlag(c, &m.yes)
	return c
}

// parse takes the arguments, and does not repeat them: one may be a PIN.
func (m *minLength) parse(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return badUse("pin min-length takes one number")
	}
	if len(args) == 1 {
		n, err := strconv.ParseUint(args[0], 10, 8)
		if err != nil || n < pinuv.MinPINCodePoints || n > pinuv.MaxPINBytes {
			return badUse("the least length of a PIN is a number of characters from %d to %d", pinuv.MinPINCodePoints, pinuv.MaxPINBytes)
		}
		m.newMinPINLength = uint(n)
	}
	for _, id := range m.rpIDs {
		if id == "" || strings.ContainsAny(id, "/:@ ") {
			return badUse("--rp %q is not the ID of a site, such as example.com", id)
		}
	}
	return nil
}

func (a *app) pinMinLength(ctx context.Context, key *fido.Key, m *minLength) error {
	if m.newMinPINLength == 0 && m.rpIDs == nil && !m.complexity {
		info, err := key.GetInfo(ctx)
		if err != nil {
			return err
		}
		if err := noPIN(key, info); err != nil && info.MinPINLength == 0 {
			return err
		}
		least, most := info.PINLengths()
		return a.pinDone(ctx, key, pinWordOf(info), fmt.Sprintf("A new PIN has at least %d characters and at most %d.", least, most))
	}
	info, err := a.pinPolicyInfo(ctx, key)
	if err != nil {
		return err
	}
	consequence, err := m.consequence(info)
	if err != nil {
		return err
	}
	if len(consequence) == 0 {
		return a.pinDone(ctx, key, pinWordOf(info), "That is so already: nothing was changed.")
	}
	if err := a.agree(ctx, m.yes, "Change the rules for PINs?", consequence...); err != nil {
		return err
	}
	err = a.setMinPINLength(ctx, key, &ctap2.SetMinPINLengthParams{
		NewMinPINLength: m.newMinPINLength, MinPinLengthRPIDs: m.rpIDs, PinComplexityPolicy: m.complexity,
	})
	if err != nil {
		return err
	}
	if info, err = key.GetInfo(ctx); err != nil {
		return err
	}
	text, err := m.done(info)
	if err != nil {
		return err
	}
	return a.pinDone(ctx, key, pinWordOf(info), text)
}

// consequence says what the change will mean, none if nothing is to be changed.
func (m *minLength) consequence(info *ctap2.GetInfoResponse) (lines []string, err error) {
	least, most := info.PINLengths()
	policy, limit := info.PinComplexityPolicy, info.MaxRPIDsForSetMinPINLength
	switch {
	case m.newMinPINLength != 0 && m.newMinPINLength < least:
		return nil, cant("the least length is %d characters and can only be raised: only a reset lowers it, and it erases everything on the key", least)
	case m.newMinPINLength > most:
		return nil, cant("this key takes no PIN of more than %d characters", most)
	case m.complexity && policy == nil:
		return nil, cant("this key has no policy for PINs but their length")
	case m.rpIDs != nil && (limit != nil && *limit == 0 || !slices.Contains(info.Extensions, ctap2.ExtensionMinPINLength) && !slices.Contains(info.Extensions, ctap2.ExtensionPINComplexityPolicy)):
		return nil, cant("this key does not tell sites what it demands of PINs")
	case limit != nil && uint(len(m.rpIDs)) > *limit:
		return nil, cant("this key can tell the least length to %d sites and no more", *limit)
	}
	if m.newMinPINLength > least {
		lines = append(lines, fmt.Sprintf("A new PIN will have %d characters or more; so far it is %d. It can only be raised: a reset alone lowers it, and erases everything on the key.", m.newMinPINLength, least))
		if info.Options[ctap2.OptionClientPIN] {
			lines = append(lines, "If the present PIN is shorter, the key will take it for nothing but to change it.")
		}
	}
	if m.complexity && !*policy {
		rules := pinRulesOf(&ctap2.GetInfoResponse{PinComplexityPolicy: new(true), PinComplexityPolicyURL: info.PinComplexityPolicyURL})
		lines = append(lines, rules.policy()+". It will apply to new PINs, and only a reset takes that back.")
	}
	if m.rpIDs != nil {
		lines = append(lines, fmt.Sprintf("These sites, and none that could so far, may learn the least length: %s.", hid.Text(strings.Join(m.rpIDs, ", "))))
	}
	return lines, nil
}

// done says what the key says now.
func (m *minLength) done(info *ctap2.GetInfoResponse) (string, error) {
	least, _ := info.PINLengths()
	switch {
	case m.newMinPINLength != 0 && least != m.newMinPINLength:
		return "", nonsense("the key has agreed, and yet says that a PIN has at least %d characters", least)
	case m.complexity && (info.PinComplexityPolicy == nil || !*info.PinComplexityPolicy):
		return "", nonsense("the key has agreed, and yet says that its policy for PINs is not in force")
	}
	text := fmt.Sprintf("A new PIN has at least %d characters now.", least)
	if m.complexity {
		text += " The key's policy for PINs is in force."
	}
	if m.rpIDs != nil {
		text += " The key has taken the list of sites, but does not show it."
	}
	if info.ForcePINChange {
		text += " The key demands a new PIN: fidokey pin change changes it."
	}
	return text, nil
}

// pinPolicyInfo asks the key about itself, and says so if its rules for PINs are
// fixed. A PIN that is entered on the key itself can have rules, too.
func (a *app) pinPolicyInfo(ctx context.Context, key *fido.Key) (*ctap2.GetInfoResponse, error) {
	info, err := key.GetInfo(ctx)
	if err != nil {
		return nil, err
	}
	if !minPINLengthSettable(info) {
		return nil, cmp.Or(noPIN(key, info), cant("the rules of this key for PINs are fixed"))
	}
	return info, settable(info)
}

// setMinPINLength changes the rules for PINs, with the user's proof if the key
// wants one.
func (a *app) setMinPINLength(ctx context.Context, key *fido.Key, p *ctap2.SetMinPINLengthParams) error {
	token, err := a.configToken(ctx, key)
	if err != nil {
		return err
	}
	if token != nil {
		defer token.Wipe()
	}
	err = key.SetMinPINLength(ctx, token, p)
	if errors.Is(err, ctap2.StatusKeyStoreFull) {
		err = because(err, "the key has no room for so many sites: name fewer")
	}
	return err
}

// minPINLengthSettable reports whether a key lets its rules for PINs be changed.
func minPINLengthSettable(info *ctap2.GetInfoResponse) bool {
	return info.Options[ctap2.OptionSetMinPINLength] && configures(info, ctap2.SetMinPINLength)
}
