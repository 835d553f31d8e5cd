package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/spf13/cobra"
)

func (a *app) blobsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "blobs",
		Short: "Read and write the data that the key stores with passkeys",
		Long: `Read and write the data that the key stores with passkeys, such as a certificate for
ssh (large blobs). Who has the passkey has the data, too; keys have room for a few
thousand bytes altogether.

A passkey can have data if the site has asked for that when it was made. Its ID is the
one that fidokey passkeys list shows. What is not a passkey's on this key is counted
and left alone.`,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.blobsListCommand(), a.blobsGetCommand(), a.blobsSetCommand(), a.blobsDeleteCommand())
	return c
}

// blobStore is at work on the data of a key's passkeys.
type blobStore struct {
	*passkeyManager

	// withPasskey says that the key keeps the data of each passkey by itself, and
	// gives it for an assertion (CTAP 2.3 section 12.4); otherwise there is one
	// array for all, encrypted with a key for each (section 6.10).
	withPasskey bool
}

// withBlobs opens the key of --device for f, if it is one that stores data with
// passkeys.
func (a *app) withBlobs(c *cobra.Command, write bool, f func(context.Context, *blobStore) error) error {
	return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error {
		info, err := key.GetInfo(ctx)
		if err != nil {
			return err
		}
		b := &blobStore{passkeyManager: &passkeyManager{app: a, key: key, info: info, permissions: ctap2.PermissionCM}}
		switch {
		case info.Options[ctap2.OptionLargeBlobs]:
			if write {
				b.permissions |= ctap2.PermissionLBW
			}
		case slices.Contains(info.Extensions, ctap2.ExtensionLargeBlob):
			b.withPasskey = true
		default:
			return cant("this key stores no data with passkeys; one that does has the option largeBlobs, or the extension largeBlob, in fidokey info")
		}
		defer b.endToken()
		return f(ctx, b)
	})
}

// blobOwner is the JSON form of the passkey that data belongs to.
type blobOwner struct {
	ID           string            `json:"id"`           // short: for the arguments of other commands
	CredentialID string            `json:"credentialId"` // in base64url
	Site         passkeys.SiteName `json:"site"`
	User         passkeys.User     `json:"user"`
}

func ownerOf(p *passkeys.Entry) blobOwner { return blobOwner{p.ID, p.CredentialID, p.Site, p.User} }

// canHaveBlob reports whether a passkey can have data, as far as the key tells.
func (b *blobStore) canHaveBlob(p *passkeys.Entry) bool { return b.withPasskey || p.LargeBlobKey }

// readPasskeys lists the passkeys on the key, which tells their keys for the data, too.
func (b *blobStore) readPasskeys(ctx context.Context) (*passkeys.Listing, error) {
	if err := managesPasskeys(b.key.U2F(), b.info); err != nil {
		return nil, err
	}
	return b.read(ctx)
}

// passkeys reads the passkeys and finds those that ids name, which must be able to
// have data. Forget wipes the secrets among them.
func (b *blobStore) passkeys(ctx context.Context, ids []string) (found []passkeys.Entry, forget func(), err error) {
	l, err := b.readPasskeys(ctx)
	if err != nil {
		return nil, nil, err
	}
	if found, err = l.Find(ids); err != nil {
		l.WipeLargeBlobKeys()
		return nil, nil, err
	}
	for i := range found {
		if p := &found[i]; !b.canHaveBlob(p) {
			l.WipeLargeBlobKeys()
			return nil, nil, problem(exitFailed, "the passkey of %s can't have data: the site did not ask for that when it was made; "+
				"only a new passkey, for which it does, can", p.Words())
		}
	}
	return found, l.WipeLargeBlobKeys, nil
}

// array reads the data of all passkeys together.
func (b *blobStore) array(ctx context.Context) (ctap2.LargeBlobArray, error) {
	array, err := b.key.ReadLargeBlobs(ctx)
	return array, damagedAdvice(err)
}

// damagedAdvice says what to do if err is that the array is damaged.
func damagedAdvice(err error) error {
	if damaged, ok := errors.AsType[*ctap2.LargeBlobArrayError](err); ok {
		return because(nonsense("%w", err), "the data on the key (%d bytes) is damaged, and can't be read any more; it is left as it is. "+
			"fidokey blobs delete --all empties the storage, so that data can be stored again; passkeys are not affected", len(damaged.Raw))
	}
	return err
}

// blobRoom is the JSON form of the room for data, in bytes as stored.
type blobRoom struct {
	Capacity uint `json:"maxSerializedLargeBlobArray"` // 0 if the key does not tell
	Used     uint `json:"used"`
	Left     uint `json:"left"` // an entry takes some 40 bytes more than the compressed data
}

func (b *blobStore) room(array ctap2.LargeBlobArray) blobRoom {
	r := blobRoom{Capacity: b.info.MaxSerializedLargeBlobArray, Used: storedSize(array)}
	r.Left = r.Capacity - min(r.Used, r.Capacity)
	return r
}

func storedSize(array ctap2.LargeBlobArray) uint { return uint(len(array.Append(nil))) }

// words tell the room.
func (r blobRoom) words() string {
	if r.Capacity == 0 {
		return fmt.Sprintf("%s used; the key does not tell how many there are.", plural(int(r.Used), "byte"))
	}
	return fmt.Sprintf("%d of %d bytes used, %d left.", r.Used, r.Capacity, r.Left)
}
