package main

import (
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/gofido/fido/examples/internal/shortid"
	"github.com/spf13/cobra"
)

func (a *app) passkeysCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "passkeys",
		Short: "List, rename, delete and compare the passkeys on keys",
		Long: `List, rename, delete and compare the passkeys on keys.

A passkey is a login that the key keeps together with the name of the account
(a discoverable credential). What a site registers as a second factor alone leaves
nothing on the key: no program can list that, and only the sites know of it.

Every passkey has a short ID, which passkeys list shows and the other commands
take. It stays the same until another passkey is added whose ID begins alike. What
a script has from passkeys list --json, the whole credentialId, serves too; it may
begin with a dash, so that -- goes before it.

All of it needs the PIN of the key, or a fingerprint. To list and to show, fidokey
asks the key for a permission that can't change anything, if the key knows one.`,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.passkeysListCommand(), a.passkeysShowCommand(), a.passkeysDeleteCommand(), a.passkeysEditCommand(),
		a.passkeysExportCommand(), a.passkeysCompareCommand())
	return c
}

// oneID refuses arguments that are not the ID of one passkey.
func oneID(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return badUse("%s takes the ID of one passkey, but %d were given: fidokey passkeys list shows them", c.Name(), len(args))
	}
	return checkPasskeyIDs(args)
}

// checkPasskeyIDs finds out before anything is asked that an argument can't be
// the ID of a passkey.
func checkPasskeyIDs(args []string) error {
	for _, arg := range args {
		if !passkeys.IsID(arg) {
			return badUse("%q is not the ID of a passkey: fidokey passkeys list shows them, %d characters or more", arg, shortid.Least)
		}
	}
	return nil
}
