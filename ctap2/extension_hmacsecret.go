package ctap2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// HMACSaltSize is the size of a salt of hmac-secret, and of the output for it,
// in bytes.
const HMACSaltSize = 32

// HMACSecretInput is the input of the extensions hmac-secret in getAssertion and
// hmac-secret-mc in makeCredential (CTAP 2.3 sections 12.7 and 12.8).
type HMACSecretInput struct {
	KeyAgreement      *cose.Key       `cbor:"1,keyasint"` // the platform's key
	SaltEnc           []byte          `cbor:"2,keyasint"` // one or two salts of 32 bytes, encrypted
	SaltAuth          []byte          `cbor:"3,keyasint"` // MAC of SaltEnc
	PinUvAuthProtocol *pinuv.Protocol `cbor:"4,keyasint,omitzero"`
}

// ParseHMACSecretInput decodes the input as an authenticator receives it. The
// error is a *[RequestError]. As in [ParseClientPINRequest] the platform's key
// may be any map: it is judged when it is used.
func ParseHMACSecretInput(input cbor.RawMessage) (*HMACSecretInput, error) {
	var in struct {
		KeyAgreement      receivedKey     `cbor:"1,keyasint"`
		SaltEnc           []byte          `cbor:"2,keyasint"`
		SaltAuth          []byte          `cbor:"3,keyasint"`
		PinUvAuthProtocol *pinuv.Protocol `cbor:"4,keyasint"`
	}
	if err := parseRequest(input, &in, new(Received), 1, 2, 3); err != nil {
		return nil, err
	}
	return &HMACSecretInput{in.KeyAgreement.key, in.SaltEnc, in.SaltAuth, in.PinUvAuthProtocol}, nil
}

// RequestHMACSecret asks makeCredential for a credential that hmac-secret works
// with (CTAP 2.3 section 12.7).
func (e *Extensions) RequestHMACSecret() { e.set(ExtensionHMACSecret, true) }

// HMACSecretEnabled reports whether hmac-secret works with a new credential,
// from the extension outputs in makeCredential's authenticator data.
func (e Extensions) HMACSecretEnabled() (enabled bool, err error) {
	_, err = e.Get(ExtensionHMACSecret, &enabled)
	return enabled, err
}

// An HMACSecretExchange encrypts salts for a key and decrypts what the key makes
// of them: the HMAC-SHA-256 of each under a secret of the credential, which is
// the same each time. There is one secret for a verified user, and another for
// one that was not. See [Client.HMACSecretExchange].
//
// An exchange serves one request and its responses, those of getNextAssertion
// included, or several in a row until the key's power is cut or a wrong PIN is
// sent, after which it knows the exchange no more. The caller wipes it.
type HMACSecretExchange struct {
	random io.Reader
	public *cose.Key
	secret *pinuv.SharedSecret
	mc     bool // the key has hmac-secret-mc
	asked  int  // salts
}

// HMACSecretExchange agrees with the key on a secret for hmac-secret, by one
// command (CTAP 2.3 section 12.7). It needs no PIN; a token for the request is
// better had before, since a wrong PIN ends the exchange:
//
//	x, err := client.HMACSecretExchange(ctx)
//	defer x.Wipe()
//	err = x.Request(&request.Extensions, salt)
//	response, err := client.GetAssertion(ctx, request)
//	outputs, err := x.Outputs(response.AuthData.Extensions)
//
// The output for [PRFSalt] of an input is what WebAuthn's extension prf yields.
func (c *Client) HMACSecretExchange(ctx context.Context) (*HMACSecretExchange, error) {
	return inTurn(ctx, c, GetKeyAgreement.operation(), func(ctx context.Context) (*HMACSecretExchange, error) {
		info, err := c.remembered(ctx)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(info.Extensions, ExtensionHMACSecret) {
			return nil, &UnsupportedError{"hmac-secret"}
		}
		protocol, err := info.PreferredPinUvAuthProtocol()
		if err != nil {
			return nil, err
		}
		x := &HMACSecretExchange{random: c.config.Rand, mc: slices.Contains(info.Extensions, ExtensionHMACSecretMC)}
		if x.public, x.secret, err = c.agree(ctx, protocol); err != nil {
			return nil, err
		}
		return x, nil
	})
}

// Request asks getAssertion for the outputs for one or two salts.
func (x *HMACSecretExchange) Request(e *Extensions, salts ...[HMACSaltSize]byte) error {
	in, err := x.input(salts)
	if err != nil {
		return err
	}
	e.set(ExtensionHMACSecret, in)
	return nil
}

// RequestMC asks makeCredential for a credential that hmac-secret works with,
// and for the outputs for one or two salts at once (CTAP 2.3 section 12.8,
// hmac-secret-mc). A key that does not have this is an *[UnsupportedError].
func (x *HMACSecretExchange) RequestMC(e *Extensions, salts ...[HMACSaltSize]byte) error {
	if !x.mc {
		return &UnsupportedError{"hmac-secret when a credential is made"}
	}
	in, err := x.input(salts)
	if err != nil {
		return err
	}
	e.set(ExtensionHMACSecret, true)
	e.set(ExtensionHMACSecretMC, in)
	return nil
}

func (x *HMACSecretExchange) input(salts [][HMACSaltSize]byte) (*HMACSecretInput, error) {
	if len(salts) != 1 && len(salts) != 2 {
		return nil, fmt.Errorf("ctap2: hmac-secret takes one or two salts, not %d", len(salts))
	}
	plain := make([]byte, 0, 2*HMACSaltSize)
	for _, s := range salts {
		plain = append(plain, s[:]...)
	}
	defer clear(plain)
	enc, err := x.secret.Encrypt(x.random, plain)
	if err != nil {
		return nil, err
	}
	in := &HMACSecretInput{KeyAgreement: x.public, SaltEnc: enc, SaltAuth: x.secret.Authenticate(enc)}
	// CTAP 2.0 does not know this member, and protocol one is its default.
	if p := x.secret.Protocol(); p != pinuv.One {
		in.PinUvAuthProtocol = &p
	}
	x.asked = len(salts)
	return in, nil
}

// Outputs decrypts the outputs, one for each salt, from the extension outputs in
// the authenticator data; nil if the key gives none. They are secrets, which the
// caller wipes.
func (x *HMACSecretExchange) Outputs(e Extensions) ([][HMACSaltSize]byte, error) {
	id := ExtensionHMACSecretMC
	if _, ok := e[id]; !ok {
		id = ExtensionHMACSecret
	}
	var enc []byte
	if ok, err := e.Get(id, &enc); !ok || err != nil {
		return nil, err
	}
	plain, err := x.secret.Decrypt(enc)
	if err != nil {
		return nil, fmt.Errorf("ctap2: extension %s: %w", id, err)
	}
	defer clear(plain)
	if len(plain) != x.asked*HMACSaltSize {
		return nil, fmt.Errorf("ctap2: extension %s: %w", id, errHMACOutputs)
	}
	outputs := make([][HMACSaltSize]byte, 0, x.asked)
	for b := range slices.Chunk(plain, HMACSaltSize) {
		outputs = append(outputs, [HMACSaltSize]byte(b))
	}
	return outputs, nil
}

var errHMACOutputs = errors.New("the key gives another number of outputs than there are salts")

// Wipe overwrites the shared secret. The exchange must not be used afterwards.
func (x *HMACSecretExchange) Wipe() { x.secret.Wipe() }
