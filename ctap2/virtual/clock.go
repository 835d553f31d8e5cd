package virtual

import (
	"slices"
	"sync"
	"time"
)

// A Clock tells a key the time. The methods may be called by several
// goroutines.
type Clock interface {
	// Now returns the current time.
	Now() time.Time

	// AfterFunc calls f once d has passed, not on the calling goroutine before
	// AfterFunc returns. stop prevents the call if it has not begun, and
	// reports whether it did.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// systemClock is package time.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}

// A ManualClock stands still until it is told to advance: time travel for
// programs that run in real time. In a testing/synctest bubble the default
// clock does the same with less to write.
type ManualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer
}

type manualTimer struct {
	at time.Time
	f  func()
}

// NewClock returns a clock that stands at start.
func NewClock(start time.Time) *ManualClock { return &ManualClock{now: start} }

// Now returns the time at which the clock stands.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc arranges a call of f by the Advance that reaches d from now; if d
// is not positive, by the next one.
func (c *ManualClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &manualTimer{at: c.now.Add(d), f: f}
	c.timers = append(c.timers, t)
	return func() bool { return c.remove(t) }
}

func (c *ManualClock) remove(t *manualTimer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.timers, t)
	if i < 0 {
		return false
	}
	c.timers = slices.Delete(c.timers, i, i+1)
	return true
}

// Advance moves the clock by d and calls what falls due, in order of time, on
// the calling goroutine.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	c.mu.Unlock()
	for {
		f := c.next(end)
		if f == nil {
			return
		}
		f()
	}
}

// next moves the clock to the first timer due by end and returns its function,
// or to end.
func (c *ManualClock) next(end time.Time) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := -1
	for i, t := range c.timers {
		if !t.at.After(end) && (first < 0 || t.at.Before(c.timers[first].at)) {
			first = i
		}
	}
	if first < 0 {
		if end.After(c.now) {
			c.now = end
		}
		return nil
	}
	t := c.timers[first]
	c.timers = slices.Delete(c.timers, first, first+1)
	if t.at.After(c.now) {
		c.now = t.at
	}
	return t.f
}
