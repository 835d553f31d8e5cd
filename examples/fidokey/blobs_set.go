package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/examples/internal/typed"
	"github.com/spf13/cobra"
)

func (a *app) blobsSetCommand() *cobra.Command {
	var file string
	var yes bool
	c := &cobra.Command{
		Use:   "set ID",
		Short: "Store data with a passkey",
		Long: `Store data with a passkey, in place of what is stored with it. It comes from standard
input, or from a file. The PIN is asked for at the terminal, so with a key that wants
it the data comes from a file; so it does with --pin-stdin, which reads the PIN from
standard input.

The key stores it compressed and encrypted. Whether there is room for it is found out
before anything is written.`,
		Args: oneID,
		RunE: func(c *cobra.Command, args []string) error {
			data, err := a.blobInput(c.Context(), file)
			if err != nil {
				return err
			}
			defer clear(data)
			err = a.withBlobs(c, true, func(ctx context.Context, b *blobStore) error { return b.setFor(ctx, args, data, yes) })
			if errors.Is(err, errNeedPIN) && file == "" {
				err = because(err, "this key wants its PIN, and standard input has the data: give the data with --in FILE")
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVarP(&file, "in", "i", "", "read the data from this `FILE`")
	yesFlag(c, &yes)
	c.RegisterFlagCompletionFunc("in", files)
	return c
}

// blobInput reads the data to store.
func (a *app) blobInput(ctx context.Context, file string) ([]byte, error) {
	in := a.in
	switch {
	case file != "" && file != "-":
		f, err := os.Open(file)
		if err != nil {
			return nil, unusable(file, err)
		}
		defer f.Close()
		in = f
	case a.pinStdin:
		return nil, badUse("with --pin-stdin standard input is for the PIN: give the data with --in FILE")
	case isTerminal(a.in):
		return nil, badUse("what shall be stored? Give the data with --in FILE, or through a pipe")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, a.timeout, errNoEnd)
	defer cancel()
	data, err := typed.Await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(in, ctap2.MaxLargeBlobSize+1)) })
	if err == nil && len(data) > ctap2.MaxLargeBlobSize {
		err = badUse("the data has more than %d bytes, which no key stores", ctap2.MaxLargeBlobSize)
	}
	return data, err
}

// errNoEnd says that a pipe stays open.
var errNoEnd = because(context.DeadlineExceeded, "the data has not come to its end in time: --timeout gives it more")

// writtenBlob is the JSON form of what was stored.
type writtenBlob struct {
	blobOwner
	Size   int       `json:"size"`   // bytes of data
	Stored *uint     `json:"stored"` // bytes that it takes on the key; null for a key that keeps data with each passkey, as the next
	Room   *blobRoom `json:"room"`
}

func (b *blobStore) setFor(ctx context.Context, ids []string, data []byte, yes bool) error {
	var array ctap2.LargeBlobArray
	if !b.withPasskey {
		var err error
		if array, err = b.array(ctx); err != nil {
			return err
		}
		if err := b.tellSize(array, data); err != nil {
			return err
		}
	}
	found, forget, err := b.passkeys(ctx, ids)
	if err != nil {
		return err
	}
	defer forget()
	p := &found[0]
	if b.withPasskey {
		return b.setWithPasskey(ctx, p, data, yes)
	}
	w := writtenBlob{blobOwner: ownerOf(p), Size: len(data)}
	others, replaced, err := array.Delete(p.OnKey.LargeBlobKey)
	if err != nil {
		return err
	}
	after, err := others.Set(nil, p.OnKey.LargeBlobKey, data)
	if err != nil {
		return err
	}
	w.Stored, w.Room = new(storedSize(after)-storedSize(others)), new(b.room(after))
	if w.Room.Capacity > 0 && w.Room.Used > w.Room.Capacity {
		return tooLarge(*w.Stored, b.room(others).Left)
	}
	if replaced > 0 {
		if err := b.confirm(ctx, yes, "There is data with the passkey of %s already. Replace it?", p.Words()); err != nil {
			return err
		}
	}
	if err := b.authorized(ctx, func(token *pinuv.Token) error {
		return b.key.SetLargeBlob(ctx, token, p.OnKey.LargeBlobKey, data)
	}); err != nil {
		return damagedAdvice(err)
	}
	return b.result(w, func() {
		b.tell("Stored %s with the passkey of %s. %s", plural(len(data), "byte"), p.Words(), w.Room.words())
	})
}

// tellSize says what the data will take and what there is, before anybody has to enter
// a PIN. What it takes does not depend on whose it is.
func (b *blobStore) tellSize(array ctap2.LargeBlobArray, data []byte) error {
	alone, err := ctap2.LargeBlobArray{}.Set(nil, make([]byte, ctap2.LargeBlobKeySize), data)
	if err != nil {
		return err
	}
	size := storedSize(alone) - ctap2.InitialLargeBlobArraySize
	room := b.room(array)
	if room.Capacity > 0 && storedSize(alone) > room.Capacity {
		return tooLarge(size, room.Capacity-min(ctap2.InitialLargeBlobArraySize, room.Capacity))
	}
	b.hint("%s of data: %d on the key. %s", plural(len(data), "byte"), size, room.words())
	return nil
}

func tooLarge(size, left uint) error {
	return cant("the data takes %d bytes on the key, and there is room for %d: store less, or make room with fidokey blobs delete", size, left)
}
