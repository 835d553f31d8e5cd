package ctap2

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/pinuv"
)

// MaxLargeBlobArray is the most bytes of a serialized large-blob array that a
// [Client] reads. Keys store a few thousand; one that never comes to an end is
// given up.
const MaxLargeBlobArray = 1 << 20

// maxFragmentMessage bounds the message that a fragment is a part of: CTAPHID
// carries no more in one (CTAP 2.3 section 11.2.4).
const maxFragmentMessage = 7609

// maxFragmentLength returns how many bytes one command reads or writes (CTAP 2.3
// section 6.10.2).
func maxFragmentLength(info *GetInfoResponse) int {
	return max(min(info.MaxMessage(), maxFragmentMessage)-64, 64)
}

// ReadLargeBlobs reads the large blobs of all credentials together. It needs no
// token. It is one turn, of one command for each maxMsgSize - 64 bytes and for
// the rest, at least one.
//
// If they are damaged the error is a *[LargeBlobArrayError], which has them as
// they are. More than one command can get parts of two arrays, if another program
// writes meanwhile: then they are read once more before they count as damaged.
func (c *Client) ReadLargeBlobs(ctx context.Context) (LargeBlobArray, error) {
	return inTurn(ctx, c, operation{command: CommandLargeBlobs}, c.readLargeBlobs)
}

func (c *Client) readLargeBlobs(ctx context.Context) (LargeBlobArray, error) {
	info, err := c.largeBlobsInfo(ctx)
	if err != nil {
		return nil, err
	}
	n := maxFragmentLength(info)
	all, err := c.readLargeBlobFragments(ctx, n)
	if err != nil {
		return nil, err
	}
	array, err := ParseLargeBlobArray(all)
	if err == nil || len(all) < n {
		return array, err
	}
	if all, err = c.readLargeBlobFragments(ctx, n); err != nil {
		return nil, err
	}
	return ParseLargeBlobArray(all)
}

// readLargeBlobFragments reads n bytes at a time until there are fewer.
func (c *Client) readLargeBlobFragments(ctx context.Context, n int) ([]byte, error) {
	o := operation{command: CommandLargeBlobs}
	var all []byte
	for {
		request := &LargeBlobsRequest{Get: new(uint(n)), Offset: new(uint(len(all)))}
		r, err := send(ctx, c, o, request.Append, ParseLargeBlobsResponse)
		switch {
		case err != nil:
			return nil, err
		case r.Config == nil && len(all) == 0:
			return nil, o.fails(badReply(o.command, r.Raw, "config is missing"))
		case len(r.Config) > n:
			return nil, o.fails(badReply(o.command, r.Raw, fmt.Sprintf("config has %d bytes, asked for were %d", len(r.Config), n)))
		case len(all)+len(r.Config) > MaxLargeBlobArray:
			return nil, o.fails(badReply(o.command, r.Raw, fmt.Sprintf("the large blobs have more than %d bytes", MaxLargeBlobArray)))
		}
		if all = append(all, r.Config...); len(r.Config) < n {
			return all, nil
		}
	}
}

// WriteLargeBlobs replaces the large blobs of all credentials, whatever the key
// stores now. Programs should use [Client.SetLargeBlob] and
// [Client.DeleteLargeBlob], which keep what others have stored. If power fails
// in between, the key has the blobs as they were.
//
// The token needs the permission lbw; nil is for a key that does not verify
// users. It is one turn of one command for each maxMsgSize - 64 bytes. If a
// command of another program comes in between, for which the key drops what it
// has got so far, it begins again, twice at most. More than the key has room for
// is StatusLargeBlobStorageFull, found out before anything is sent if the key
// tells its capacity.
func (c *Client) WriteLargeBlobs(ctx context.Context, token *pinuv.Token, blobs LargeBlobArray) error {
	return c.untilUndisturbed(ctx, func(ctx context.Context) error { return c.writeLargeBlobs(ctx, token, blobs) })
}

// largeBlobAttempts is how often an array is written until no other program
// disturbs it.
const largeBlobAttempts = 3

// untilUndisturbed is a turn in which write is called again if the key says that
// another command has come between its fragments.
func (c *Client) untilUndisturbed(ctx context.Context, write func(context.Context) error) error {
	_, err := inTurn(ctx, c, operation{command: CommandLargeBlobs}, func(ctx context.Context) (none struct{}, err error) {
		for range largeBlobAttempts {
			if err = write(ctx); !errors.Is(err, StatusInvalidSeq) {
				break
			}
		}
		return none, err
	})
	return err
}

func (c *Client) writeLargeBlobs(ctx context.Context, token *pinuv.Token, blobs LargeBlobArray) error {
	info, err := c.largeBlobsInfo(ctx)
	if err != nil {
		return err
	}
	o := operation{command: CommandLargeBlobs}
	for i, entry := range blobs {
		if _, rest, err := cbor.Split(entry); err != nil || len(rest) > 0 {
			return o.fails(fmt.Errorf("entry %d is not one CBOR item", i)) // the others could not be told apart any more
		}
	}
	all := blobs.Append(nil)
	if room := info.MaxSerializedLargeBlobArray; room > 0 && uint(len(all)) > room {
		return o.fails(fmt.Errorf("%d bytes for a key that stores %d: %w", len(all), room, StatusLargeBlobStorageFull))
	}
	n := maxFragmentLength(info)
	for offset := 0; offset < len(all); offset += n {
		r := &LargeBlobsRequest{Set: all[offset:min(offset+n, len(all))], Offset: new(uint(offset))}
		if offset == 0 {
			r.Length = new(uint(len(all)))
		}
		if token != nil {
			r.Authorize(token)
		}
		if _, err := send(ctx, c, o, r.Append, ParseLargeBlobsResponse); err != nil {
			return err
		}
	}
	return nil
}

// GetLargeBlob reads the large blob of the credential with this largeBlobKey,
// which is a member of the responses to makeCredential, getAssertion and
// credential management. The error is [ErrNoLargeBlob] if there is none;
// otherwise see [Client.ReadLargeBlobs], which costs the same commands.
func (c *Client) GetLargeBlob(ctx context.Context, key []byte) ([]byte, error) {
	all, err := c.ReadLargeBlobs(ctx)
	if err != nil {
		return nil, err
	}
	return all.Find(key)
}

// SetLargeBlob stores data for the credential with this largeBlobKey, in place
// of what was stored for it. The blobs of other credentials stay as they are,
// and if what the key stores is damaged nothing is written: the error is a
// *[LargeBlobArrayError].
//
// It is one turn of the commands of [Client.ReadLargeBlobs] and of
// [Client.WriteLargeBlobs]. The token is as for the latter.
func (c *Client) SetLargeBlob(ctx context.Context, token *pinuv.Token, key, data []byte) error {
	return c.changeLargeBlobs(ctx, token, func(all LargeBlobArray) (LargeBlobArray, error) {
		return all.Set(c.config.Rand, key, data)
	})
}

// DeleteLargeBlob deletes what is stored for the credential with this
// largeBlobKey. The error is [ErrNoLargeBlob] if there is nothing, and then
// nothing is written; otherwise it is like [Client.SetLargeBlob].
func (c *Client) DeleteLargeBlob(ctx context.Context, token *pinuv.Token, key []byte) error {
	return c.changeLargeBlobs(ctx, token, func(all LargeBlobArray) (LargeBlobArray, error) {
		others, deleted, err := all.Delete(key)
		if err == nil && deleted == 0 {
			err = ErrNoLargeBlob
		}
		return others, err
	})
}

func (c *Client) changeLargeBlobs(ctx context.Context, token *pinuv.Token, change func(LargeBlobArray) (LargeBlobArray, error)) error {
	return c.untilUndisturbed(ctx, func(ctx context.Context) error {
		all, err := c.readLargeBlobs(ctx) // each time: the other program may have written, too
		if err != nil {
			return err
		}
		if all, err = change(all); err != nil {
			return err
		}
		return c.writeLargeBlobs(ctx, token, all)
	})
}

// LargeBlobs sends one largeBlobs command as it is (CTAP 2.3 section 6.10). The
// methods about large blobs do what most programs need.
func (c *Client) LargeBlobs(ctx context.Context, r *LargeBlobsRequest) (*LargeBlobsResponse, error) {
	o := operation{command: CommandLargeBlobs}
	return inTurn(ctx, c, o, func(ctx context.Context) (*LargeBlobsResponse, error) {
		return send(ctx, c, o, r.Append, ParseLargeBlobsResponse)
	})
}

func (c *Client) largeBlobsInfo(ctx context.Context) (*GetInfoResponse, error) {
	info, err := c.remembered(ctx)
	if err != nil {
		return nil, err
	}
	if !info.Options[OptionLargeBlobs] {
		return nil, &UnsupportedError{"large blobs"}
	}
	return info, nil
}
