package pcsc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// An EventKind says what happened.
type EventKind uint8

const (
	ReaderArrived EventKind = iota + 1
	ReaderGone
	CardArrived
	CardGone
)

var eventNames = [...]string{ReaderArrived: "reader arrived", ReaderGone: "reader gone", CardArrived: "card arrived", CardGone: "card gone"}

// String says what happened in words.
func (k EventKind) String() string {
	if k == 0 || int(k) >= len(eventNames) {
		return fmt.Sprintf("EventKind(%d)", uint8(k))
	}
	return eventNames[k]
}

// An Event is something that happened at a reader.
type Event struct {
	Kind   EventKind
	Reader Reader // as it is afterwards; of ReaderGone, as it was
}

// A Watcher tells of readers and cards that come and go.
type Watcher struct {
	s      service
	known  []Reader
	events []Event
	polled bool // known is what the service has said, not nothing
}

// Watch begins to watch. The first events are the readers and cards that are there
// already.
func Watch(ctx context.Context) (*Watcher, error) {
	s, err := connect(ctx)
	if err != nil {
		return nil, &OpError{"watch readers", "", err}
	}
	return &Watcher{s: s}, nil
}

// Close ends the watch. It must not be called while Next waits, whose context
// ends that.
func (w *Watcher) Close() error { return w.s.close() }

// withoutReaders is how often a service is asked again that can't be waited for
// because it has no reader.
const withoutReaders = time.Second

// Next returns the next event, and waits for it until ctx ends. After an error
// other than the context's the Watcher is of no more use.
func (w *Watcher) Next(ctx context.Context) (Event, error) {
	for len(w.events) == 0 {
		if w.polled {
			if err := w.s.wait(ctx, w.known); err != nil {
				return Event{}, &OpError{"watch readers", "", err}
			}
		}
		now, err := w.s.readers(ctx)
		if errors.Is(err, NoReaders) {
			now, err = nil, nil
		}
		if err != nil {
			return Event{}, &OpError{"watch readers", "", err}
		}
		w.events, w.known, w.polled = differences(w.known, now), now, true
	}
	e := w.events[0]
	w.events = w.events[1:]
	return e, nil
}

// differences are the events that lead from one list of readers to another.
func differences(before, now []Reader) (events []Event) {
	find := func(list []Reader, name string) *Reader {
		if i := slices.IndexFunc(list, func(r Reader) bool { return r.Name == name }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	for _, r := range before {
		if find(now, r.Name) != nil {
			continue
		}
		if r.Card {
			events = append(events, Event{CardGone, Reader{Name: r.Name}})
		}
		events = append(events, Event{ReaderGone, r})
	}
	for _, r := range now {
		old := find(before, r.Name)
		if old == nil {
			events = append(events, Event{ReaderArrived, r})
			old = new(Reader)
		}
		// A card that was away and is back has raised the count by more than one
		// or, where the service does not count, has another ATR at most.
		exchanged := old.Card && r.Card && (!bytes.Equal(old.ATR, r.ATR) || r.events-old.events > 1)
		if old.Card && !r.Card || exchanged {
			events = append(events, Event{CardGone, r})
		}
		if !old.Card && r.Card || exchanged {
			events = append(events, Event{CardArrived, r})
		}
	}
	return events
}
