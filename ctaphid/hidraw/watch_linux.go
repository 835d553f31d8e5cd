package hidraw

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofido/fido/ctaphid/hid"
)

// settleTime is how long a new key that may not be opened is held back for
// udevd to set its permissions, before it is reported as it is.
const settleTime = 2 * time.Second

// Watch reports FIDO keys that are plugged in or unplugged from now on. Call
// it before [List] to miss none; keys that are there already are not reported. One
// that may be opened only later is reported as removed and added then. The loop ends
// when ctx does, without an error; any other error ends it too and is the last that
// the loop sees. It can be run once.
//
// The kernel's uevents are the source, or inotify on /dev where they are
// refused. While nothing happens, nothing runs.
func Watch(ctx context.Context) (iter.Seq2[Event, error], error) {
	s, err := uevents()
	if err != nil {
		var err2 error
		if s, err2 = inotify(theSystem.dev); err2 != nil {
			return nil, fmt.Errorf("hidraw: keys can't be watched: %w", errors.Join(err, err2))
		}
	}
	return watch(ctx, theSystem, s)
}

func watch(ctx context.Context, sys system, s *source) (iter.Seq2[Event, error], error) {
	keys, err := sys.list() // after the subscription: what comes in between is in the news
	if err != nil {
		s.f.Close()
		return nil, err
	}
	w := &watcher{system: sys, known: map[string]hid.Info{}, held: map[string]time.Time{}}
	for _, k := range keys {
		w.known[filepath.Base(k.Path)] = k
	}
	stop := context.AfterFunc(ctx, func() { s.f.Close() })
	return func(yield func(Event, error) bool) {
		defer s.f.Close()
		defer stop()
		var changes []change
		for {
			s.f.SetReadDeadline(w.wakeUp())
			changes, err = s.next(changes[:0])
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				if ctx.Err() == nil {
					yield(Event{}, fmt.Errorf("hidraw: keys can't be watched any longer: %w", err))
				}
				return
			}
			for _, e := range w.take(changes, time.Now()) {
				if !yield(e, nil) {
					return
				}
			}
		}
	}, nil
}

// A watcher turns changes to nodes into events about keys. It does no waiting.
type watcher struct {
	system
	known map[string]hid.Info  // keys that were there or were reported, by node
	held  map[string]time.Time // keys that may not be opened yet, and when they are reported all the same
}

// wakeUp returns when take has to be called even without changes, zero if
// never.
func (w *watcher) wakeUp() time.Time {
	var first time.Time
	for _, t := range w.held {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	return first
}

// take returns the events that follow from changes and from the time.
func (w *watcher) take(changes []change, now time.Time) []Event {
	var events []Event
	for _, c := range changes {
		switch c.kind {
		case appeared, settled:
			events = w.look(events, c.name, now)
		case disappeared:
			events = w.remove(events, c.name)
		case lost:
			events = w.resync(events, now)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.held)) {
		if !now.Before(w.held[name]) {
			events = w.look(events, name, now)
		}
	}
	return events
}

func (w *watcher) look(events []Event, name string, now time.Time) []Event {
	before, known := w.known[name]
	if known && before.Access == nil {
		return events
	}
	info, ok := w.info(name)
	switch {
	case !ok:
		delete(w.held, name)
		return events
	case known && info.Access != nil:
		return events
	case known: // its permissions came too late, or have changed
		events = w.remove(events, name)
	}
	if info.Access != nil {
		until, ok := w.held[name]
		if !ok {
			w.held[name] = now.Add(settleTime)
			return events
		}
		if now.Before(until) {
			return events
		}
	}
	delete(w.held, name)
	w.known[name] = info
	return append(events, Event{Added, info})
}

func (w *watcher) remove(events []Event, name string) []Event {
	delete(w.held, name)
	info, ok := w.known[name]
	if !ok {
		return events
	}
	delete(w.known, name)
	return append(events, Event{Removed, info})
}

// resync compares everything that is known with what is there. A key that was
// exchanged for another at the same node is told by what sysfs says of it.
func (w *watcher) resync(events []Event, now time.Time) []Event {
	keys, err := w.list()
	if err != nil {
		return events
	}
	there := map[string]hid.Info{}
	for _, k := range keys {
		there[filepath.Base(k.Path)] = k
	}
	for _, name := range slices.Sorted(maps.Keys(w.known)) {
		before, after := w.known[name], there[name]
		before.Access, after.Access = nil, nil
		if before != after {
			events = w.remove(events, name)
		}
	}
	for _, k := range keys {
		events = w.look(events, filepath.Base(k.Path), now)
	}
	return events
}
