package virtual

import (
	"context"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

const (
	// touchLifetime is how long a touch counts for the U2F command that comes for
	// it.
	touchLifetime = 10 * time.Second

	// pollTimeout is how long the key goes on waiting for a touch that no U2F
	// command asks for any more.
	pollTimeout = 10 * time.Second
)

// A press is the touch that U2F waits for, from the first command that is
// answered 6985 to the one that it is good for. It belongs to no command in
// particular, as on real keys: whoever comes first has it.
type press struct {
	asked  time.Time // when the waiting began
	polled time.Time // when the last command came that needs it
	touch  time.Time // when the user touches or has touched the key; zero: that is not known
	ended  bool      // whatever the user does, it does not count

	// Of a User who has to be asked in the background.
	cancel context.CancelFunc
	stop   func() bool   // the timer that cancels
	done   chan struct{} // closed when the User has answered
}

// deadline is until when the user may touch the key.
func (p *press) deadline() time.Time {
	touch, poll := p.asked.Add(touchTimeout), p.polled.Add(pollTimeout)
	if touch.Before(poll) {
		return touch
	}
	return poll
}

// made reports whether there is a touch that counts.
func (p *press) made(now time.Time) bool {
	return !p.ended && !p.touch.IsZero() && !p.touch.After(now) && p.touch.Before(p.deadline()) && now.Sub(p.touch) < touchLifetime
}

// end makes the press count for nothing. It does not wait for the User.
func (p *press) end() {
	if p == nil {
		return
	}
	p.ended = true
	if p.cancel != nil {
		p.stop()
		p.cancel()
	}
}

// endPress ends the waiting for a touch before another command, and before the
// user is asked again. A User who still answers is waited for, without the lock.
func (k *Key) endPress() {
	p := k.press
	if p == nil {
		return
	}
	k.press = nil
	p.end()
	if p.done != nil {
		k.mu.Unlock()
		<-p.done
		k.mu.Lock()
	}
}

// touchU2F uses up the user's touch. Without one it sees to it that the user is
// asked, and fails with 6985.
func (k *Key) touchU2F(ins u2f.INS) error {
	if k.config.Transport != ctap2.TransportUSB {
		if k.tap() != agreed {
			return iso7816.SWConditionsOfUseNotSatisfied
		}
		return nil
	}
	boots := k.boots
	now := k.config.Clock.Now()
	if p := k.press; p == nil || p.ended || !p.made(now) && !now.Before(p.deadline()) {
		k.endPress()
		if k.boots != boots {
			return errPowerLost
		}
		k.press = k.newPress(ins, now)
	}
	p := k.press
	if p.made(now) {
		k.endPress()
		if k.boots != boots {
			return errPowerLost
		}
		return nil
	}
	p.polled = now
	switch {
	case p.cancel == nil:
	case !p.stop():
		p.ended = true // at this very moment: the next command begins again
	default:
		p.stop = k.config.Clock.AfterFunc(p.deadline().Sub(now), p.cancel)
	}
	return iso7816.SWConditionsOfUseNotSatisfied
}

// newPress asks the user for a touch.
func (k *Key) newPress(ins u2f.INS, now time.Time) *press {
	p := &press{asked: now, polled: now}
	user := k.config.User
	if u, ok := user.(planner); ok {
		if s := u.plan(); s.Touch == Touch || s.Touch == LongTouch {
			p.touch = now.Add(max(0, s.After))
		}
		return p
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel, p.stop, p.done = cancel, func() bool { return true }, make(chan struct{})
	prompt := Prompt{U2F: ins, Clock: k.config.Clock}
	go func() {
		defer close(p.done)
		d := user.Touch(ctx, prompt)
		k.mu.Lock()
		defer k.mu.Unlock()
		if ctx.Err() == nil && (d == Touch || d == LongTouch) {
			p.touch = k.config.Clock.Now()
		}
	}()
	return p
}
