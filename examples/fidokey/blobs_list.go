package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/spf13/cobra"
)

func (a *app) blobsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the passkeys that can have data, with its size, and the room left",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withBlobs(c, false, func(ctx context.Context, b *blobStore) error { return b.list(ctx) })
		},
	}
}

// blobListing is the JSON form of the list.
type blobListing struct {
	Passkeys []listedBlob `json:"passkeys"` // those that can have data

	// Room and OtherEntries are null for a key that keeps data with each passkey.
	Room         *blobRoom `json:"room"`
	OtherEntries *int      `json:"otherEntries"` // those that no passkey on the key decrypts
}

// listedBlob is the JSON form of a passkey and its data.
type listedBlob struct {
	blobOwner
	Size    *int   `json:"size"`   // bytes of data; null: none, or not known without a touch
	Stored  *uint  `json:"stored"` // bytes that it takes on the key, compressed and encrypted; null likewise
	Problem string `json:"problem,omitempty"`
}

func (b *blobStore) list(ctx context.Context) error {
	all, err := b.readPasskeys(ctx)
	if err != nil {
		return err
	}
	defer all.WipeLargeBlobKeys()
	l := blobListing{Passkeys: []listedBlob{}}
	var array ctap2.LargeBlobArray
	if !b.withPasskey {
		if array, err = b.array(ctx); err != nil {
			return err
		}
		l.Room = new(b.room(array))
	}
	without := 0
	for p := range all.All() {
		if !b.canHaveBlob(&p) {
			without++
			continue
		}
		listed := listedBlob{blobOwner: ownerOf(&p)}
		if !b.withPasskey {
			array = listed.measure(array, p.OnKey.LargeBlobKey)
		}
		l.Passkeys = append(l.Passkeys, listed)
	}
	if !b.withPasskey {
		l.OtherEntries = new(len(array))
	}
	return b.result(l, func() { b.printBlobs(&l, without) })
}

// measure notes how large the data is that the key decrypts, and returns the array
// without it.
func (l *listedBlob) measure(array ctap2.LargeBlobArray, key ctap2.LargeBlobKey) ctap2.LargeBlobArray {
	others, n, err := array.Delete(key)
	if err != nil {
		l.Problem = oneLine(err)
		return array
	}
	if n > 0 {
		l.Stored = new(storedSize(array) - storedSize(others))
	}
	data, err := array.Find(key)
	switch {
	case err == nil:
		l.Size = new(len(data))
		clear(data)
	case !errors.Is(err, ctap2.ErrNoLargeBlob):
		l.Problem = oneLine(err)
	}
	return others
}

func (b *blobStore) printBlobs(l *blobListing, without int) {
	var t layout.Table
	for _, p := range l.Passkeys {
		what := "nothing"
		switch {
		case b.withPasskey:
			what = ""
		case p.Problem != "":
			what = "damaged: " + p.Problem
		case p.Size != nil:
			what = fmt.Sprintf("%s, %d on the key", plural(*p.Size, "byte"), *p.Stored)
		}
		t.Add(p.ID, p.User.Words(), what)
	}
	lines := t.Lines()
	site := ""
	for i, p := range l.Passkeys {
		if p.Site.RPIDHash != site {
			site = p.Site.RPIDHash
			fmt.Fprintln(b.folded(b.out), b.paint(b.out, bold, p.Site.Words()))
		}
		fmt.Fprintln(b.folded(b.out), "  "+lines[i])
	}
	if len(l.Passkeys) == 0 {
		fmt.Fprintln(b.folded(b.out), "No passkey on the key can have data: a site asks for that when the passkey is made.")
	} else if without > 0 {
		fmt.Fprintf(b.folded(b.out), "%s can't have data: the site did not ask for that.\n", plural(without, "other passkey"))
	}
	if b.withPasskey {
		if len(l.Passkeys) > 0 {
			fmt.Fprintf(b.folded(b.out), "This key tells only with %s what it stores with a passkey, and whether it does: fidokey blobs get ID.\n", b.gesture())
		}
		return
	}
	fmt.Fprintln(b.folded(b.out), l.Room.words())
	if n := *l.OtherEntries; n > 0 {
		fmt.Fprintf(b.folded(b.out), "%s on the key: left by passkeys that were deleted, or by other programs.\n",
			pick(n, "1 entry belongs to no passkey", fmt.Sprintf("%d entries belong to no passkey", n)))
	}
}
