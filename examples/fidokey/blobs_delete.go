package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/spf13/cobra"
)

func (a *app) blobsDeleteCommand() *cobra.Command {
	var d blobDeletion
	c := &cobra.Command{
		Use:   "delete ID... | --all",
		Short: "Delete the data of passkeys",
		Long: `Delete the data of passkeys; the passkeys stay. With --all everything goes, what
belongs to no passkey on the key included. That is also what helps when the storage is
damaged.`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case d.all && len(args) > 0:
				return badUse("either IDs or --all say what to delete, not both")
			case !d.all && len(args) == 0:
				return badUse("what shall be deleted? Give the IDs that fidokey blobs list shows, or --all")
			}
			return checkPasskeyIDs(args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.canConfirm(d.yes || d.dryRun); err != nil {
				return err // before the user is asked for the PIN in vain
			}
			return a.withBlobs(c, !d.dryRun, func(ctx context.Context, b *blobStore) error {
				if d.all {
					return b.deleteAllBlobs(ctx, d)
				}
				return b.deleteFor(ctx, args, d)
			})
		},
	}
	c.Flags().BoolVar(&d.all, "all", false, "delete the data of all passkeys, and what belongs to none")
	yesFlag(c, &d.yes)
	dryRunFlag(c, &d.dryRun, "deleted", "delete")
	return c
}

// blobDeletion is what the flags of blobs delete say.
type blobDeletion struct{ all, yes, dryRun bool }

// deletedBlobs is the JSON form of what was deleted.
type deletedBlobs struct {
	DryRun   bool        `json:"dryRun"`
	Passkeys []blobOwner `json:"passkeys"` // whose data is deleted; empty with --all
	All      bool        `json:"all"`
}

func (b *blobStore) deleteFor(ctx context.Context, ids []string, d blobDeletion) error {
	found, forget, err := b.passkeys(ctx, ids)
	if err != nil {
		return err
	}
	defer forget()
	if !b.withPasskey {
		// Nothing is deleted if one of them has nothing.
		array, err := b.array(ctx)
		if err != nil {
			return err
		}
		for i := range found {
			if err := hasEntry(array, &found[i]); err != nil {
				return err
			}
		}
	}
	r := deletedBlobs{DryRun: d.dryRun, Passkeys: []blobOwner{}}
	names := make([]string, len(found))
	for i := range found {
		r.Passkeys = append(r.Passkeys, ownerOf(&found[i]))
		names[i] = found[i].Words()
	}
	what := "the data of " + strings.Join(names, ", ")
	if d.dryRun {
		return b.result(r, func() { b.tell("Would delete %s.", what) })
	}
	if err := b.confirm(ctx, d.yes, "Delete %s? The %s.", what, pick(len(found), "passkey stays", "passkeys stay")); err != nil {
		return err
	}
	for i := range found {
		if err := b.delete(ctx, &found[i]); err != nil {
			if i > 0 {
				b.hint("Deleted the data of %s, and not of the others.", strings.Join(names[:i], ", "))
			}
			return err
		}
	}
	if b.withPasskey {
		b.hint("This key can't delete data alone: it was replaced by empty data.")
	}
	return b.result(r, func() { b.tell("Deleted %s.", what) })
}

// hasEntry returns an error if the passkey has no data, readable or not.
func hasEntry(array ctap2.LargeBlobArray, p *passkeys.Entry) error {
	_, n, err := array.Delete(p.OnKey.LargeBlobKey)
	if err == nil && n == 0 {
		err = noData(p)
	}
	return err
}

// delete deletes the data of a passkey.
func (b *blobStore) delete(ctx context.Context, p *passkeys.Entry) error {
	if b.withPasskey {
		return b.emptyWithPasskey(ctx, p)
	}
	return damagedAdvice(b.authorized(ctx, func(token *pinuv.Token) error {
		return b.key.DeleteLargeBlob(ctx, token, p.OnKey.LargeBlobKey)
	}))
}

// deleteAllBlobs empties the storage, whatever is in it.
func (b *blobStore) deleteAllBlobs(ctx context.Context, d blobDeletion) error {
	if b.withPasskey {
		return cant("this key keeps the data of each passkey by itself: give the IDs, or delete the passkeys")
	}
	array, err := b.key.ReadLargeBlobs(ctx)
	damaged := asAny[*ctap2.LargeBlobArrayError](err)
	if err != nil && !damaged {
		return err
	}
	what := "all data: " + pick(len(array), "1 entry", fmt.Sprintf("%d entries", len(array)))
	if damaged {
		what = "all data, which is damaged"
	}
	r := deletedBlobs{DryRun: d.dryRun, Passkeys: []blobOwner{}, All: true}
	if d.dryRun {
		return b.result(r, func() { b.tell("Would delete %s.", what) })
	}
	if err := b.confirm(ctx, d.yes, "Delete %s? It can't be brought back; the passkeys stay.", what); err != nil {
		return err
	}
	empty := func(token *pinuv.Token) error { return b.key.WriteLargeBlobs(ctx, token, nil) }
	if b.info.Options[ctap2.OptionClientPIN] || b.info.Options[ctap2.OptionUV] {
		b.permissions = ctap2.PermissionLBW
		err = b.authorized(ctx, empty)
	} else { // anybody may
		err = empty(nil)
	}
	if err != nil {
		return err
	}
	return b.result(r, func() { b.tell("Deleted %s. %s", what, b.room(nil).words()) })
}
