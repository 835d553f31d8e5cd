package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/spf13/cobra"
)

func (a *app) pinSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set",
		Short: "Give a PIN to a key that has none",
		Long: `Give a PIN to a key that has none. The rules of the key are told first, and the
PIN is asked for twice. With --pin-stdin it is the first line of standard input.`,
		Args: noPINs,
		RunE: func(c *cobra.Command, _ []string) error { return a.withKey(c.Context(), a.pinSet) },
	}
}

func (a *app) pinSet(ctx context.Context, key *fido.Key) error {
	info, err := a.pinInfo(ctx, key)
	if err != nil {
		return err
	}
	if info.Options[ctap2.OptionClientPIN] {
		if _, err := pinTries(ctx, key, ctap2.SetPIN); err != nil { // blocked: it can't be changed either
			return err
		}
		return &ctap2.PINError{SubCommand: ctap2.SetPIN, Status: ctap2.StatusNotAllowed, Retries: -1}
	}
	rules := pinRulesOf(info)
	rules.first = true
	if left, err := key.PINRetries(ctx); err == nil && left.Retries > 0 && left.Retries <= rules.tries { // all, as none has been wrong
		rules.tries, rules.fewer = left.Retries, false
	}
	a.explainRules(rules)
	for {
		pin, err := a.newPIN(ctx, rules, nil)
		if err != nil {
			return err
		}
		err = rules.refused(key.SetPIN(ctx, pin))
		clear(pin)
		if err == nil {
			info, err := key.GetInfo(ctx)
			if err != nil { // that is for pinDone to say: the PIN is set
				return a.pinDone(ctx, key, pinUsable, "The PIN is set.")
			}
			if !info.Options[ctap2.OptionClientPIN] {
				return nonsense("the key has taken the PIN, and yet says that none is set")
			}
			if enrolled, ok := info.Options[ctap2.OptionBioEnroll]; ok && !enrolled {
				defer a.hint("The key has a fingerprint sensor, too: fidokey fingerprints add has it learn a finger.")
			}
			return a.pinDone(ctx, key, pinUsable, "The PIN is set.")
		}
		if !a.chooseAgain(ctx, err) {
			return err
		}
	}
}

func (a *app) pinChangeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "change",
		Short: "Replace the key's PIN by another",
		Long: `Replace the key's PIN by another. The rules of the key are told first; the present
PIN is asked for, and the new one twice. With --pin-stdin the present PIN is the first
line of standard input and the new one the second.`,
		Args: noPINs,
		RunE: func(c *cobra.Command, _ []string) error { return a.withKey(c.Context(), a.pinChange) },
	}
	a.asTypedFlag(c)
	return c
}

// asTypedFlag adds the flag for PINs that other software has set.
func (a *app) asTypedFlag(c *cobra.Command) {
	c.Flags().BoolVar(&a.pinAsTyped, "as-typed", false,
		"send the present PIN in the Unicode form in which it is typed, for one that other software has set so")
}

func (a *app) pinChange(ctx context.Context, key *fido.Key) error {
	info, err := a.pinInfo(ctx, key)
	if err != nil {
		return err
	}
	if !info.Options[ctap2.OptionClientPIN] {
		return &ctap2.PINError{SubCommand: ctap2.ChangePIN, Status: ctap2.StatusPINNotSet, Retries: -1}
	}
	left, err := pinTries(ctx, key, ctap2.ChangePIN)
	if err != nil {
		return err
	}
	if info.ForcePINChange {
		a.hint("The key wants a new PIN before it takes one for anything else.")
	}
	rules := pinRulesOf(info)
	if left.Retries == rules.tries {
		rules.fewer = false
	}
	a.explainRules(rules)
	var present, pin []byte
	defer func() { clear(present); clear(pin) }()
	for {
		if present == nil {
			if present, err = a.readPIN(ctx, fmt.Sprintf("Present PIN of the key (%s): ", tries(left.Retries))); err != nil {
				return err
			}
		}
		if pin == nil {
			if pin, err = a.newPIN(ctx, rules, present); err != nil {
				return secondLine(err, a.pinStdin)
			}
		}
		err := rules.refused(key.ChangePIN(ctx, present, pin))
		e, _ := errors.AsType[*ctap2.PINError](err)
		switch {
		case err == nil:
			return a.pinDone(ctx, key, pinUsable, "The PIN is changed.")
		case asAny[*pinuv.PINError](err) && isTerminal(a.in): // of the present one: the new one was checked
			a.notThePIN(ctx, err)
			clear(present)
			present = nil
		case e != nil && e.Status == ctap2.StatusPINInvalid && e.Retries > 0 && !e.PowerCycleNeeded && isTerminal(a.in):
			a.notThePIN(ctx, err)
			left.Retries = uint(e.Retries)
			clear(present)
			present = nil
		case a.chooseAgain(ctx, err):
			clear(pin)
			pin = nil
		default:
			return err
		}
	}
}

// secondLine says what a script has left out.
func secondLine(err error, pinStdin bool) error {
	if pinStdin && errors.Is(err, errNeedPIN) {
		return because(errNeedPIN, "standard input has no second line: the present PIN comes first and the new one after it, each on a line")
	}
	return err
}

// pinDone tells that a command has done its work: in words, or how it stands with
// the PIN now. That is word and no more if the key does not answer any longer.
func (a *app) pinDone(ctx context.Context, key *fido.Key, word pinWord, text string) error {
	if !a.json {
		a.tell("%s", a.fill(text))
		return nil
	}
	s, err := readPINState(ctx, key)
	if err != nil {
		a.hint("%s The key does not answer now (%s).", text, oneLine(err))
		s = &pinState{PIN: word}
	}
	return a.printJSON(s)
}
