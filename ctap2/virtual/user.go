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

// A Sampler is a User whose finger can be scripted while a key with
// [FingerprintUV] enrols it. Of one who isn't, a touch is a good sample, and to
// decline is to decline.
type Sampler interface {
	// Sample is called each time the key captures a fingerprint (CTAP 2.3
	// sections 6.7.4 and 6.7.5). The context is that of Touch, but may end sooner:
	// the host says how long the key waits for the finger.
	Sample(ctx context.Context, p Prompt) Sample
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

// A Sample is what the sensor gets when the key captures a fingerprint to enrol
// it: nothing, a good sample, or one that [BadSample] makes.
type Sample uint

const (
	NoSample       Sample       = iota // no finger, until the key gives up: NO_USER_ACTIVITY
	GoodSample                         // counts towards the enrolment
	SampleDeclined = ^Sample(0)        // the user refuses, on a key that has a way to
)

// BadSample returns a sample that is of no use for the reason s, which the key
// tells the host: a finger that moved too fast, for example, or that is enrolled
// already. s need not be one that the specification knows; with
// ctap2.SampleGood, which is no reason, the sample is a good one.
func BadSample(s ctap2.SampleStatus) Sample { return GoodSample + Sample(s) }

// sampleOf asks the user for a sample.
func sampleOf(ctx context.Context, user User, p Prompt) Sample {
	if s, ok := user.(Sampler); ok {
		return s.Sample(ctx, p)
	}
	switch user.Touch(ctx, p) {
	case NoTouch:
		return NoSample
	case Decline:
		return SampleDeclined
	}
	return GoodSample
}

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
// touch, Verify if it asks the user to identify, Sample if it captures a
// fingerprint.
type Step struct {
	After  time.Duration // how long the user takes, by the key's clock
	Touch  Decision
	Verify Verification
	Sample Sample
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

func (u *script) Sample(ctx context.Context, p Prompt) Sample { return u.next(ctx, p).Sample }

// A Manual user does what a test tells it through channels. Sending on
// Decisions, Verifications or Samples blocks until the key asks, unless it asks
// already.
type Manual struct {
	Prompts       <-chan Prompt       // each prompt as the key asks; the test may leave them unread
	Decisions     chan<- Decision     // what to do when asked for a touch
	Verifications chan<- Verification // what comes of asking to identify
	Samples       chan<- Sample       // what the sensor gets when the key captures a fingerprint

	prompts       chan Prompt
	decisions     chan Decision
	verifications chan Verification
	samples       chan Sample
}

// NewManual returns a user who waits for a test's commands. In a test with
// testing/synctest it has to be called in the bubble.
func NewManual() *Manual {
	m := &Manual{
		prompts:       make(chan Prompt, 16),
		decisions:     make(chan Decision),
		verifications: make(chan Verification),
		samples:       make(chan Sample),
	}
	m.Prompts, m.Decisions, m.Verifications, m.Samples = m.prompts, m.decisions, m.verifications, m.samples
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

// Sample implements Sampler.
func (m *Manual) Sample(ctx context.Context, p Prompt) Sample {
	m.asked(p)
	select {
	case s := <-m.samples:
		return s
	case <-ctx.Done():
		return NoSample
	}
}
