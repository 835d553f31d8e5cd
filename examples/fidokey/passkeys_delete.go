package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/spf13/cobra"
)

func (a *app) passkeysDeleteCommand() *cobra.Command {
	var d passkeyDeletion
	c := &cobra.Command{
		Use:   "delete ID... | --site RPID",
		Short: "Delete passkeys",
		Long: `Delete passkeys from the key, together with what is stored with them (large blobs).
It can't be undone, and whoever has no other way to log in there is locked out, so
fidokey names each and asks first.

The site is not told: it goes on listing the passkey until it is removed there, too.`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case c.Flags().Changed("site") && len(args) > 0:
				return badUse("either IDs or --site say what to delete, not both")
			case c.Flags().Changed("site") && d.site == "":
				return badUse("--site names no site")
			case !c.Flags().Changed("site") && len(args) == 0:
				return badUse("what shall be deleted? Give the IDs that fidokey passkeys list shows, or --site")
			}
			return checkPasskeyIDs(args)
		},
		RunE: func(c *cobra.Command, args []string) error { return a.passkeysDelete(c.Context(), d, args) },
	}
	c.Flags().StringVar(&d.site, "site", "", "delete all passkeys for the site with this `RPID`, such as example.com")
	yesFlag(c, &d.yes)
	dryRunFlag(c, &d.dryRun, "deleted", "delete")
	return c
}

// passkeyDeletion is what the flags of passkeys delete say.
type passkeyDeletion struct {
	site        string
	yes, dryRun bool
}

// deletedPasskeys is the JSON form of what passkeys delete did. It is printed even
// if not all could be deleted.
type deletedPasskeys struct {
	DryRun   bool             `json:"dryRun"`
	Passkeys []deletedPasskey `json:"passkeys"`
}

// deletedPasskey is the JSON form of one that was to be deleted.
type deletedPasskey struct {
	passkeys.Entry
	Deleted          bool `json:"deleted"`
	LargeBlobDeleted bool `json:"largeBlobDeleted"` // there was one
}

func (a *app) passkeysDelete(ctx context.Context, d passkeyDeletion, args []string) error {
	permissions := toDelete
	if d.dryRun {
		permissions = toRead
	} else if err := a.canConfirm(d.yes); err != nil {
		return err // before the user is asked for the PIN in vain
	}
	return a.withPasskeys(ctx, permissions, func(m *passkeyManager) error {
		l, err := m.read(ctx)
		if err != nil {
			return err
		}
		defer l.WipeLargeBlobKeys()
		chosen, err := d.choose(l, args)
		if err != nil {
			return err
		}
		r := deletedPasskeys{DryRun: d.dryRun, Passkeys: make([]deletedPasskey, len(chosen))}
		for i := range chosen {
			r.Passkeys[i].Entry = chosen[i]
		}
		if d.dryRun {
			return a.result(r, func() {
				fmt.Fprintf(a.folded(a.out), "%s would be deleted:\n%s", plural(len(chosen), "passkey"), namesOf(chosen))
			})
		}
		if err := m.confirmDeletion(ctx, d.yes, chosen); err != nil {
			return err
		}
		err = m.deleteAll(ctx, r.Passkeys)
		if a.json {
			err = errors.Join(err, a.printJSON(r))
		}
		return err
	})
}

// choose returns the passkeys to delete.
func (d *passkeyDeletion) choose(l *passkeys.Listing, args []string) ([]passkeys.Entry, error) {
	if d.site == "" {
		return l.Find(args)
	}
	chosen := l.At(d.site)
	if len(chosen) == 0 {
		return nil, fmt.Errorf("there is no passkey for the site %s on the key: fidokey passkeys list shows the sites", hid.Text(d.site))
	}
	return chosen, nil
}

// namesOf names passkeys to a person, one a line.
func namesOf(chosen []passkeys.Entry) string {
	var t layout.Table
	for _, p := range chosen {
		blob := ""
		if p.LargeBlobKey {
			blob = "with what may be stored in its large blob"
		}
		t.Add(p.ID, p.Words(), blob)
	}
	return "  " + strings.Join(t.Lines(), "\n  ") + "\n"
}

func (m *passkeyManager) confirmDeletion(ctx context.Context, yes bool, chosen []passkeys.Entry) error {
	question := "Delete it for good?"
	if len(chosen) > 1 {
		question = fmt.Sprintf("Delete these %d for good?", len(chosen))
	}
	if !yes {
		fmt.Fprintf(m.folded(m.err), "This deletes from %s:\n%sNobody can log in with %s then: make sure that you have another way into %s.\n", m.theKey(),
			namesOf(chosen), pick(len(chosen), "it", "them"), pick(len(chosen), "the account", "each account"))
	}
	return m.confirm(ctx, yes, "%s", question)
}

// deleteAll deletes one after the other, until one can't be deleted.
func (m *passkeyManager) deleteAll(ctx context.Context, all []deletedPasskey) error {
	for i := range all {
		p := &all[i]
		if err := m.delete(ctx, p); err != nil {
			return fmt.Errorf("%d of %d deleted; not deleted was %s: %w", i, len(all), p.Words(), err)
		}
		m.tell("Deleted %s.", p.Words())
	}
	sites := make(map[string]bool)
	for _, p := range all {
		sites[p.Site.RPIDHash] = true
	}
	m.hint("%s still %s %s, and may go on asking for %s: remove %s there, too, in the security settings.",
		pick(len(sites), "The site", "The sites"), pick(len(sites), "lists", "list"), pick(len(all), "the passkey", "the passkeys"),
		pick(len(all), "it", "them"), pick(len(all), "it", "them"))
	return nil
}

// delete deletes what is stored with a passkey and then the passkey: in this
// order a deletion that was interrupted can be done again. Nobody can read a blob
// whose passkey is gone, but it would take the room of others.
func (m *passkeyManager) delete(ctx context.Context, p *deletedPasskey) error {
	if p.LargeBlobKey && m.permissions&ctap2.PermissionLBW != 0 {
		err := m.authorized(ctx, func(token *pinuv.Token) error {
			return m.key.DeleteLargeBlob(ctx, token, p.OnKey.LargeBlobKey)
		})
		damaged := asAny[*ctap2.LargeBlobArrayError](err)
		switch {
		case err == nil:
			p.LargeBlobDeleted = true
		case damaged:
			m.hint("The large blobs on the key are damaged and are left as they are.")
		case !errors.Is(err, ctap2.ErrNoLargeBlob):
			return err
		}
	}
	err := m.authorized(ctx, func(token *pinuv.Token) error { return m.key.DeleteCredential(ctx, token, p.OnKey.ID) })
	p.Deleted = err == nil
	return err
}
