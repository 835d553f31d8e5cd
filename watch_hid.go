package fido

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidraw"
)

// pollEvery is how often HID is looked at where the system does not tell of
// changes: looking at every device takes a while, and slows others down.
const pollEvery = time.Second

// hidFeed reports keys on HID.
type hidFeed struct {
	watch func(context.Context) (iter.Seq2[hidraw.Event, error], error) // errors.ErrUnsupported: polled
	list  func() ([]hid.Info, error)
}

func (f hidFeed) run(ctx context.Context, tell func(news)) {
	k := &knownHID{keys: map[string]hid.Info{}, tell: tell}
	if events, err := f.watch(ctx); err == nil {
		k.look(f.list) // after the subscription: what comes in between is in the events
		for e, err := range events {
			switch {
			case err != nil: // the events are over
			case e.Action == hidraw.Added:
				k.add(e.Info)
			default:
				k.remove(e.Info.Path)
			}
		}
	}
	for ctx.Err() == nil {
		if err := k.look(f.list); err != nil {
			tell(news{err: err})
			if errors.Is(err, errors.ErrUnsupported) {
				return
			}
		}
		pause(ctx, pollEvery)
	}
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// knownHID are the keys that were reported and not removed, by path.
type knownHID struct {
	keys map[string]hid.Info
	tell func(news)
}

func (k *knownHID) add(info hid.Info) {
	if before, ok := k.keys[info.Path]; ok {
		if sameHID(before, info) {
			return
		}
		k.remove(info.Path)
	}
	k.keys[info.Path] = info
	k.tell(news{Event: Event{Added, hidKey(&info)}})
}

func (k *knownHID) remove(path string) {
	info, ok := k.keys[path]
	if !ok {
		return
	}
	delete(k.keys, path)
	k.tell(news{Event: Event{Removed, hidKey(&info)}})
}

// look compares what is known with what there is.
func (k *knownHID) look(list func() ([]hid.Info, error)) error {
	now, err := list()
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(k.keys)) {
		if !slices.ContainsFunc(now, func(i hid.Info) bool { return i.Path == path }) {
			k.remove(path)
		}
	}
	for _, info := range now {
		k.add(info)
	}
	return nil
}

// sameHID reports whether nothing about a key has changed. Two errors about access
// are the same.
func sameHID(a, b hid.Info) bool {
	same := (a.Access == nil) == (b.Access == nil)
	a.Access, b.Access = nil, nil
	return same && a == b
}

// hidKey describes a key on HID.
func hidKey(i *hid.Info) KeyInfo {
	return KeyInfo{Device: i.Path, Product: i.Product, HID: i, Access: i.Access}
}
