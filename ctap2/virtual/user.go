package virtual

import (
	"context"
	"sync"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/u2f"
)

// A User is the person at the key. The key calls one method at a time, on the
// goroutine that asked the key, and holds no lock meanwhile: a User may look
// inside the key, but not send it commands.
//
// U2F commands never wait for the user: the host asks again and again. Touch is
// then called on a goroutine of its own, unless the User is one that this package
// makes and knows at once what to do, and a touch counts for the next command
// that needs one, for ten seconds. Its context ends after ten seconds without
// such a command, and with the next CTAP2 command.
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
	// Sample is called each time the key captures a fingerprint (CTAP 2.3 section
	// 6.7.4). The context is that of Touch, but may end sooner: the host says how
	// long the key waits for the finger.
	Sample(ctx context.Context, p Prompt) Sample
}

// A Prompt says what a key asks the user for. A key without a display shows
// none of it, so a User may not need it.
type Prompt struct {
	Command ctap2.Command // 0 for a U2F command
	U2F     u2f.INS       // the U2F command, or 0
	RPID    string        // "" if the command is not about a relying party, or U2F's, which names it by a hash
	Clock   Clock         // the key's clock
}

// A Decision is what a user does when asked for a touch.
type Decision uint8

const (
	NoTouch   Decision = iota // nothing, until the key gives up
	Touch                     // touches the key
	LongTouch                 // touches it for five seconds or more; also a touch
	Decline                   // refuses, on a key that has a way to; U2F can't tell it from NoTouch
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

// A planner is a User who knows at once what to do when asked, and how long it
// will take: for U2F the key need not wait with it.
type planner interface{ plan() Step }

// AlwaysTouch returns a user who touches the key, and identifies, at once.
func AlwaysTouch() User { return alwaysTouch{} }

type alwaysTouch struct{}

func (alwaysTouch) Touch(context.Context, Prompt) Decision      { return Touch }
func (alwaysTouch) Verify(context.Context, Prompt) Verification { return Verified }
func (alwaysTouch) plan() Step                                  { return Step{Touch: Touch, Verify: Verified} }

// NeverTouch returns a user who is not there: the key waits until it gives up.
func NeverTouch() User { return always(Step{}) }

// Deny returns a user who refuses whatever the key asks.
func Deny() User { return always(Step{Touch: Decline, Verify: VerifyDeclined, Sample: SampleDeclined}) }

// TouchAfter returns a user who touches the key, and identifies, d after being
// asked, by the key's clock.
func TouchAfter(d time.Duration) User {
	return always(Step{After: d, Touch: Touch, Verify: Verified, Sample: GoodSample})
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
func Script(steps ...Step) User {
	var mu sync.Mutex
	return &planned{func() (next Step) {
		mu.Lock()
		defer mu.Unlock()
		if len(steps) > 0 {
			next, steps = steps[0], steps[1:]
		}
		return next
	}}
}

// planned is a User whose next step a function says.
type planned struct{ next func() Step }

func always(s Step) User { return &planned{func() Step { return s }} }

func (u *planned) plan() Step { return u.next() }

func (u *planned) Touch(ctx context.Context, p Prompt) Decision { return u.step(ctx, p).Touch }

func (u *planned) Verify(ctx context.Context, p Prompt) Verification { return u.step(ctx, p).Verify }

// step waits for the time of the next step, which is nothing if that does not
// come.
func (u *planned) step(ctx context.Context, p Prompt) Step {
	s := u.next()
	if s.After <= 0 {
		return s
	}
	now := make(chan struct{})
	stop := p.Clock.AfterFunc(s.After, func() { close(now) })
	select {
	case <-now:
		return s
	case <-ctx.Done():
		stop()
		return Step{}
	}
}

func (u *planned) Sample(ctx context.Context, p Prompt) Sample { return u.step(ctx, p).Sample }

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
// testing/synctest it has to be called in the bubble, and a U2F command that is
// left unanswered keeps a goroutine there until its time is over or the key's
// power goes.
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
	return received(ctx, m.decisions)
}

// Verify implements User.
func (m *Manual) Verify(ctx context.Context, p Prompt) Verification {
	m.asked(p)
	return received(ctx, m.verifications)
}

// Sample implements Sampler.
func (m *Manual) Sample(ctx context.Context, p Prompt) Sample {
	m.asked(p)
	return received(ctx, m.samples)
}

// received waits for what the test sends, which is nothing if that does not come.
func received[A any](ctx context.Context, answers <-chan A) (answer A) {
	select {
	case answer = <-answers:
	case <-ctx.Done():
	}
	return answer
}
