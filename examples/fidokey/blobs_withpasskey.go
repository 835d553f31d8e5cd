package main

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/examples/internal/passkeys"
)

// assert has the key make an assertion with the passkey, which is what brings and
// takes its data. Nobody gets the assertion. The user is verified if the passkey wants
// that: as nothing else than this site is authorised then, it takes another prompt.
func (b *blobStore) assert(ctx context.Context, p *passkeys.Entry, input ctap2.Extensions) (*ctap2.LargeBlobOutput, error) {
	if !p.Site.Complete() {
		return nil, cant("the key has shortened the name of the site %s: it gives the data only to the site itself", p.Site.Words())
	}
	r := &ctap2.GetAssertionRequest{
		RPID: p.Site.RPID, ClientDataHash: make([]byte, 32), Extensions: input,
		AllowList: []ctap2.PublicKeyCredentialDescriptor{{ID: p.OnKey.ID.ID, Type: ctap2.TypePublicKey}},
	}
	rand.Read(r.ClientDataHash)
	verify := b.info.Options[ctap2.OptionAlwaysUv] || p.OnKey.CredProtect == ctap2.CredProtectUVRequired
	for {
		if verify {
			token, err := b.app.token(ctx, b.key, ctap2.PermissionGA, r.RPID)
			if err != nil {
				return nil, err
			}
			r.Authorize(token)
			token.Wipe()
		}
		got, err := b.key.GetAssertion(ctx, r)
		if !verify && (errors.Is(err, ctap2.StatusPUATRequired) || errors.Is(err, ctap2.StatusNoCredentials)) {
			verify = true // the key has not told that it wants that
			continue
		}
		if err != nil {
			return nil, err
		}
		output, err := got.UnsignedExtensionOutputs.LargeBlob()
		if err == nil && output == nil {
			err = problem(exitFailed, "the passkey of %s can't have data: the site did not ask for that when it was made", p.Words())
		}
		return output, err
	}
}

func (b *blobStore) getWithPasskey(ctx context.Context, p *passkeys.Entry) ([]byte, error) {
	var input ctap2.Extensions
	input.RequestLargeBlob()
	output, err := b.assert(ctx, p, input)
	if err != nil {
		return nil, err
	}
	data, err := output.Data()
	if err == nil && data == nil {
		err = ctap2.ErrNoLargeBlob
	}
	return data, err
}

// setWithPasskey stores data with a passkey. The key does not tell what is there
// without a touch, nor how much room there is.
func (b *blobStore) setWithPasskey(ctx context.Context, p *passkeys.Entry, data []byte, yes bool) error {
	if err := b.confirm(ctx, yes, "Store %s with the passkey of %s, in place of what may be there?", plural(len(data), "byte"), p.Words()); err != nil {
		return err
	}
	if err := b.write(ctx, p, data); err != nil {
		return err
	}
	return b.result(writtenBlob{blobOwner: ownerOf(p), Size: len(data)}, func() {
		b.tell("Stored %s with the passkey of %s.", plural(len(data), "byte"), p.Words())
	})
}

// emptyWithPasskey is how data is deleted that the key keeps with a passkey: it is
// replaced by nothing.
func (b *blobStore) emptyWithPasskey(ctx context.Context, p *passkeys.Entry) error {
	return b.write(ctx, p, []byte{})
}

func (b *blobStore) write(ctx context.Context, p *passkeys.Entry, data []byte) error {
	var input ctap2.Extensions
	if err := input.SetLargeBlob(data); err != nil {
		return err
	}
	output, err := b.assert(ctx, p, input)
	switch {
	case errors.Is(err, ctap2.StatusRequestTooLarge):
		return because(err, "the key takes no message as large as one with %s: store less", plural(len(data), "byte"))
	case err == nil && (output.Written == nil || !*output.Written):
		return cant("the key has not stored the data with the passkey of %s: it has no room for so much, "+
			"or the site did not ask for any when the passkey was made", p.Words())
	}
	return err
}
