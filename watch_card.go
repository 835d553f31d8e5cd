package fido

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/nfc/pcsc"
)

// serviceAgain is how long after it has failed the smart-card service is looked
// for again.
const serviceAgain = 3 * time.Second

// cardFeed reports keys in card readers.
type cardFeed struct {
	hid func() ([]hid.Info, error) // the keys that a reader may be part of
}

func (f cardFeed) run(ctx context.Context, tell func(news)) {
	for ctx.Err() == nil {
		err := f.watch(ctx, tell)
		tell(news{err: err})
		if errors.Is(err, errors.ErrUnsupported) {
			return
		}
		pause(ctx, serviceAgain)
	}
}

// watch reports until ctx ends or the service fails, and then that all are gone.
func (f cardFeed) watch(ctx context.Context, tell func(news)) error {
	w, err := pcsc.Watch(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	var readers []pcsc.Reader
	keys := map[string]KeyInfo{} // by reader
	remove := func(reader string) {
		if key, ok := keys[reader]; ok {
			delete(keys, reader)
			tell(news{Event: Event{Removed, key}})
		}
	}
	defer func() {
		for _, reader := range slices.Sorted(maps.Keys(keys)) {
			remove(reader)
		}
	}()
	for {
		e, err := w.Next(ctx)
		if err != nil {
			return err
		}
		readers = slices.DeleteFunc(readers, func(r pcsc.Reader) bool { return r.Name == e.Reader.Name })
		if e.Kind != pcsc.ReaderGone {
			readers = append(readers, e.Reader)
		}
		switch e.Kind {
		case pcsc.CardArrived:
			if key, ok := f.look(ctx, &e.Reader, readers); ok {
				keys[e.Reader.Name] = key
				tell(news{Event: Event{Added, key}})
			}
		case pcsc.CardGone:
			remove(e.Reader.Name)
		}
	}
}

// look asks a card that has come whether it is a key. One that is known as a HID
// device which this program may use is none.
func (f cardFeed) look(ctx context.Context, r *pcsc.Reader, readers []pcsc.Reader) (KeyInfo, bool) {
	keys, _ := f.hid()
	ctx, cancel := context.WithTimeout(ctx, readersTime)
	defer cancel()
	at := (&search{keys, readers}).look(ctx, r)
	key := KeyInfo{Device: readerPrefix + r.Name, Reader: r}
	if at.err != nil {
		return key, false
	}
	if at.key >= 0 {
		key.HID, key.Product = &keys[at.key], keys[at.key].Product
		return key, keys[at.key].Access != nil
	}
	return key, true
}
