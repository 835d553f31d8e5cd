package virtual

import (
	"context"
	"errors"
	"time"

	"github.com/gofido/fido/ctap2"
)

// touchTimeout is how long a key waits for the user: CTAP 2.3 section 6.1.2
// asks for at least 10 seconds and advises 30.
const touchTimeout = 30 * time.Second

// tapLifetime is how long power-up on a card reader counts as a touch (CTAP 2.3
// section 11.3).
const tapLifetime = 120 * time.Second

// An outcome is how asking the user ended.
type outcome uint8

const (
	agreed outcome = iota
	refused
	notRecognised // by built-in user verification
	timedOut
	cancelled
	powerLost
	noTap // on a card reader: the touch that power-up was is used up, or too old
)

// status returns what to answer for an outcome other than agreed; the command
// says what refusal and time-out mean.
func (k *Key) status(out outcome, onRefusal, onTimeout ctap2.Status) ctap2.Status {
	switch out {
	case refused, notRecognised:
		return onRefusal
	case timedOut:
		return onTimeout
	case cancelled:
		if k.faults.CancelStatus != 0 {
			return k.faults.CancelStatus
		}
		return ctap2.StatusKeepaliveCancel
	case noTap:
		return ctap2.StatusUPRequired
	}
	return ctap2.StatusOther
}

// touch asks the user for a touch.
func (k *Key) touch(o *operation, rpID string) outcome {
	_, out := k.touchedHow(o, rpID)
	return out
}

// longTouch asks the user for a touch of five seconds or more. A shorter one is
// a refusal. On a card reader nobody can touch longer: a tap is enough.
func (k *Key) longTouch(o *operation, rpID string) outcome {
	d, out := k.touchedHow(o, rpID)
	if out == agreed && d != LongTouch {
		return refused
	}
	return out
}

// touchedHow asks the user for a touch and returns which it was.
func (k *Key) touchedHow(o *operation, rpID string) (Decision, outcome) {
	if k.config.Transport != ctap2.TransportUSB {
		return LongTouch, k.tap()
	}
	var d Decision
	user := k.config.User
	out := k.ask(o, user, rpID, touchTimeout, func(ctx context.Context, p Prompt) bool {
		d = user.Touch(ctx, p)
		return d != NoTouch
	})
	if out == agreed && d == Decline {
		return d, refused
	}
	return d, out
}

// tap uses up the touch that power-up was.
func (k *Key) tap() outcome {
	if k.boot.tapUsed || k.config.Clock.Now().Sub(k.boot.at) >= tapLifetime {
		return noTap
	}
	k.boot.tapUsed = true
	return agreed
}

// verify asks the user to identify.
func (k *Key) verify(o *operation, rpID string) outcome {
	var v Verification
	user := k.config.User
	out := k.ask(o, user, rpID, touchTimeout, func(ctx context.Context, p Prompt) bool {
		v = user.Verify(ctx, p)
		return v != NoVerification
	})
	if out != agreed {
		return out
	}
	switch v {
	case Verified:
		return agreed
	case VerifyDeclined:
		return refused
	}
	return notRecognised
}

// sample asks the user for a finger on the sensor, to enrol it.
func (k *Key) sample(o *operation, limit time.Duration) (ctap2.SampleStatus, outcome) {
	var s Sample
	user := k.config.User
	out := k.ask(o, user, "", limit, func(ctx context.Context, p Prompt) bool {
		s = sampleOf(ctx, user, p)
		return s != NoSample
	})
	switch {
	case out == timedOut:
		return ctap2.SampleNoUserActivity, agreed
	case out == agreed && s == SampleDeclined:
		return 0, refused
	}
	return ctap2.SampleStatus(s - GoodSample), out
}

// choose asks the user for one of several accounts.
func (k *Key) choose(o *operation, rpID string, found []*credential) (int, outcome) {
	chooser, ok := k.config.User.(Chooser)
	if !ok {
		return 0, agreed
	}
	accounts := make([]ctap2.PublicKeyCredentialUserEntity, len(found))
	for i, c := range found {
		accounts[i] = c.describe(k).User
	}
	chosen := -1
	out := k.ask(o, k.config.User, rpID, touchTimeout, func(ctx context.Context, p Prompt) bool {
		chosen = chooser.Choose(ctx, p, accounts)
		return ctx.Err() == nil
	})
	if out == agreed && (chosen < 0 || chosen >= len(found)) {
		return 0, refused
	}
	return chosen, out
}

// ask puts a prompt to the user, and waits until answer says that the user has
// answered, or for as long as limit.
func (k *Key) ask(o *operation, user User, rpID string, limit time.Duration, answer func(context.Context, Prompt) bool) outcome {
	if o.ctx.Err() != nil && !k.faults.IgnoreCancel {
		return cancelled
	}
	waiting, keepalive := o.waiting, ctap2.WaitingUPNeeded
	if waiting == nil || k.faults.NoKeepalive {
		waiting = func(byte) {}
	}
	if k.faults.KeepaliveStatus != 0 {
		keepalive = k.faults.KeepaliveStatus
	}
	p := Prompt{Command: o.command, RPID: rpID, Clock: k.config.Clock}
	if _, ok := user.(alwaysTouch); ok { // the most common user needs no timer
		boots := k.boots
		k.mu.Unlock()
		waiting(keepalive)
		answer(o.ctx, p)
		k.mu.Lock()
		if k.boots != boots {
			return powerLost
		}
		return agreed
	}
	answered := false
	out := k.await(o, limit, func(ctx context.Context) {
		waiting(keepalive)
		if answered = answer(ctx, p); !answered {
			<-ctx.Done()
		}
	})
	if out != powerLost && answered {
		return agreed
	}
	return out
}

// work reports that the key no longer waits for the user but works, before
// something that takes long. Quick commands do without, which saves a message.
func (k *Key) work(o *operation) outcome {
	if o.waiting == nil || k.faults.NoKeepalive {
		return agreed
	}
	boots := k.boots
	k.mu.Unlock()
	o.waiting(ctap2.WaitingProcessing)
	k.mu.Lock()
	if k.boots != boots {
		return powerLost
	}
	return agreed
}

var errGaveUp = errors.New("virtual: the key gave up waiting for the user")

// await releases the lock while wait runs. Its context ends after limit (if
// that is positive), when the command is cancelled and when the power goes; the
// outcome says which it was, or agreed if it was none.
func (k *Key) await(o *operation, limit time.Duration, wait func(context.Context)) outcome {
	parent := o.ctx
	if k.faults.IgnoreCancel {
		parent = context.WithoutCancel(parent)
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	if limit > 0 {
		stop := k.config.Clock.AfterFunc(limit, func() { cancel(errGaveUp) })
		defer stop()
	}
	k.boot.wait = cancel
	boots := k.boots
	k.mu.Unlock()
	wait(ctx)
	k.mu.Lock()
	if k.boots != boots {
		return powerLost
	}
	k.boot.wait = nil
	switch {
	case ctx.Err() == nil:
		return agreed
	case errors.Is(context.Cause(ctx), errGaveUp):
		return timedOut
	}
	return cancelled
}
