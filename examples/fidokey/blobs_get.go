package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"unicode"
	"unicode/utf8"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/spf13/cobra"
)

func (a *app) blobsGetCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "get ID",
		Short: "Read the data of a passkey",
		Long: `Read the data of a passkey, and write it to standard output as it is, or into a file.
Data that is not text is not written to a terminal.`,
		Args: oneID,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withBlobs(c, false, func(ctx context.Context, b *blobStore) error { return b.getFor(ctx, args, file) })
		},
	}
	c.Flags().StringVarP(&file, "out", "o", "", "write it into this `FILE`")
	c.RegisterFlagCompletionFunc("out", files)
	return c
}

// readBlob is the JSON form of the data.
type readBlob struct {
	blobOwner
	Size int    `json:"size"`
	Blob string `json:"blob,omitempty"` // in base64url; not there if it was written to a file
}

func (b *blobStore) getFor(ctx context.Context, ids []string, file string) error {
	found, forget, err := b.passkeys(ctx, ids)
	if err != nil {
		return err
	}
	defer forget()
	p := &found[0]
	data, err := b.get(ctx, p)
	if err != nil {
		return err
	}
	defer clear(data)
	r := readBlob{blobOwner: ownerOf(p), Size: len(data)}
	if file != "" && file != "-" {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return unusable(file, err)
		}
		return b.result(r, func() { b.tell("Wrote the %s of %s to %s.", plural(len(data), "byte"), p.Words(), quoted(file)) })
	}
	r.Blob = base64URL(data)
	if b.json {
		return b.printJSON(r)
	}
	return b.writeOut(data)
}

// get reads the data of a passkey.
func (b *blobStore) get(ctx context.Context, p *passkeys.Entry) (data []byte, err error) {
	if b.withPasskey {
		data, err = b.getWithPasskey(ctx, p)
	} else if data, err = b.key.GetLargeBlob(ctx, p.OnKey.LargeBlobKey); err != nil {
		err = damagedAdvice(err)
	}
	if errors.Is(err, ctap2.ErrNoLargeBlob) {
		err = noData(p)
	}
	return data, err
}

// noData says that there is no data with a passkey.
func noData(p *passkeys.Entry) error {
	return because(ctap2.ErrNoLargeBlob, "there is no data with the passkey of %s; fidokey blobs set %s stores some", p.Words(), p.ID)
}

// writeOut writes the data to standard output, but nothing that is not text to a
// terminal, which might obey it.
func (a *app) writeOut(data []byte) error {
	terminal := isTerminal(a.out)
	if terminal && !isText(data) {
		return badUse("the data (%s) is not text and would spoil the terminal: write it into a file with --out FILE, or send it through a pipe", plural(len(data), "byte"))
	}
	if terminal && len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		data = append(bytes.Clone(data), '\n')
	}
	_, err := a.out.Write(data)
	return err
}

// isText reports whether data is text that a terminal can show.
func isText(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	return bytes.IndexFunc(data, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }) < 0
}
