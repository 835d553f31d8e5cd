package virtual

import (
	"context"
	"sync"
	"time"

	"github.com/gofido/fido/ctap2"
)

// A User is the person at the key. The key calls one method at a time, on the
// goroutine that asked the key, and holds no lock meanwhile: a User may look
// inside the key.
//
// The context ends when the key stops asking: its time has run out, the host
// has cancelled, or the power went. A method that returns the zero value
// before that lets the key go on waiting until then, so a User who does nothing
// need not wait itself.
type User interface {
	// Touch is called when the key asks for a touch.
	Touch(ctx context.Context, p Prompt) Decision

	// Verify is called when a key with built-in user verification asks the
	// user to identify, by fingerprint for example.
	Verify(ctx context.Context, p Prompt) Verification
}

// A Chooser is a User who can choose among accounts on a key with a display
// (Config.Display). For one who can't, it is the newest account.
type Chooser interface {
	// Choose is called when several accounts match a getAssertion, after the
	// touch, with the newest account first. It returns the index of the chosen
	// one, or a negative number to refuse. The context is that of Touch; a
	// Choose that outlasts it counts as a refusal.
	Choose(ctx context.Context, p Prompt, accounts []ctap2.PublicKeyCredentialUserEntity) int
}

// A Prompt says what a key asks the user for. A key without a display shows
// none of it, so a User may not need it.
type Prompt struct {
	Command ctap2.Command
	RPID    string // "" if the command is not about a relying party
	Clock   Clock  // the key's clock
}

// A Decision is what a user does when asked for a touch.
type Decision uint8

const (
	NoTouch   Decision = iota // nothing, until the key gives up
	Touch                     // touches the key
	LongTouch                 // touches it for five seconds or more; also a touch
	Decline                   // refuses, on a key that has a way to
)

// A Verification is what comes of asking a user to identify.
type Verification uint8

const (
	NoVerification Verification = iota // nothing, until the key gives up
	Verified                           // the right user, who thereby also touched the key
	NotVerified                        // not recognised: the wrong finger
	VerifyDeclined                     // the user refuses
)

// AlwaysTouch returns a user who touches the key, and identifies, at once.
func AlwaysTouch() User { return alwaysTouch{} }

type alwaysTouch struct{}

func (alwaysTouch) Touch(context.Context, Prompt) Decision      { return Touch }
func (alwaysTouch) Verify(context.Context, Prompt) Verification { return Verified }

// NeverTouch returns a user who is not there: the key waits until it gives up.
func NeverTouch() User { return fixedUser{NoTouch, NoVerification} }

// Deny returns a user who refuses whatever the key asks.
func Deny() User { return fixedUser{Decline, VerifyDeclined} }

type fixedUser struct {
	d Decision
	v Verification
}

func (u fixedUser) Touch(context.Context, Prompt) Decision      { return u.d }
func (u fixedUser) Verify(context.Context, Prompt) Verification { return u.v }

// TouchAfter returns a user who touches the key, and identifies, d after being
// asked, by the key's clock.
func TouchAfter(d time.Duration) User { return touchAfter(d) }

type touchAfter time.Duration

func (u touchAfter) Touch(ctx context.Context, p Prompt) Decision {
	if u.wait(ctx, p) {
		return Touch
	}
	return NoTouch
}

func (u touchAfter) Verify(ctx context.Context, p Prompt) Verification {
	if u.wait(ctx, p) {
		return Verified
	}
	return NoVerification
}

func (u touchAfter) wait(ctx context.Context, p Prompt) bool {
	now := make(chan struct{})
	stop := p.Clock.AfterFunc(time.Duration(u), func() { close(now) })
	select {
	case <-now:
		return true
	case <-ctx.Done():
		stop()
		return false
	}
}

// A Step is one move of a scripted user: Touch answers if the key asks for a
// touch, Verify if it asks the user to identify.
type Step struct {
	After  time.Duration // how long the user takes, by the key's clock
	Touch  Decision
	Verify Verification
}

// Script returns a user who takes one step each time the key asks, in order,
// and is not there any more after the last.
func Script(steps ...Step) User { return &script{steps: steps} }

type script struct {
	mu    sync.Mutex
	steps []Step
}

func (u *script) next(ctx context.Context, p Prompt) Step {
	u.mu.Lock()
	if len(u.steps) == 0 {
		u.mu.Unlock()
		return Step{}
	}
	step := u.steps[0]
	u.steps = u.steps[1:]
	u.mu.Unlock()
	if step.After > 0 && !touchAfter(step.After).wait(ctx, p) {
		return Step{}
	}
	return step
}

func (u *script) Touch(ctx context.Context, p Prompt) Decision { return u.next(ctx, p).Touch }

func (u *script) Verify(ctx context.Context, p Prompt) Verification { return u.next(ctx, p).Verify }

// A Manual user does what a test tells it through channels. Sending on
// Decisions or Verifications blocks until the key asks, unless it asks already.
type Manual struct {
	Prompts       <-chan Prompt       // each prompt as the key asks; the test may leave them unread
	Decisions     chan<- Decision     // what to do when asked for a touch
	Verifications chan<- Verification // what comes of asking to identify

	prompts       chan Prompt
	decisions     chan Decision
	verifications chan Verification
}

// NewManual returns a user who waits for a test's commands. In a test with
// testing/synctest it has to be called in the bubble.
func NewManual() *Manual {
	m := &Manual{
		prompts:       make(chan Prompt, 16),
		decisions:     make(chan Decision),
		verifications: make(chan Verification),
	}
	m.Prompts, m.Decisions, m.Verifications = m.prompts, m.decisions, m.verifications
	return m
}

func (m *Manual) asked(p Prompt) {
	select {
	case m.prompts <- p:
	default: // nobody reads them
	}
}

// Touch implements User.
func (m *Manual) Touch(ctx context.Context, p Prompt) Decision {
	m.asked(p)
	select {
	case d := <-m.decisions:
		return d
	case <-ctx.Done():
		return NoTouch
	}
}

// Verify implements User.
func (m *Manual) Verify(ctx context.Context, p Prompt) Verification {
	m.asked(p)
	select {
	case v := <-m.verifications:
		return v
	case <-ctx.Done():
		return NoVerification
	}
}
