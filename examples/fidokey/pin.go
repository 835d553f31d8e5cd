package main

import (
	"context"
	"errors"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/spf13/cobra"
)

func (a *app) pinCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "pin",
		Short: "Set, change and check the key's PIN, and the rules for it",
		Long: `Set, change and check the key's PIN, and the rules for it.

A PIN is never given on the command line, where other programs can read it and the
shell remembers it. It is asked for; with --pin-stdin it is a line of standard input:
pin set reads the new PIN, and pin change the present one and then the new one.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return badUse("there is no such command, fidokey pin --help shows those that there are; a PIN is never given on the command line")
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if strings.HasPrefix(err.Error(), "unknown") { // whose text may have a PIN in it
			err = errors.New("there is no such flag; a PIN is never given on the command line")
		}
		return c.Root().FlagErrorFunc()(c, err)
	})
	c.AddCommand(a.pinSetCommand(), a.pinChangeCommand(), a.pinVerifyCommand(), a.pinRetriesCommand(),
		a.pinForceChangeCommand(), a.pinMinLengthCommand())
	return c
}

// noPINs refuses all arguments and does not repeat them.
func noPINs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return badUse("a PIN is never given on the command line, where others can read it: " +
			"enter it when you are asked, or give it with --pin-stdin; if this was your PIN, change it")
	}
	return nil
}

// pinInfo asks the key about itself, and says so if it can't have a PIN.
func (a *app) pinInfo(ctx context.Context, key *fido.Key) (*ctap2.GetInfoResponse, error) {
	info, err := key.GetInfo(ctx)
	if err != nil {
		return nil, err
	}
	return info, noPIN(key, info)
}

// noPIN says why a key can't have a PIN; nil if it can.
func noPIN(key *fido.Key, info *ctap2.GetInfoResponse) error {
	if key.U2F() {
		return cant("this key speaks U2F alone, which knows no PIN: it registers and logs in without")
	}
	if _, ok := info.Options[ctap2.OptionClientPIN]; ok {
		return nil
	}
	if _, ok := info.Options[ctap2.OptionUV]; ok {
		return cant("this key can't have a PIN from here: it verifies its user itself, in the way its maker describes")
	}
	return cant("this key can't have a PIN")
}

// refusedPIN is the error of a PIN that was not even asked for.
func refusedPIN(sub ctap2.ClientPINSubCommand, s ctap2.Status, left ctap2.PINRetries) error {
	return &ctap2.PINError{SubCommand: sub, Status: s, Retries: int(min(left.Retries, 255)), PowerCycleNeeded: left.PowerCycleNeeded}
}

// pinTries asks how many tries are left, and says so if the key takes no PIN.
func pinTries(ctx context.Context, key *fido.Key, sub ctap2.ClientPINSubCommand) (ctap2.PINRetries, error) {
	left, err := key.PINRetries(ctx)
	switch {
	case err != nil:
		return left, err
	case left.Retries == 0:
		return left, refusedPIN(sub, ctap2.StatusPINBlocked, left)
	case left.PowerCycleNeeded:
		return left, refusedPIN(sub, ctap2.StatusPINAuthBlocked, left)
	}
	return left, nil
}
