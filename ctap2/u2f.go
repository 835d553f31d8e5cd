package ctap2

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/u2f"
)

// A U2FMapping is a [Transport] to a key that knows only CTAP1/U2F: it answers
// CTAP2 requests with the help of U2F commands (CTAP 2.3 section 10). A program
// then need not care which of the two a key speaks:
//
//	client := ctap2.NewClient(ctap2.U2FMapping{U2FTransport: conn}, nil)
//
// Such a key makes credentials with ES256 keys that are not discoverable, and
// signs with those that the allowList names; getInfo says so, and that the
// version is [VersionU2F]. Everything else is refused before anything is sent:
// other commands with StatusInvalidCommand, and what U2F can't do of these with
// an *[UnsupportedError] - user verification in any form, discoverable
// credentials, enterprise attestation, and extensions, because leaving one out
// may weaken a credential and only the caller knows.
//
// A mapping keeps no state. For a key that speaks both protocols it is a second
// way in: the credentials are the same.
type U2FMapping struct {
	U2FTransport
}

var _ interface {
	Transport
	U2FTransport
} = U2FMapping{}

// OverU2F returns a client that reaches the same key by U2F, as a [U2FMapping]
// does; ok is false if the Transport is no [U2FTransport]. It shares the turn with
// c, and not what it remembers of the key. Whether the key knows U2F its getInfo
// tells by [VersionU2F].
//
// By U2F a key of CTAP 2.0 makes a credential without its PIN, which it demands
// otherwise.
func (c *Client) OverU2F() (client *Client, ok bool) {
	t, ok := c.transport.(U2FTransport)
	if !ok {
		return nil, false
	}
	other := *c
	other.transport, other.info = U2FMapping{t}, new(atomic.Pointer[GetInfoResponse])
	if s, ok := c.transport.(sequencer); ok {
		other.transport = sequencedMapping{U2FMapping{t}, s}
	}
	return &other, true
}

// sequencedMapping is a U2FMapping that can keep other programs from the key.
type sequencedMapping struct {
	U2FMapping
	sequencer
}

// CBOR implements [Transport]. Errors that are not the context's are those of
// the U2FTransport, a *u2f.OpError among whose meanings is
// u2f.ErrSwitchedOff, a *[ReplyError], or an *[UnsupportedError].
func (m U2FMapping) CBOR(ctx context.Context, dst, request []byte, waiting func(status byte)) ([]byte, error) {
	key := u2f.NewClient(m.U2FTransport, &u2f.ClientConfig{Waiting: waiting})
	reply, err := mapToU2F(ctx, key, append(dst, byte(StatusSuccess)), request)
	if status, ok := errors.AsType[Status](err); ok {
		return append(dst, byte(status)), nil
	}
	return reply, err
}

// mapToU2F answers a request and appends the response, without a status byte,
// to dst. The error may be a Status.
func mapToU2F(ctx context.Context, key *u2f.Client, dst, request []byte) ([]byte, error) {
	if len(request) == 0 {
		return nil, StatusInvalidLength
	}
	switch command, parameters := Command(request[0]), request[1:]; command {
	case CommandMakeCredential:
		r, err := ParseMakeCredentialRequest(parameters)
		if err != nil {
			return nil, err
		}
		response, err := makeCredentialU2F(ctx, key, r)
		if err != nil {
			return nil, err
		}
		return response.Append(dst)
	case CommandGetAssertion:
		r, err := ParseGetAssertionRequest(parameters)
		if err != nil {
			return nil, err
		}
		response, err := getAssertionU2F(ctx, key, r)
		if err != nil {
			return nil, err
		}
		return response.Append(dst)
	case CommandGetInfo:
		response, err := getInfoU2F(ctx, key)
		if err != nil {
			return nil, err
		}
		return response.Append(dst)
	}
	return nil, StatusInvalidCommand
}

// unlimitedU2F stands for limits that a mapping does not have: a request is not
// sent as it is, and a list is gone through entry by entry.
const unlimitedU2F = 1 << 16

// getInfoU2F describes a U2F key, and makes sure that it is one.
func getInfoU2F(ctx context.Context, key *u2f.Client) (*GetInfoResponse, error) {
	version, err := key.Version(ctx)
	if err != nil {
		return nil, err
	}
	if version != u2f.Version2 {
		return nil, badReply(CommandGetInfo, []byte(version), fmt.Sprintf("U2F_VERSION says %.16q", version))
	}
	return &GetInfoResponse{
		Versions:                 []string{VersionU2F},
		MaxMsgSize:               unlimitedU2F,
		MaxCredentialCountInList: unlimitedU2F,
		MaxCredentialIDLength:    u2f.MaxKeyHandleLength,
		Algorithms:               []PublicKeyCredentialParameters{{Alg: cose.ES256, Type: TypePublicKey}},
	}, nil
}

// notU2F returns the error that says that U2F has no such feature.
func notU2F(feature string) error {
	return &UnsupportedError{feature + ": it is used as a U2F key"}
}

// checkU2F refuses what U2F has for neither command.
func checkU2F(clientDataHash []byte, o Options, e Extensions, pinUvAuthParam []byte) error {
	switch {
	case len(clientDataHash) != 32:
		return StatusInvalidLength
	case o.RK != nil && *o.RK:
		return notU2F("discoverable credentials")
	case o.UV != nil && *o.UV, pinUvAuthParam != nil:
		return notU2F("user verification")
	case len(e) > 0:
		return notU2F("extensions")
	}
	return nil
}

// isKeyHandle reports whether the descriptor can name a credential of a U2F key.
func isKeyHandle(d PublicKeyCredentialDescriptor) bool {
	return d.Type == TypePublicKey && len(d.ID) > 0 && len(d.ID) <= u2f.MaxKeyHandleLength
}

// knowsU2F asks the key whether the key handle is its own, without a touch.
func knowsU2F(ctx context.Context, key *u2f.Client, r *u2f.AuthenticateRequest) (bool, error) {
	err := key.Check(ctx, r)
	if errors.Is(err, u2f.ErrUnknownKeyHandle) {
		return false, nil
	}
	return err == nil, err
}
