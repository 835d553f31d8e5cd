package ctap2

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/gofido/fido/ctap2/pinuv"
)

// ErrNoSilentProbe says that the key does not tell without a touch, or without
// user verification, which credentials it has.
var ErrNoSilentProbe = errors.New("ctap2: the key does not tell silently which credentials it has")

// GetAssertionWithList is [Client.GetAssertion] for an allowList of any length.
// A list that the key takes is sent as it is and costs no further command, but
// for a getInfo if the list has several entries and nothing is known of the key.
// Of a longer one the key is asked silently, as many credentials at a time as it
// takes, which it has, and the request then names that one alone. IDs longer
// than the key's are left out. All of it is one turn.
//
// If the key has none of them, the request names the first: a key of CTAP 2.0
// wants a touch before it says so. If the key does not answer silently, the
// request is sent with one part of the list after the other, until it has a
// credential of it.
//
// The request is not modified. Its PinUvAuthParam is left aside: the token, which
// needs the permission ga and may be nil, authorises what is sent.
func (c *Client) GetAssertionWithList(ctx context.Context, r *GetAssertionRequest, token *pinuv.Token) (*GetAssertionResponse, error) {
	return inTurn(ctx, c, operation{command: CommandGetAssertion}, func(ctx context.Context) (*GetAssertionResponse, error) {
		ask := func(part []PublicKeyCredentialDescriptor) (*GetAssertionResponse, error) {
			request := *r
			request.AllowList = part
			if token != nil {
				request.Authorize(token)
			}
			return c.getAssertion(ctx, &request)
		}
		size := func(part []PublicKeyCredentialDescriptor) int {
			request := *r
			request.AllowList = part
			return c.sizeWith(token, request.Append)
		}
		list, err := c.cutList(ctx, r.AllowList, size)
		if err != nil {
			return nil, err
		}
		if list.fits {
			response, err := ask(list.ids)
			if !list.guessed || !isTooLong(err) {
				return response, err
			}
			list.most = len(list.ids) / 2 // all of them were too many
		}
		found, err := c.probe(ctx, r.RPID, list, token)
		switch {
		case err == nil && found == nil:
			return ask(list.ids[:1])
		case err == nil:
			return ask([]PublicKeyCredentialDescriptor{*found})
		case !errors.Is(err, ErrNoSilentProbe):
			return nil, err
		}
		var response *GetAssertionResponse
		for part := range slices.Chunk(list.ids, list.most) {
			if response, err = ask(part); !isMiss(err) {
				break
			}
		}
		return response, err
	})
}

// MakeCredentialWithList is [Client.MakeCredential] for an excludeList of any
// length; see [Client.GetAssertionWithList]. If the key has none of the
// credentials, the request is sent without an excludeList. If it does not answer
// silently, the request names as many as the key takes at once, and for the others
// the key is asked before, by getAssertion requests with their parts of the list:
// one that it has wants a touch, as an excluded one does, and the error is
// [StatusCredentialExcluded] then; one of CTAP 2.0 wants a touch for each part.
//
// The token needs the permission ga too if the list may be too long.
func (c *Client) MakeCredentialWithList(ctx context.Context, r *MakeCredentialRequest, token *pinuv.Token) (*MakeCredentialResponse, error) {
	o := operation{command: CommandMakeCredential}
	return inTurn(ctx, c, o, func(ctx context.Context) (*MakeCredentialResponse, error) {
		ask := func(part []PublicKeyCredentialDescriptor) (*MakeCredentialResponse, error) {
			request := *r
			request.ExcludeList = part
			if token != nil {
				request.Authorize(token)
			}
			return send(ctx, c, o, request.Append, ParseMakeCredentialResponse)
		}
		size := func(part []PublicKeyCredentialDescriptor) int {
			request := *r
			request.ExcludeList = part
			return c.sizeWith(token, request.Append)
		}
		list, err := c.cutList(ctx, r.ExcludeList, size)
		if err != nil {
			return nil, err
		}
		if list.none {
			return ask(nil)
		}
		if list.fits {
			response, err := ask(list.ids)
			if !list.guessed || !isTooLong(err) {
				return response, err
			}
			list.most = len(list.ids) / 2 // all of them were too many
		}
		found, err := c.probe(ctx, r.RP.ID, list, token)
		switch {
		case err == nil && found == nil:
			return ask(nil)
		case err == nil:
			return ask([]PublicKeyCredentialDescriptor{*found})
		case !errors.Is(err, ErrNoSilentProbe):
			return nil, err
		}
		first, others := list.ids[:list.most], list
		others.ids = list.ids[list.most:]
		switch found, err := c.find(ctx, r.RP.ID, others, Options{UV: r.Options.UV}, token); {
		case err != nil:
			return nil, err
		case found != nil:
			return nil, o.fails(StatusCredentialExcluded)
		}
		return ask(first)
	})
}

// FindCredential asks silently, without a touch, which of these credentials for
// the relying party the key has, and returns the first that it finds; nil if it
// has none. Lists of any length are sent in parts. The error wraps
// [ErrNoSilentProbe] if the key wants a touch or more to answer. A credential
// that needs user verification is found only with a token, which needs the
// permission ga; it may be nil.
func (c *Client) FindCredential(ctx context.Context, rpID string, list []PublicKeyCredentialDescriptor, token *pinuv.Token) (*PublicKeyCredentialDescriptor, error) {
	return inTurn(ctx, c, operation{command: CommandGetAssertion}, func(ctx context.Context) (*PublicKeyCredentialDescriptor, error) {
		cut, err := c.cutList(ctx, list, func(part []PublicKeyCredentialDescriptor) int {
			return c.sizeWith(token, findRequest(rpID, part, silently).Append)
		})
		if err != nil || cut.none {
			return nil, err
		}
		return c.probe(ctx, rpID, cut, token)
	})
}

// A cutCredentialList is a list of credentials and what the key takes of it.
type cutCredentialList struct {
	ids     []PublicKeyCredentialDescriptor
	most    int  // that the key takes at once, as far as getInfo tells
	fits    bool // the request may be sent with the list as it is
	guessed bool // the key does not tell how many it takes
	none    bool // all are longer than the key's: one stands in for them, since no list at all means something else
}

// cutList leaves out what can't be the key's and finds out what fits. size is
// the size of the request with a list.
func (c *Client) cutList(ctx context.Context, ids []PublicKeyCredentialDescriptor, size func([]PublicKeyCredentialDescriptor) int) (list cutCredentialList, err error) {
	info := c.info.Load()
	if info == nil && len(ids) > 1 {
		if info, err = c.getInfo(ctx); err != nil {
			return list, err
		}
	}
	if len(ids) == 0 || info == nil {
		return cutCredentialList{ids: ids, most: 1, fits: true}, nil
	}
	list.ids = ids
	if most := info.MaxCredentialIDLength; most > 0 {
		list.ids = slices.DeleteFunc(slices.Clone(ids), func(d PublicKeyCredentialDescriptor) bool { return uint(len(d.ID)) > most })
		if list.none = len(list.ids) == 0; list.none {
			list.ids = []PublicKeyCredentialDescriptor{{ID: []byte{0}, Type: TypePublicKey}}
		}
	}
	list.most = len(list.ids)
	if info.MaxCredentialCountInList == 0 {
		list.guessed = len(list.ids) > 1
	} else {
		list.most = int(min(uint(list.most), info.MaxCredentialCountInList))
	}
	list.fits = list.most == len(list.ids) && size(list.ids) <= info.MaxMessage()
	for !list.fits && list.most > 1 && size(list.longest()) > info.MaxMessage() {
		list.most /= 2
	}
	return list, nil
}

// longest returns as many IDs as go into one request, the longest of the list.
func (l cutCredentialList) longest() []PublicKeyCredentialDescriptor {
	byLength := slices.SortedFunc(slices.Values(l.ids), func(a, b PublicKeyCredentialDescriptor) int { return len(b.ID) - len(a.ID) })
	return byLength[:l.most]
}

// sizeWith returns the size of a request to which a token's MAC is still to be
// added.
func (c *Client) sizeWith(token *pinuv.Token, request appender) int {
	b, err := request(nil)
	if err != nil {
		return 0 // sending it will tell
	}
	if token != nil {
		return len(b) + len("\x06\x58\x20") + 32 + len("\x07\x02")
	}
	return len(b)
}

// silently are the options of a request that wants no touch.
var silently = Options{UP: new(false)}

// findRequest asks which of the credentials the key has: nothing is signed that
// anybody asked for.
func findRequest(rpID string, part []PublicKeyCredentialDescriptor, o Options) *GetAssertionRequest {
	return &GetAssertionRequest{RPID: rpID, ClientDataHash: make([]byte, 32), AllowList: part, Options: o}
}

// probe is find without a touch. The error wraps ErrNoSilentProbe if the key wants
// one.
func (c *Client) probe(ctx context.Context, rpID string, list cutCredentialList, token *pinuv.Token) (*PublicKeyCredentialDescriptor, error) {
	found, err := c.find(ctx, rpID, list, silently, token)
	if isSilentRefusal(err) {
		err = &CommandError{CommandGetAssertion, 0, &silentProbeError{err}}
	}
	return found, err
}

// find returns the first credential of the list that the key has, nil if it has
// none. The caller has the turn.
func (c *Client) find(ctx context.Context, rpID string, list cutCredentialList, o Options, token *pinuv.Token) (*PublicKeyCredentialDescriptor, error) {
	most := list.most
	for rest := list.ids; len(rest) > 0; {
		part := rest[:min(most, len(rest))]
		r := findRequest(rpID, part, o)
		if token != nil {
			r.Authorize(token)
		}
		response, err := c.getAssertion(ctx, r)
		switch {
		case err == nil:
			// The list says more of it than the key.
			i := slices.IndexFunc(part, func(d PublicKeyCredentialDescriptor) bool { return bytes.Equal(d.ID, response.Credential.ID) })
			return &part[i], nil
		case isTooLong(err) && len(part) > 1:
			most = len(part) / 2
			continue
		case isMiss(err), isTooLong(err):
		default:
			return nil, err
		}
		rest = rest[len(part):]
	}
	return nil, nil
}

// silentProbeError is ErrNoSilentProbe with what the key has answered.
type silentProbeError struct{ err error }

func (e *silentProbeError) Error() string   { return ErrNoSilentProbe.Error() + ": " + e.err.Error() }
func (e *silentProbeError) Unwrap() []error { return []error{ErrNoSilentProbe, e.err} }

func isStatus(err error, these ...Status) bool {
	s, ok := errors.AsType[Status](err)
	return ok && slices.Contains(these, s)
}

// isMiss reports whether the key says that it has none of the credentials.
func isMiss(err error) bool { return isStatus(err, StatusNoCredentials, StatusInvalidCredential) }

// isTooLong reports whether the key, or the client on its behalf, refuses a list
// for its length or that of an ID.
func isTooLong(err error) bool {
	return isStatus(err, StatusLimitExceeded, StatusRequestTooLarge, StatusInvalidLength)
}

// isSilentRefusal reports whether the key refuses to answer silently. A token
// that is refused is none of this.
func isSilentRefusal(err error) bool {
	_, ok := errors.AsType[Status](err)
	return ok && !isStatus(err, StatusPINAuthInvalid, StatusPINTokenExpired, StatusPINAuthBlocked, StatusPINBlocked,
		StatusKeepaliveCancel, StatusChannelBusy, StatusInvalidChannel)
}
