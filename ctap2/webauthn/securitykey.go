package webauthn

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gofido/fido/ctap2"
)

// A SecurityKey is an [Authenticator]: it decides what CTAP leaves to the host,
// above all whether the user is to be verified and how, whether a credential is
// made discoverable, and what an extension of WebAuthn is to the key. It works
// with keys of CTAP 2.0 to 2.3, and with U2F keys behind a [ctap2.U2FMapping].
//
// A SecurityKey may be used by several goroutines. It goes through one ceremony
// after the other, prompts included, so that its user is asked one thing at a
// time, and no ceremony takes another's token away. It does so by
// [ctap2.Client.Reserve], with all that reserve the same key: another SecurityKey
// on the client, or the program itself.
type SecurityKey struct {
	// Contactless says that the key is held to a card reader: the user is asked
	// to hold it there, and not to touch it. See fido.Key.Contactless.
	Contactless bool

	key    *ctap2.Client // whose Waiting says nothing: the prompt does
	prompt Prompt
}

var _ Authenticator = (*SecurityKey)(nil)

// NewSecurityKey returns the key behind a client as an [Authenticator] that asks
// its user through prompt. A *fido.Key has the client in its member Client, and
// says by its method Contactless what to set Contactless to. The prompt stands in
// for ClientConfig.Waiting.
//
// A nil prompt is for a program that can't ask: its user has to know when to touch
// the key, and what takes a PIN or a choice fails with [ErrUnsuitable].
func NewSecurityKey(key *ctap2.Client, prompt Prompt) *SecurityKey {
	if prompt == nil {
		prompt = nobody{}
	}
	return &SecurityKey{key: key.WithWaiting(nil), prompt: prompt}
}

// A ceremony is one call of a SecurityKey.
type ceremony struct {
	*SecurityKey
	kind  Ceremony
	rpID  string // of the site, as the user is told
	info  *ctap2.GetInfoResponse
	asked time.Time // when the last command began to wait for a touch; zero if it does not

	fingerDone context.CancelFunc // ends the last fingerprint prompt; nil if there was none
}

// begin waits for the ceremony's turn, asks for the key, if it must be held to a
// reader, and what it can do now: how many passkeys it has room for and whether a
// PIN is set may have changed.
func (k *SecurityKey) begin(ctx context.Context, kind Ceremony, rpID string) (c *ceremony, end func(), err error) {
	c = &ceremony{SecurityKey: k, kind: kind, rpID: rpID}
	release, err := k.key.Reserve(ctx)
	if err != nil {
		return c, func() {}, err
	}
	end = release
	if k.Contactless {
		holding, cancel := context.WithCancel(ctx)
		end = func() { cancel(); release() }
		k.prompt.HoldToReader(holding, c.touchPrompt())
	}
	return c, end, c.refresh(ctx)
}

// refresh asks the key again what it can do.
func (c *ceremony) refresh(ctx context.Context) (err error) {
	c.info, err = c.key.GetInfo(ctx)
	return err
}

func (c *ceremony) touchPrompt() TouchPrompt { return TouchPrompt{Ceremony: c.kind, RPID: c.rpID} }

// isU2F reports whether the key knows nothing newer than U2F.
func (c *ceremony) isU2F() bool {
	return !slices.ContainsFunc(c.info.Versions, func(v string) bool { return v != ctap2.VersionU2F })
}

// is21 reports whether the key is of CTAP 2.1 or later.
func (c *ceremony) is21() bool {
	return slices.Contains(c.info.Versions, ctap2.VersionFIDO21) || slices.Contains(c.info.Versions, ctap2.VersionFIDO23)
}

func (c *ceremony) has(extension string) bool { return slices.Contains(c.info.Extensions, extension) }

// touched runs a command with a client that tells the user when the key waits for
// a touch. quiet is for a command for which the user was asked already.
func touched[R any](ctx context.Context, c *ceremony, quiet bool, command func(*ctap2.Client) (R, error)) (R, error) {
	c.asked = time.Now() // not every key says when it begins to wait
	if quiet || c.Contactless {
		r, err := command(c.key)
		if err == nil {
			c.endFingerprint() // if the command was what the finger was for
		}
		return r, err
	}
	t := touching{ctx: ctx, ceremony: c}
	defer t.end()
	return command(c.key.WithWaiting(t.waiting))
}

// touching shows a prompt for as long as the key waits for a touch.
type touching struct {
	ctx      context.Context
	ceremony *ceremony

	mu     sync.Mutex // the transport may still report when the command has ended
	cancel context.CancelFunc
	ended  bool
}

func (t *touching) waiting(status byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch waits := status == ctap2.WaitingUPNeeded; {
	case t.ended:
	case waits && t.cancel == nil:
		var ctx context.Context
		ctx, t.cancel = context.WithCancel(t.ctx)
		t.ceremony.asked = time.Now()
		t.ceremony.prompt.Touch(ctx, t.ceremony.touchPrompt())
	case !waits && t.cancel != nil:
		t.cancel()
		t.cancel = nil
	}
}

func (t *touching) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.cancel != nil {
		t.cancel()
	}
}

// What a key answers that does not do what it was told.
var (
	errOtherSite   = errors.New("the key's answer is for another site: use another key")
	errNotVerified = errors.New("the key answered without verifying its user, which the site requires: use another key")
	errNotPresent  = errors.New("the key answered without a touch: use another key")
)

// check refuses an answer that the site would refuse too, with less to say about
// it.
func (c *ceremony) check(data *ctap2.AuthenticatorData, rpID string, verify bool) error {
	switch {
	case data.RPIDHash != sha256.Sum256([]byte(rpID)):
		return errOtherSite
	case verify && data.Flags&ctap2.FlagUV == 0:
		return errNotVerified
	case data.Flags&ctap2.FlagUP == 0:
		return errNotPresent
	}
	return nil
}

// descriptors are those of a site's that a key can be asked for: of the type that
// it knows, without what it has no use for.
func descriptors(all []ctap2.PublicKeyCredentialDescriptor) (list []ctap2.PublicKeyCredentialDescriptor) {
	for _, d := range all {
		if d.Type == ctap2.TypePublicKey && len(d.ID) > 0 && len(d.ID) <= ctap2.MaxCredentialIDLength {
			list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: d.ID, Type: d.Type})
		}
	}
	return list
}

// wipe overwrites the key of a large blob, in a response and in what the key sent.
func wipe(key ctap2.LargeBlobKey, r *ctap2.Reply) {
	if key != nil {
		clear(key)
		clear(r.Raw)
	}
}

// transports are the key's, in order (WebAuthn L3 section 5.2.1, getTransports).
func (c *ceremony) transports() []string {
	all := slices.Clone(c.info.Transports)
	switch {
	case len(all) > 0:
	case c.Contactless:
		all = []string{ctap2.TransportNFC}
	default:
		all = []string{ctap2.TransportUSB}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
