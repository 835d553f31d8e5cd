package ctap2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// PINRetries is what a key tells about tries of the PIN (CTAP 2.3 section
// 6.5.5.2).
type PINRetries struct {
	Retries          uint // wrong PINs left until the PIN is blocked and only a reset helps; at most 8
	PowerCycleNeeded bool // the key takes no PIN until it has been unplugged; false if it does not say
}

// PINRetries asks how many tries of the PIN are left. It needs no PIN and costs
// no try.
func (c *Client) PINRetries(ctx context.Context) (PINRetries, error) {
	return inTurn(ctx, c, GetPINRetries.operation(), c.pinRetries)
}

func (c *Client) pinRetries(ctx context.Context) (PINRetries, error) {
	r, err := c.clientPIN(ctx, &ClientPINRequest{PinUvAuthProtocol: c.retriesProtocol(), SubCommand: GetPINRetries})
	if err != nil {
		return PINRetries{}, err
	}
	if r.PINRetries == nil {
		return PINRetries{}, badPINReply(GetPINRetries, r, errors.New("pinRetries is missing"))
	}
	return PINRetries{*r.PINRetries, r.PowerCycleState != nil && *r.PowerCycleState}, nil
}

// UVRetries asks how many tries of the key's own user verification, such as a
// fingerprint, are left until only the PIN helps (CTAP 2.3 section 6.5.5.3).
func (c *Client) UVRetries(ctx context.Context) (uint, error) {
	return inTurn(ctx, c, GetUVRetries.operation(), c.uvRetries)
}

func (c *Client) uvRetries(ctx context.Context) (uint, error) {
	r, err := c.clientPIN(ctx, &ClientPINRequest{PinUvAuthProtocol: c.retriesProtocol(), SubCommand: GetUVRetries})
	if err != nil {
		return 0, err
	}
	if r.UVRetries == nil {
		return 0, badPINReply(GetUVRetries, r, errors.New("uvRetries is missing"))
	}
	return *r.UVRetries, nil
}

// retriesProtocol returns the protocol to name where CTAP 2.1 asks for none.
// CTAP 2.0, which knows only protocol one, wants it in every subcommand.
func (c *Client) retriesProtocol() pinuv.Protocol {
	if info := c.info.Load(); info != nil {
		if p, err := info.PreferredPinUvAuthProtocol(); err == nil {
			return p
		}
	}
	return pinuv.One
}

// SetPIN sets the PIN of a key that has none (CTAP 2.3 section 6.5.5.5). The
// PIN is UTF-8 and is normalised; a *[CommandError] that wraps a *[pinuv.PINError]
// says which rule it breaks, without asking the key, and a *[PINError] what the
// key says. The PIN is not kept; the caller wipes it.
func (c *Client) SetPIN(ctx context.Context, pin []byte) error {
	_, err := inTurn(ctx, c, SetPIN.operation(), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.newPIN(ctx, SetPIN, nil, pin)
	})
	return err
}

// ChangePIN replaces the PIN (CTAP 2.3 section 6.5.5.6). Errors are those of
// [Client.SetPIN]; a wrong current PIN costs a try, and one that no key can have
// costs none, as in [Client.PINToken]. Neither PIN is kept.
func (c *Client) ChangePIN(ctx context.Context, current, replacement []byte) error {
	_, err := inTurn(ctx, c, ChangePIN.operation(), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.newPIN(ctx, ChangePIN, current, replacement)
	})
	return err
}

func (c *Client) newPIN(ctx context.Context, sub ClientPINSubCommand, current, replacement []byte) error {
	info, protocol, err := c.pinInfo(ctx)
	if err != nil {
		return err
	}
	pin, err := pinuv.NormalizePIN(replacement)
	if err != nil {
		return sub.operation().fails(err)
	}
	defer clear(pin)
	least, most := info.PINLengths()
	if err := pinuv.CheckPIN(pin, least, most); err != nil {
		return sub.operation().fails(err)
	}
	padded, err := pinuv.PadPIN(pin)
	if err != nil {
		return sub.operation().fails(err)
	}
	defer clear(padded)
	var old existingPIN
	if sub == ChangePIN {
		if old, err = c.existing(current); err != nil {
			return sub.operation().fails(err)
		}
		defer old.wipe()
	}
	_, err = unlessForgotten(ctx, c, func() (none struct{}, _ error) {
		return none, c.sendPIN(ctx, protocol, sub, old, padded)
	})
	return c.explainPIN(ctx, sub, old.normalized, err)
}

// sendPIN sends a new PIN, padded, and the old one if there is one.
func (c *Client) sendPIN(ctx context.Context, protocol pinuv.Protocol, sub ClientPINSubCommand, old existingPIN, padded []byte) error {
	public, secret, err := c.agree(ctx, protocol)
	if err != nil {
		return err
	}
	defer secret.Wipe()
	r := &ClientPINRequest{PinUvAuthProtocol: protocol, SubCommand: sub, KeyAgreement: public}
	if r.NewPinEnc, err = secret.Encrypt(c.config.Rand, padded); err != nil {
		return sub.operation().fails(err)
	}
	message := r.NewPinEnc
	if sub == ChangePIN {
		if r.PinHashEnc, err = secret.Encrypt(c.config.Rand, old.hash[:]); err != nil {
			return sub.operation().fails(err)
		}
		message = slices.Concat(r.NewPinEnc, r.PinHashEnc)
	}
	r.PinUvAuthParam = secret.Authenticate(message)
	_, err = c.clientPIN(ctx, r)
	return err
}

// PINToken exchanges the PIN for a token with permissions, which authorises
// further commands (CTAP 2.3 sections 6.5.5.7.1 and 6.5.5.7.2). rpID binds the
// token to a relying party: PermissionMC and PermissionGA need it, others may
// leave it empty. A key of CTAP 2.0 or 2.1 without the option pinUvAuthToken
// knows neither permissions nor RP IDs and gives a token for everything; no
// permissions, or no RP ID where it is needed, are a *[RequestError] for every key
// all the same, and nothing is sent.
//
// A wrong PIN is a *[PINError] and costs a try, of which eight in a row are all
// there is. What no key can have for a PIN, such as three bytes or a NUL at the
// end, costs none: it is not sent, and the *[CommandError] wraps a
// *[pinuv.PINError]. A key that demands a new PIN first is a *PINError with
// StatusPINPolicyViolation, found out without a try.
//
// Ask for what one operation needs: a key takes most permissions away when it
// is touched. The PIN is not kept. The caller wipes the token after use.
func (c *Client) PINToken(ctx context.Context, pin []byte, permissions Permissions, rpID string) (*pinuv.Token, error) {
	return inTurn(ctx, c, GetPinUvAuthTokenUsingPinWithPermissions.operation(), func(ctx context.Context) (*pinuv.Token, error) {
		return c.pinToken(ctx, pin, permissions, rpID)
	})
}

func (c *Client) pinToken(ctx context.Context, pin []byte, permissions Permissions, rpID string) (*pinuv.Token, error) {
	if err := checkPermissions(permissions, rpID); err != nil {
		return nil, GetPinUvAuthTokenUsingPinWithPermissions.operation().fails(err)
	}
	if info := c.info.Load(); info != nil && info.ForcePINChange {
		c.info.Store(nil) // another program may have changed the PIN since
	}
	info, protocol, err := c.pinInfo(ctx)
	if err != nil {
		return nil, err
	}
	r := &ClientPINRequest{SubCommand: GetPINToken}
	if info.Options[OptionPinUvAuthToken] {
		r = &ClientPINRequest{SubCommand: GetPinUvAuthTokenUsingPinWithPermissions, Permissions: permissions, RPID: rpID}
	}
	if info.ForcePINChange {
		return nil, &PINError{SubCommand: r.SubCommand, Status: StatusPINPolicyViolation, Retries: -1}
	}
	old, err := c.existing(pin)
	if err != nil {
		return nil, r.SubCommand.operation().fails(err)
	}
	defer old.wipe()
	r.PinUvAuthProtocol = protocol
	token, err := unlessForgotten(ctx, c, func() (*pinuv.Token, error) {
		public, secret, err := c.agree(ctx, protocol)
		if err != nil {
			return nil, err
		}
		defer secret.Wipe()
		r.KeyAgreement = public
		if r.PinHashEnc, err = secret.Encrypt(c.config.Rand, old.hash[:]); err != nil {
			return nil, r.SubCommand.operation().fails(err)
		}
		return c.token(ctx, r, secret)
	})
	if err != nil {
		return nil, c.explainPIN(ctx, r.SubCommand, old.normalized, err)
	}
	return token, nil
}

// UVToken has the key verify the user itself, by fingerprint or on its own
// keypad, and returns a token with permissions (CTAP 2.3 section 6.5.5.7.3);
// rpID as for [Client.PINToken]. StatusUVInvalid means try again, as often as
// [Client.UVRetries] says, and StatusUVBlocked that only the PIN helps. No
// permissions, or no RP ID where it is needed, are a *[RequestError], and nothing
// is sent. The caller wipes the token after use.
func (c *Client) UVToken(ctx context.Context, permissions Permissions, rpID string) (*pinuv.Token, error) {
	return inTurn(ctx, c, GetPinUvAuthTokenUsingUvWithPermissions.operation(), func(ctx context.Context) (*pinuv.Token, error) {
		return c.uvToken(ctx, permissions, rpID)
	})
}

func (c *Client) uvToken(ctx context.Context, permissions Permissions, rpID string) (*pinuv.Token, error) {
	if err := checkPermissions(permissions, rpID); err != nil {
		return nil, GetPinUvAuthTokenUsingUvWithPermissions.operation().fails(err)
	}
	info, err := c.remembered(ctx)
	if err != nil {
		return nil, err
	}
	if _, ok := info.Options[OptionUV]; !ok || !info.Options[OptionPinUvAuthToken] {
		return nil, &UnsupportedError{"tokens by its own user verification"}
	}
	protocol, err := info.PreferredPinUvAuthProtocol()
	if err != nil {
		return nil, err
	}
	return unlessForgotten(ctx, c, func() (*pinuv.Token, error) {
		public, secret, err := c.agree(ctx, protocol)
		if err != nil {
			return nil, err
		}
		defer secret.Wipe()
		return c.token(ctx, &ClientPINRequest{
			PinUvAuthProtocol: protocol,
			SubCommand:        GetPinUvAuthTokenUsingUvWithPermissions,
			KeyAgreement:      public,
			Permissions:       permissions,
			RPID:              rpID,
		}, secret)
	})
}

// checkPermissions says what is missing from a request for a token, before the
// user is asked for anything.
func checkPermissions(p Permissions, rpID string) error {
	switch bound := p & (PermissionMC | PermissionGA); {
	case p == 0:
		return &RequestError{StatusMissingParameter, errors.New("name at least one permission")}
	case bound != 0 && rpID == "":
		return &RequestError{StatusMissingParameter, fmt.Errorf("name the RP ID, which the permissions %v need", bound)}
	}
	return nil
}

func (c *Client) clientPIN(ctx context.Context, r *ClientPINRequest) (*ClientPINResponse, error) {
	ask := func() (*ClientPINResponse, error) {
		return send(ctx, c, r.SubCommand.operation(), r.Append, ParseClientPINResponse)
	}
	switch r.SubCommand {
	case GetPINRetries, GetUVRetries, GetKeyAgreement: // they depend on nothing
		return unlessForgotten(ctx, c, ask)
	}
	return ask()
}

// pinInfo returns what a PIN operation must know of the key.
func (c *Client) pinInfo(ctx context.Context) (*GetInfoResponse, pinuv.Protocol, error) {
	info, err := c.remembered(ctx)
	if err != nil {
		return nil, 0, err
	}
	if _, ok := info.Options[OptionClientPIN]; !ok {
		return nil, 0, &UnsupportedError{"a PIN"}
	}
	protocol, err := info.PreferredPinUvAuthProtocol()
	return info, protocol, err
}

// agree agrees with the key on a secret, anew for each operation because a key
// makes a new key pair after a wrong PIN and at power-up. The caller wipes the
// secret.
func (c *Client) agree(ctx context.Context, p pinuv.Protocol) (*cose.Key, *pinuv.SharedSecret, error) {
	r, err := c.clientPIN(ctx, &ClientPINRequest{PinUvAuthProtocol: p, SubCommand: GetKeyAgreement})
	if err != nil {
		return nil, nil, err
	}
	if r.KeyAgreement == nil {
		return nil, nil, badPINReply(GetKeyAgreement, r, errors.New("keyAgreement is missing"))
	}
	public, secret, err := p.Encapsulate(c.config.Rand, r.KeyAgreement)
	if bad, ok := errors.AsType[*pinuv.KeyAgreementError](err); ok {
		return nil, nil, badPINReply(GetKeyAgreement, r, bad)
	}
	if err != nil {
		return nil, nil, GetKeyAgreement.operation().fails(err)
	}
	return public, secret, nil
}

// token sends a request for a token and decrypts the answer.
func (c *Client) token(ctx context.Context, r *ClientPINRequest, secret *pinuv.SharedSecret) (*pinuv.Token, error) {
	response, err := c.clientPIN(ctx, r)
	if err != nil {
		return nil, err
	}
	if response.PinUvAuthToken == nil {
		return nil, badPINReply(r.SubCommand, response, errors.New("pinUvAuthToken is missing"))
	}
	b, err := secret.Decrypt(response.PinUvAuthToken)
	if err != nil {
		return nil, badPINReply(r.SubCommand, response, err)
	}
	defer clear(b)
	token, err := pinuv.NewToken(secret.Protocol(), b)
	if err != nil {
		return nil, badPINReply(r.SubCommand, response, err)
	}
	return token, nil
}

func badPINReply(sub ClientPINSubCommand, r *ClientPINResponse, problem error) error {
	return sub.operation().fails(&ReplyError{CommandClientPIN, r.Raw, problem})
}

// existingPIN is the PIN that is set on the key, as it is sent.
type existingPIN struct {
	hash       [pinuv.PINHashSize]byte
	normalized bool // it differs from what was typed
}

func (p *existingPIN) wipe() { clear(p.hash[:]) }

// shortInCharactersAlone reports whether all that is wrong with a PIN is that it
// has less than four characters, but four bytes. Keys that count bytes, as other
// software does too, can have such a PIN.
func shortInCharactersAlone(pin []byte, err error) bool {
	wrong, ok := errors.AsType[*pinuv.PINError](err)
	return ok && wrong.Rule == pinuv.PINTooShort && len(pin) >= pinuv.MinPINCodePoints && pin[len(pin)-1] != 0
}

// existing prepares a PIN for the key to compare. Whether it is long enough for
// the key's policy is the key's business, which may have changed since; what no
// key can have is a slip that shall not cost a try.
func (c *Client) existing(pin []byte) (existingPIN, error) {
	normal, err := pinuv.NormalizePIN(pin)
	if err != nil {
		return existingPIN{}, err
	}
	defer clear(normal)
	sent := normal
	if c.config.PINAsTyped {
		sent = pin
	}
	if err := pinuv.CheckPIN(sent, 0, 0); err != nil && !shortInCharactersAlone(sent, err) {
		return existingPIN{}, err
	}
	return existingPIN{pinuv.HashPIN(sent), !bytes.Equal(sent, pin)}, nil
}
