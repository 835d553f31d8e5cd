package webauthn

import (
	"context"
	"errors"

	"github.com/gofido/fido/ctap2"
)

// The extension largeBlob (WebAuthn L3 section 10.1.5) is one of two on a key:
// its own of that name (CTAP 2.3 section 12.4), or largeBlobKey (section 12.3)
// with the command largeBlobs, for which the credential must be discoverable and
// writing needs a token.

// largeBlobExtension reports whether the key has the extension of that name.
func (c *ceremony) largeBlobExtension() bool { return c.has(ctap2.ExtensionLargeBlob) }

// largeBlobArray reports whether the key has the other way.
func (c *ceremony) largeBlobArray() bool {
	return !c.largeBlobExtension() && c.has(ctap2.ExtensionLargeBlobKey) && c.info.Options[ctap2.OptionLargeBlobs]
}

var createLargeBlob = creationExtension{
	check: func(c *creation) error {
		switch {
		case c.request.Extensions.LargeBlob != ctap2.LargeBlobRequired, c.largeBlobExtension():
			return nil
		case !c.largeBlobArray():
			return unsuitable("this key can't store large blobs, which the site requires: use another")
		case !c.rk:
			return unsuitable("this key stores a large blob, which the site requires, for a passkey alone; the site asks for none, or the key has no room")
		}
		return nil
	},
	ask: func(_ context.Context, c *creation) error {
		switch support := c.request.Extensions.LargeBlob; {
		case support == "":
		case c.largeBlobExtension():
			c.sent.Extensions.SetLargeBlobSupport(support)
		case c.largeBlobArray() && c.rk:
			c.sent.Extensions.RequestLargeBlobKey()
		}
		return nil
	},
	answer: func(c *creation, r *ctap2.MakeCredentialResponse) error {
		if c.request.Extensions.LargeBlob == "" {
			return nil
		}
		supported := len(r.LargeBlobKey) == ctap2.LargeBlobKeySize
		if c.largeBlobExtension() {
			out, err := r.UnsignedExtensionOutputs.LargeBlob()
			if err != nil {
				return err
			}
			supported = out != nil && out.Supported != nil && *out.Supported
		}
		c.outputs.LargeBlob = &LargeBlobOutputs{Supported: &supported}
		return nil
	},
}

var getLargeBlob = requestExtension{
	ask: func(_ context.Context, a *assertion) error {
		in := a.request.Extensions.LargeBlob
		switch {
		case in == nil || !in.Read && in.Write == nil:
		case a.largeBlobExtension() && in.Read:
			a.sent.Extensions.RequestLargeBlob()
		case a.largeBlobExtension():
			return a.sent.Extensions.SetLargeBlob(in.Write)
		case a.largeBlobArray():
			a.sent.Extensions.RequestLargeBlobKey()
		}
		return nil
	},
	// What the key can't store or has not stored is an output, not an error.
	answer: func(ctx context.Context, a *assertion, r *ctap2.GetAssertionResponse) error {
		in := a.request.Extensions.LargeBlob
		switch {
		case in == nil:
			return nil
		case in.Read:
			blob, err := a.readLargeBlob(ctx, r)
			a.outputs.LargeBlob = &LargeBlobOutputs{Blob: blob}
			return endsCeremony(err)
		case in.Write != nil:
			written, err := a.writeLargeBlob(ctx, r, in.Write)
			a.outputs.LargeBlob = &LargeBlobOutputs{Written: &written}
			return endsCeremony(err)
		}
		a.outputs.LargeBlob = new(LargeBlobOutputs)
		return nil
	},
}

// leaveOutLargeBlob takes a blob that does not fit into a message out of what is
// sent, and reports whether there was one: it is not written then, and the login
// goes on.
func (a *assertion) leaveOutLargeBlob() bool {
	in := a.request.Extensions.LargeBlob
	_, sent := a.sent.Extensions[ctap2.ExtensionLargeBlob]
	delete(a.sent.Extensions, ctap2.ExtensionLargeBlob)
	return sent && in.Write != nil
}

func (a *assertion) readLargeBlob(ctx context.Context, r *ctap2.GetAssertionResponse) ([]byte, error) {
	if !a.largeBlobExtension() {
		if len(r.LargeBlobKey) != ctap2.LargeBlobKeySize || !a.largeBlobArray() {
			return nil, nil
		}
		return a.key.GetLargeBlob(ctx, r.LargeBlobKey)
	}
	out, err := r.UnsignedExtensionOutputs.LargeBlob()
	if err != nil || out == nil {
		return nil, err
	}
	return out.Data()
}

func (a *assertion) writeLargeBlob(ctx context.Context, r *ctap2.GetAssertionResponse, blob []byte) (bool, error) {
	if !a.largeBlobExtension() {
		if len(r.LargeBlobKey) != ctap2.LargeBlobKeySize || !a.largeBlobArray() {
			return false, nil
		}
		err := a.key.SetLargeBlob(ctx, a.token, r.LargeBlobKey, blob)
		return err == nil, err
	}
	out, err := r.UnsignedExtensionOutputs.LargeBlob()
	return err == nil && out != nil && out.Written != nil && *out.Written, err
}

// writesLargeBlobArray reports whether a token must be good for the command
// largeBlobs, too.
func (a *assertion) writesLargeBlobArray() bool {
	in := a.request.Extensions.LargeBlob
	return in != nil && in.Write != nil && a.largeBlobArray()
}

// endsCeremony returns err if it means that nobody waits for the result any more.
func endsCeremony(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
