package main

import (
	"bytes"
	"context"
	"unicode/utf8"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/spf13/cobra"
)

// maxName is how many bytes of a name every key keeps (CTAP 2.3 section 6.1.2).
const maxName = 64

func (a *app) passkeysEditCommand() *cobra.Command {
	var name, display string
	c := &cobra.Command{
		Use:   "edit ID [--name NAME] [--display-name NAME]",
		Short: "Change the names of a passkey's account on the key",
		Long: `Change the names that the key keeps of a passkey's account, which are shown where
one of several accounts is to be chosen. The site is not told: the account keeps its
name there. A name that is not given stays as it is, and "" takes it away.

A name has at most 64 bytes, which every key has room for: 64 of the letters a to z,
32 with accents, 16 emojis.`,
		Args: oneID,
		RunE: func(c *cobra.Command, args []string) error {
			e := make(passkeyNames)
			for flag, value := range map[string]string{"name": name, "display-name": display} {
				if c.Flags().Changed(flag) {
					e[flag] = value
				}
			}
			if err := e.check(); err != nil {
				return err
			}
			return a.passkeysEdit(c.Context(), e, args)
		},
	}
	c.Flags().StringVar(&name, "name", "", "the user's `NAME`, such as ada@example.com")
	c.Flags().StringVar(&display, "display-name", "", "the `NAME` to show, such as Ada Lovelace")
	return c
}

// passkeyNames are the new names, by flag.
type passkeyNames map[string]string

func (e passkeyNames) check() error {
	if len(e) == 0 {
		return badUse("what shall be changed? Give --name, --display-name or both")
	}
	for flag, value := range e {
		switch {
		case !utf8.ValidString(value):
			return badUse("--%s is not text in UTF-8", flag)
		case len(value) > maxName:
			return badUse("--%s has %d bytes in UTF-8, and keys need not keep more than %d: letters with accents count 2, emojis 4", flag, len(value), maxName)
		}
	}
	return nil
}

// editedPasskey is the JSON form of what passkeys edit did.
type editedPasskey struct {
	passkeys.Entry               // with the names that the key has now
	Before         passkeys.User `json:"before"`
}

// toEdit are the permissions to change names, on a key that can.
func toEdit(info *ctap2.GetInfoResponse) (ctap2.Permissions, error) {
	if !info.Options[ctap2.OptionCredMgmt] {
		return 0, cant("this key can list and delete passkeys, but not change the names of their accounts")
	}
	return ctap2.PermissionCM, nil
}

func (a *app) passkeysEdit(ctx context.Context, names passkeyNames, args []string) error {
	return a.withPasskey(ctx, toEdit, args, func(m *passkeyManager, p passkeys.Entry) error {
		user := p.OnKey.User
		if value, ok := names["name"]; ok {
			user.Name = value
		}
		if value, ok := names["display-name"]; ok {
			user.DisplayName = value
		}
		if err := m.authorized(ctx, func(token *pinuv.Token) error {
			return m.key.UpdateUserInformation(ctx, token, p.OnKey.ID, user)
		}); err != nil {
			return err
		}
		edited := editedPasskey{p, p.User}
		// What the key has made of it, which may be less, is what counts.
		kept, err := m.user(ctx, p)
		if err != nil {
			return err
		}
		edited.User.Name, edited.User.DisplayName = kept.Name, kept.DisplayName
		if kept.Name != user.Name || kept.DisplayName != user.DisplayName {
			a.hint("The key does not keep the names as they were given.")
		}
		return a.result(edited, func() {
			a.tell("The account of passkey %s at %s is now %s; it was %s.", p.ID, p.Site.Words(), edited.User.Words(), edited.Before.Words())
		})
	})
}

// user reads what the key has of the account of a passkey now.
func (m *passkeyManager) user(ctx context.Context, p passkeys.Entry) (user ctap2.PublicKeyCredentialUserEntity, err error) {
	err = m.authorized(ctx, func(token *pinuv.Token) error {
		credentials, err := m.key.Credentials(ctx, token, p.OnKey.RPIDHash)
		if err != nil {
			return err
		}
		for _, c := range credentials {
			if bytes.Equal(c.ID.ID, p.OnKey.ID.ID) {
				user = c.User
				return nil
			}
		}
		return nonsense("the key does not list the passkey any more")
	})
	return user, err
}
