package ctap2

import (
	"context"
	"errors"

	"github.com/gofido/fido/ctap2/pinuv"
)

// A TokenPrompt asks the user for what [Client.Token] needs. A function that
// returns an error ends the call with it. Both may use the Client.
type TokenPrompt struct {
	// PIN asks for the PIN, which is wiped after use. last is nil at first, and
	// then says why the PIN before was refused: a *[PINError], or a
	// *[pinuv.PINError] for one that no key can have, which cost no try. nil
	// stands for a program that can't ask for a PIN.
	PIN func(ctx context.Context, retries PINRetries, last error) ([]byte, error)

	// UV tells that the key is about to verify the user itself, and how many
	// tries are left until only the PIN helps. last is nil at first, and then
	// why the last try failed. [ErrUsePIN] goes on to the PIN; nil stands for a
	// function that always agrees.
	UV func(ctx context.Context, retries uint, last error) error
}

// ErrUsePIN is what TokenPrompt.UV returns when the user wants to enter the PIN
// instead.
var ErrUsePIN = errors.New("ctap2: the user wants to enter the PIN")

// What no key allows more of: see uvRetries and pinRetries in CTAP 2.3 section
// 6.5.1.
const (
	maxUVTries  = 25
	maxPINTries = 8
)

// Token gets a token with permissions in the way that suits the key: by its own
// user verification if it is set up and gives these permissions, and by the PIN
// if not, or when the other is blocked. It goes on until the user succeeds, the
// tries are used up or prompt ends it. rpID is as for [Client.PINToken].
//
// Ask for all that a piece of work needs and nothing else: one token for
// PermissionCM and PermissionLBW, say, lets a program list credentials, delete
// one and its large blob with one prompt. A token that was used in a
// makeCredential or getAssertion with a touch is good for PermissionLBW alone
// afterwards. A permission that the key does not give either way is an
// *[UnsupportedError]; PermissionPCMR can't be combined with others.
//
// The steps are turns of their own, so that nothing waits for the user; with
// [Client.Reserve] nobody else takes the token away before it was used. Each try
// costs two commands, and one in front that asks how many are left; after a wrong
// PIN that is known already.
func (c *Client) Token(ctx context.Context, permissions Permissions, rpID string, prompt TokenPrompt) (*pinuv.Token, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return nil, err
	}
	byUV, byPIN := info.UVPermissions(), info.PINPermissions()
	if permissions&PermissionPCMR != 0 && permissions != PermissionPCMR {
		return nil, &UnsupportedError{"the permission pcmr together with others"}
	}
	if missing := permissions &^ (byUV | byPIN); missing != 0 {
		return nil, &UnsupportedError{"the permissions " + missing.String()}
	}
	if permissions&^byUV == 0 {
		token, err := c.uvTokenWith(ctx, permissions, rpID, prompt)
		usePIN := errors.Is(err, ErrUsePIN) || errors.Is(err, StatusUVBlocked)
		if !usePIN || prompt.PIN == nil || permissions&^byPIN != 0 {
			return token, err
		}
	}
	if permissions&^byPIN != 0 || prompt.PIN == nil {
		return nil, &UnsupportedError{"the permissions " + permissions.String() + " without a PIN"}
	}
	return c.pinTokenWith(ctx, permissions, rpID, prompt)
}

func (c *Client) uvTokenWith(ctx context.Context, permissions Permissions, rpID string, prompt TokenPrompt) (*pinuv.Token, error) {
	var last error
	for range maxUVTries {
		left, err := c.UVRetries(ctx)
		if err != nil {
			return nil, err
		}
		if left == 0 {
			return nil, GetPinUvAuthTokenUsingUvWithPermissions.operation().fails(StatusUVBlocked)
		}
		if prompt.UV != nil {
			if err := prompt.UV(ctx, left, last); err != nil {
				return nil, err
			}
		}
		token, err := c.UVToken(ctx, permissions, rpID)
		if !errors.Is(err, StatusUVInvalid) {
			return token, err
		}
		last = err
	}
	return nil, last
}

func (c *Client) pinTokenWith(ctx context.Context, permissions Permissions, rpID string, prompt TokenPrompt) (*pinuv.Token, error) {
	left, err := c.PINRetries(ctx)
	if err != nil {
		return nil, err
	}
	// What can't succeed is not worth a prompt.
	refused := func(s Status) error {
		return &PINError{SubCommand: GetPinUvAuthTokenUsingPinWithPermissions, Status: s, Retries: int(min(left.Retries, 255)), PowerCycleNeeded: left.PowerCycleNeeded}
	}
	info, err := c.Info(ctx)
	if err == nil && (!info.Options[OptionClientPIN] || info.ForcePINChange) {
		info, err = c.GetInfo(ctx) // another program may have set or changed it since
	}
	switch {
	case err != nil:
		return nil, err
	case !info.Options[OptionClientPIN]:
		return nil, refused(StatusPINNotSet)
	case left.Retries == 0:
		return nil, refused(StatusPINBlocked)
	case left.PowerCycleNeeded:
		return nil, refused(StatusPINAuthBlocked)
	case info.ForcePINChange:
		return nil, refused(StatusPINPolicyViolation)
	}
	var last error
	for range maxPINTries {
		pin, err := prompt.PIN(ctx, left, last)
		if err != nil {
			return nil, err
		}
		token, err := c.PINToken(ctx, pin, permissions, rpID)
		clear(pin)
		if impossible, ok := errors.AsType[*pinuv.PINError](err); ok {
			last = impossible
			continue
		}
		wrong, ok := errors.AsType[*PINError](err)
		if !ok || wrong.Status != StatusPINInvalid || wrong.Retries <= 0 || wrong.PowerCycleNeeded {
			return token, err
		}
		left, last = PINRetries{Retries: uint(wrong.Retries)}, err
	}
	return nil, last
}

// PINPermissions returns the permissions that the key gives for its PIN, as
// getInfo says (CTAP 2.3 section 6.5.5.7); none if it can't have a PIN. A key
// without the option pinUvAuthToken gives tokens without permissions, which are
// good for all that it has.
func (r *GetInfoResponse) PINPermissions() Permissions {
	if !has(r, OptionClientPIN) {
		return 0
	}
	p := r.commonPermissions()
	if r.Options[OptionNoMcGaPermissionsWithClientPin] {
		p &^= PermissionMC | PermissionGA
	}
	if has(r, OptionBioEnroll) || has(r, OptionUserVerificationMgmtPreview) {
		p |= PermissionBE
	}
	if r.Options[OptionAuthnrCfg] {
		p |= PermissionACFG
	}
	return p
}

// UVPermissions returns the permissions that the key gives for its own user
// verification, as getInfo says (CTAP 2.3 section 6.5.5.7); none if that is not
// set up.
func (r *GetInfoResponse) UVPermissions() Permissions {
	if !r.Options[OptionUV] || !r.Options[OptionPinUvAuthToken] {
		return 0
	}
	p := r.commonPermissions()
	if r.Options[OptionUVBioEnroll] {
		p |= PermissionBE
	}
	if r.Options[OptionUVAcfg] {
		p |= PermissionACFG
	}
	return p
}

// commonPermissions are those for which it does not matter how the user is
// verified.
func (r *GetInfoResponse) commonPermissions() Permissions {
	p := PermissionMC | PermissionGA
	if r.Options[OptionCredMgmt] || r.Options[OptionCredentialMgmtPreview] {
		p |= PermissionCM
	}
	if r.Options[OptionLargeBlobs] {
		p |= PermissionLBW
	}
	if r.Options[OptionPerCredMgmtRO] {
		p |= PermissionPCMR
	}
	return p
}

// DeviceIdentifier decrypts EncIdentifier with a persistent token, one that was
// asked for with PermissionPCMR (CTAP 2.3 section 6.4, encIdentifier). It stays
// the same until the key is reset, and tells the owner's keys apart. A key that
// does not send it is an *[UnsupportedError].
func (r *GetInfoResponse) DeviceIdentifier(token *pinuv.Token) (id [16]byte, err error) {
	if r.EncIdentifier == nil {
		return id, &UnsupportedError{"an identifier of the device"}
	}
	return token.DecryptMember(pinuv.EncIdentifier, r.EncIdentifier)
}

// CredentialStoreState decrypts EncCredStoreState with a persistent token, one
// that was asked for with PermissionPCMR (CTAP 2.3 section 6.4,
// encCredStoreState). It changes with every discoverable credential that is
// made, changed or deleted: as long as it is the same, a list that a program
// keeps is good. Use it of a new GetInfo, not of Info. A key that does not send
// it is an *[UnsupportedError].
func (r *GetInfoResponse) CredentialStoreState(token *pinuv.Token) (state [16]byte, err error) {
	if r.EncCredStoreState == nil {
		return state, &UnsupportedError{"a state of its credentials"}
	}
	return token.DecryptMember(pinuv.EncCredStoreState, r.EncCredStoreState)
}
