package fido

import (
	"context"
	"errors"
	"iter"
	"sync"
)

// An Action says what happened to a key.
type Action uint8

const (
	Added   Action = iota + 1 // it was plugged in or held to a reader, or was there when the watch began
	Removed                   // it was unplugged or taken off the reader
)

// String names the action: "added" or "removed".
func (a Action) String() string {
	switch a {
	case Added:
		return "added"
	case Removed:
		return "removed"
	}
	return "unknown action"
}

// An Event is one change that [Watch] reports.
type Event struct {
	Action Action
	Key    KeyInfo // for Removed, as it was last seen
}

// Watch reports the security keys that are plugged in or at a card reader, and
// from then on those that come and go. The loop ends when ctx does, without an
// error; any other error means that neither HID nor card readers can be watched,
// and is the last that the loop sees.
//
// Nothing polls where the system tells of changes itself, as Linux and the
// smart-card service do. Elsewhere HID is looked at once a second. A smart-card
// service that does not run is looked for again every few seconds.
//
// A key that this program may not open when it comes, and may later, is reported as
// removed and added then.
//
// A new card is asked what it is, as by [Find]; one that another program has for
// itself when it comes is not reported. A key that is a HID device and a card
// reader is reported once, where Find would list it once, unless this program may
// not open the HID device: then the card is reported besides.
func Watch(ctx context.Context) iter.Seq2[Event, error] {
	return watch(ctx, hidFeed{watch: watchHID, list: list}.run, cardFeed{list}.run)
}

// A feed reports keys of one kind until ctx ends.
type feed func(ctx context.Context, tell func(news))

// news is what a feed reports: an event, or why there are none for now.
type news struct {
	Event
	err error
}

// watch merges feeds.
func watch(ctx context.Context, feeds ...feed) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		type told struct {
			by int
			news
		}
		all := make(chan told)
		for i, f := range feeds {
			running.Go(func() {
				f(ctx, func(n news) {
					select {
					case all <- told{i, n}:
					case <-ctx.Done():
					}
				})
			})
		}
		failed := make([]error, len(feeds))
		for {
			select {
			case <-ctx.Done():
				return
			case n := <-all:
				if ctx.Err() != nil {
					return // what a feed fails with then is no news
				}
				if failed[n.by] = n.err; n.err == nil {
					if !yield(n.Event, nil) {
						return
					}
				} else if err := allOf(failed); err != nil {
					yield(Event{}, err)
					return
				}
			}
		}
	}
}

// allOf returns the errors if no place is without.
func allOf(errs []error) error {
	for _, err := range errs {
		if err == nil {
			return nil
		}
	}
	return errors.Join(errs...)
}
