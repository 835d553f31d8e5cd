package virtual

import (
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// token is a pinUvAuthToken in use, with its state (CTAP 2.3 section 6.5.2.1).
// There is one at most: a new one takes the place of that of any protocol.
type token struct {
	secret       *pinuv.Token
	permissions  ctap2.Permissions
	rpID         string // "": not bound to a relying party yet
	userVerified bool
	userPresent  bool // the gesture that gave the token counts as a touch
	legacy       bool // it came from getPinToken, which knows no permissions: good for the preview commands
	issued       time.Time
	used         bool
}

// maxTokenAge is the longest that a token lives.
const maxTokenAge = 10 * time.Minute

// initialTokenAge is how long a token lives unused, and how long the gesture
// that gave it counts.
func (k *Key) initialTokenAge() time.Duration {
	if k.config.Transport == ctap2.TransportNFC {
		return 19800 * time.Millisecond
	}
	return 30 * time.Second
}

// issue makes a token and puts it in use, instead of any other. A key of CTAP 2.0
// has one token until the power goes, for everybody who knows the PIN, and by
// protocol one it is a short one, as with many of those keys.
func (k *Key) issue(p pinuv.Protocol, permissions ctap2.Permissions, rpID string, userPresent bool) error {
	size := 32
	if !k.profile.permissions {
		if t := k.boot.token; t != nil && t.secret.Protocol() == p {
			return nil
		}
		if p == pinuv.One {
			size = 16
		}
	}
	b := make([]byte, size)
	defer clear(b)
	if err := k.random(b); err != nil {
		return err
	}
	secret, err := pinuv.NewToken(p, b)
	if err != nil {
		return err
	}
	k.dropToken()
	k.boot.token = &token{
		secret:       secret,
		permissions:  permissions,
		rpID:         rpID,
		userVerified: true,
		userPresent:  userPresent,
		issued:       k.config.Clock.Now(),
	}
	return nil
}

// dropToken ends the use of the token.
func (k *Key) dropToken() {
	k.boot.token.wipe()
	k.boot.token = nil
}

func (t *token) wipe() {
	if t != nil {
		t.secret.Wipe()
	}
}

// liveToken returns the token in use, or nil, after the timers have done what is
// due.
func (k *Key) liveToken() *token {
	t := k.boot.token
	if t == nil {
		return nil
	}
	if !k.profile.permissions {
		return t // until the power goes
	}
	age := k.config.Clock.Now().Sub(t.issued)
	if age >= k.initialTokenAge() {
		t.userPresent = false
		if !t.used {
			k.dropToken()
			return nil
		}
	}
	if age >= maxTokenAge {
		k.dropToken()
		return nil
	}
	return t
}

// authenticate returns the token in use if param is its MAC over message by the
// protocol, and PIN_AUTH_INVALID otherwise.
func (k *Key) authenticate(p pinuv.Protocol, message, param []byte) (*token, error) {
	t := k.liveToken()
	if t == nil || t.secret.Protocol() != p || !t.secret.Verify(message, param) {
		return nil, ctap2.StatusPINAuthInvalid
	}
	t.used = true
	return t, nil
}

// useUp is the fault TokenOnce: a token that was used ends, unless a sequence that
// it began goes on.
func (k *Key) useUp() {
	t, s := k.boot.token, k.boot.sequence
	if k.faults.TokenOnce && t != nil && t.used && (s == nil || s.token != t) {
		k.dropToken()
	}
}

// authorize is what makeCredential and getAssertion ask of a token: the
// permission, for this relying party or none yet, which it then is bound to,
// and a verified user.
func (t *token) authorize(permission ctap2.Permissions, rpID string) error {
	if t.permissions&permission == 0 || t.rpID != "" && t.rpID != rpID || !t.userVerified {
		return ctap2.StatusPINAuthInvalid
	}
	t.rpID = rpID
	return nil
}

// permits reports whether the token has the permission for a command that
// manages the key. A preview command is older than permissions: a token from
// getPinToken is good for it, too.
func (t *token) permits(permission ctap2.Permissions, o *operation) bool {
	return t.permissions&permission != 0 || t.legacy && o.isPreview()
}

// spend is what becomes of the token after an operation that tested user
// presence: only the permission for large blobs is left.
func (k *Key) spend() {
	if t := k.boot.token; t != nil && k.profile.permissions {
		t.userPresent, t.userVerified, t.legacy = false, false, false
		t.permissions &= ctap2.PermissionLBW
	}
}
