package webauthn

import (
	"context"
	"errors"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// verifiesByOption reports whether the key verifies its user when a request has
// the option uv, and gives no token for it: as CTAP 2.0 has it.
func (c *ceremony) verifiesByOption() bool {
	return c.info.Options[ctap2.OptionUV] && !c.info.Options[ctap2.OptionPinUvAuthToken]
}

// verifiesByPIN reports whether a PIN is set that gives the permissions.
func (c *ceremony) verifiesByPIN(p ctap2.Permissions) bool {
	return c.info.Options[ctap2.OptionClientPIN] && p&^c.info.PINPermissions() == 0
}

// canVerify reports whether the key can verify its user for something, as it is
// set up now.
func (c *ceremony) canVerify(p ctap2.Permissions) bool {
	return c.verifiesByOption() || c.verifiesByPIN(p) || p&^c.info.UVPermissions() == 0
}

// protected reports whether a PIN or the key's own user verification is set up.
func (c *ceremony) protected() bool {
	return c.info.Options[ctap2.OptionClientPIN] || c.info.Options[ctap2.OptionUV]
}

// creationDemandsUV reports whether the key makes a credential only for a
// verified user (CTAP 2.3 section 6.1.2, steps 6 to 8). A key of CTAP 2.0 demands
// the PIN, and leaves its own user verification to the host.
func (c *ceremony) creationDemandsUV(rk bool) bool {
	switch {
	case c.info.Options[ctap2.OptionAlwaysUv]:
		return true
	case !c.info.Options[ctap2.OptionClientPIN] && c.verifiesByOption() && !c.is21():
		return false
	}
	return c.protected() && (rk || !c.info.Options[ctap2.OptionMakeCredUvNotRqd])
}

// wantsVerification decides whether to verify the user. demanded is for what the
// key or an extension demands, whatever the site says. The error tells what the
// user can do if it must be and can't.
func (c *ceremony) wantsVerification(site UserVerification, demanded bool, p ctap2.Permissions) (bool, error) {
	must := demanded || site == UserVerificationRequired
	if c.canVerify(p) {
		return must || site != UserVerificationDiscouraged, nil
	}
	if must {
		return false, c.cannotVerify(p)
	}
	return false, nil
}

// cannotVerify says why the key can't verify its user, and what to do about it.
func (c *ceremony) cannotVerify(p ctap2.Permissions) error {
	_, pin := c.info.Options[ctap2.OptionClientPIN]
	_, uv := c.info.Options[ctap2.OptionUV]
	switch {
	case pin && p&^c.info.PINPermissions() == 0:
		return unsuitable("the key must verify you, and no PIN is set on it: set one first", ctap2.StatusPINNotSet)
	case uv:
		return unsuitable("the key must verify you, and no fingerprint is enrolled on it: enrol one first")
	case c.isU2F():
		return unsuitable("this is a U2F key, which can't verify you: use a newer one")
	}
	return unsuitable("this key can't verify you: use another")
}

// maxVerifications is how often the option uv is tried, as no key allows more
// (uvRetries in CTAP 2.3 section 6.5.1).
const maxVerifications = 25

// verified runs a command for which the user is verified if wants says so: with a
// token, which is wiped afterwards, or with the option uv. Without either the
// command may turn out to need it after all.
func verified[R any](ctx context.Context, c *ceremony, wants bool, p ctap2.Permissions, rpID string, command func(token *pinuv.Token, uv bool) (R, error)) (R, error) {
	if !wants {
		r, err := command(nil, false)
		if !errors.Is(err, ctap2.StatusPUATRequired) && !errors.Is(err, ctap2.StatusUnauthorizedPermission) {
			return r, err
		}
		// Another program has set a PIN meanwhile, or the key demands more than it
		// says.
		if err := c.refresh(ctx); err != nil {
			return r, err
		}
		if !c.canVerify(p) {
			return r, c.cannotVerify(p)
		}
	}
	if c.verifiesByOption() {
		r, err := verifiedByOption(ctx, c, command)
		usePIN := errors.Is(err, ctap2.ErrUsePIN) || errors.Is(err, ctap2.StatusUVBlocked) ||
			errors.Is(err, ctap2.StatusPUATRequired) || errors.Is(err, ctap2.StatusPINBlocked)
		if !usePIN || !c.verifiesByPIN(p) {
			return r, err
		}
	}
	r, err := verifiedByToken(ctx, c, p, rpID, command)
	if errors.Is(err, ctap2.StatusPINAuthInvalid) || errors.Is(err, ctap2.StatusPINTokenExpired) {
		// Another program has got a token of its own, or the key was unplugged.
		return verifiedByToken(ctx, c, p, rpID, command)
	}
	return r, err
}

func verifiedByOption[R any](ctx context.Context, c *ceremony, command func(*pinuv.Token, bool) (R, error)) (r R, err error) {
	defer c.endFingerprint()
	var last error
	for range maxVerifications {
		retries := -1
		if left, err := c.key.UVRetries(ctx); err == nil { // CTAP 2.0 does not know it
			retries = int(min(left, maxVerifications))
		}
		if err := c.askFingerprint(ctx, retries, last); err != nil {
			return r, err
		}
		if r, err = command(nil, true); !errors.Is(err, ctap2.StatusUVInvalid) {
			return r, err
		}
		last = err
	}
	return r, err
}

func verifiedByToken[R any](ctx context.Context, c *ceremony, p ctap2.Permissions, rpID string, command func(*pinuv.Token, bool) (R, error)) (r R, err error) {
	c.asked = time.Time{}
	var tries uint
	token, err := c.key.Token(ctx, p, rpID, ctap2.TokenPrompt{PIN: c.askPIN, UV: func(ctx context.Context, left uint, last error) error {
		// So many tries the key wants before the PIN is asked for (CTAP 2.3 section
		// 6.4, preferredPlatformUvAttempts).
		if most := c.info.PreferredPlatformUvAttempts; most > 0 && tries >= most && c.verifiesByPIN(p) {
			return ctap2.ErrUsePIN
		}
		tries++
		return c.askUV(ctx, left, last)
	}})
	c.endFingerprint()
	if err != nil {
		return r, err
	}
	defer token.Wipe()
	return command(token, false)
}

// askPIN and askUV are a ctap2.TokenPrompt.

func (c *ceremony) askPIN(ctx context.Context, left ctap2.PINRetries, last error) ([]byte, error) {
	c.endFingerprint()
	least, _ := c.info.PINLengths()
	return c.prompt.PIN(ctx, PINPrompt{
		Ceremony: c.kind, RPID: c.rpID, Retries: int(min(left.Retries, 255)), MinLength: int(min(least, 63)), Last: last,
	})
}

func (c *ceremony) askUV(ctx context.Context, left uint, last error) error {
	return c.askFingerprint(ctx, int(min(left, maxVerifications)), last)
}

// askFingerprint shows a prompt that is there until endFingerprint or the next.
func (c *ceremony) askFingerprint(ctx context.Context, retries int, last error) error {
	c.endFingerprint()
	ctx, c.fingerDone = context.WithCancel(ctx)
	return c.prompt.Fingerprint(ctx, FingerprintPrompt{Ceremony: c.kind, RPID: c.rpID, Retries: retries, Last: last})
}

func (c *ceremony) endFingerprint() {
	if c.fingerDone != nil {
		c.fingerDone()
		c.fingerDone = nil
	}
}
