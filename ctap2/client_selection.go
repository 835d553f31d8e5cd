package ctap2

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gofido/fido/ctap2/cose"
)

// LeastTouchTime is how long every key waits for a touch (CTAP 2.3 section 6.1.2).
// StatusOperationDenied after less is the user's answer; after as long it may be that
// nobody came, for which many keys have no other status.
const LeastTouchTime = 10 * time.Second

// Selection has the key ask for a touch and returns when it was touched, which
// tells the key that the user means from others (CTAP 2.3 section 6.9). Send it
// to all keys at once and cancel the context of the losers.
//
// A key that does not know the command is asked for a credential that it can't
// make, which has the same effect (CTAP 2.0: an empty pinUvAuthParam); if it
// has no PIN support either, it makes one that nobody uses and does not store
// it. Refused or not touched in time is StatusOperationDenied or
// StatusUserActionTimeout; see [LeastTouchTime].
func (c *Client) Selection(ctx context.Context) error {
	_, err := inTurn(ctx, c, operation{command: CommandSelection}, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.selection(ctx)
	})
	return err
}

func (c *Client) selection(ctx context.Context) error {
	info, err := c.remembered(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(info.Versions, VersionFIDO21) || slices.Contains(info.Versions, VersionFIDO23) {
		_, err := c.exchange(ctx, operation{command: CommandSelection}, []byte{byte(CommandSelection)})
		if !errors.Is(err, StatusInvalidCommand) {
			return err
		}
	}
	return c.dummyCredential(ctx, info)
}

// dummyCredential gets a touch by a makeCredential that is about nothing.
func (c *Client) dummyCredential(ctx context.Context, info *GetInfoResponse) error {
	r := &MakeCredentialRequest{
		ClientDataHash:   make([]byte, 32),
		RP:               PublicKeyCredentialRPEntity{ID: ".dummy"},
		User:             PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "dummy"},
		PubKeyCredParams: []PublicKeyCredentialParameters{{Alg: cose.ES256, Type: TypePublicKey}},
	}
	touched := []Status{}
	if _, ok := info.Options[OptionClientPIN]; ok {
		r.PinUvAuthParam = []byte{}
		if p, err := info.PreferredPinUvAuthProtocol(); err == nil {
			r.PinUvAuthProtocol = p
		}
		// The specification's answers are the first two; keys give the third.
		touched = []Status{StatusPINNotSet, StatusPINInvalid, StatusPINAuthInvalid}
	}
	request, err := r.Append(nil)
	o := operation{command: CommandMakeCredential}
	if err != nil {
		return o.fails(err)
	}
	_, err = c.exchange(ctx, o, request)
	if status, ok := errors.AsType[Status](err); ok && slices.Contains(touched, status) {
		return nil
	}
	return err
}
