package fido

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gofido/fido/ctap2"
)

// Pick has all keys ask for a touch and returns the one that the user touches
// first; the others stop asking. It closes none. A single key is returned at once,
// untouched. Tell the user before what to do: ClientConfig.Waiting is not called.
//
// A key asks by [ctap2.Client.Selection] (CTAP 2.3 section 6.9). One that
// gives up waiting is asked again, until ctx ends, or after
// [ctap2.DefaultTimeout] if it has no deadline. One that fails or on which the user
// declines drops out; when none is left the error has the reason of each. A key in
// a card reader that takes being put there for a touch wins at once.
//
// No keys are [ErrNoKey].
func Pick(ctx context.Context, keys []*Key) (*Key, error) {
	switch len(keys) {
	case 0:
		return nil, ErrNoKey
	case 1:
		return keys[0], nil
	}
	if _, ok := ctx.Deadline(); !ok {
		limited, cancel := context.WithTimeout(ctx, ctap2.DefaultTimeout)
		defer cancel()
		ctx = limited
	}
	race, stop := context.WithCancel(ctx)
	defer stop()
	type finish struct {
		key *Key
		err error
	}
	finishes := make(chan finish)
	for _, key := range keys {
		go func() { finishes <- finish{key, key.touched(race)} }()
	}
	// All are waited for: the losers are free for other commands then.
	var picked *Key
	var failed []error
	for range keys {
		f := <-finishes
		switch {
		case f.err != nil:
			failed = append(failed, f.err)
		case picked == nil:
			picked = f.key
			stop()
		}
	}
	switch {
	case picked != nil:
		return picked, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("fido: no key was touched: %w", ctx.Err())
	}
	return nil, fmt.Errorf("fido: no key was touched: %w", errors.Join(failed...))
}

// touched returns nil when the key is touched.
func (k *Key) touched(ctx context.Context) error {
	client := k.WithWaiting(nil)
	for {
		asked := time.Now()
		err := client.Selection(ctx)
		gaveUp := errors.Is(err, ctap2.StatusUserActionTimeout) || errors.Is(err, ctap2.StatusActionTimeout) ||
			errors.Is(err, ctap2.StatusOperationDenied) && time.Since(asked) >= ctap2.LeastTouchTime
		if !gaveUp || ctx.Err() != nil {
			return err
		}
		pause(ctx, askAgain)
	}
}

// askAgain is how long after it has given up a key is left alone: one that never
// waits is not to be asked all the time.
const askAgain = time.Second / 4

// OpenByTouch opens the key that the user touches, if there are several that this
// program may use, and the only one at once if not, as [Open] does. several is
// called when the user has to touch one, with those that ask for it. ctx bounds
// the whole; o is as for Open, and its hooks are called for several keys at a time.
func OpenByTouch(ctx context.Context, o *Options, several func([]KeyInfo)) (*Key, error) {
	found, err := Find(ctx)
	if err != nil {
		return nil, err
	}
	return found.openByTouch(ctx, o, several)
}

func (f *Found) openByTouch(ctx context.Context, o *Options, several func([]KeyInfo)) (*Key, error) {
	usable := f.usable()
	if len(usable) < 2 {
		device, err := f.only()
		if err != nil {
			return nil, err
		}
		return Open(ctx, device, o)
	}
	all, failed := make([]*Key, len(usable)), make([]error, len(usable))
	var opening sync.WaitGroup // at a time: one that does not answer delays no other
	for i, info := range usable {
		opening.Go(func() { all[i], failed[i] = Open(ctx, info.Device, o) })
	}
	opening.Wait()
	var keys []*Key
	var asked []KeyInfo
	for i, key := range all {
		if failed[i] == nil { // one that is in use, say, is left out: the user may mean another
			keys, asked = append(keys, key), append(asked, usable[i])
		}
	}
	if len(keys) == 0 {
		return nil, errors.Join(failed...)
	}
	if len(keys) > 1 && several != nil {
		several(asked)
	}
	picked, err := Pick(ctx, keys)
	for _, key := range keys {
		if key != picked {
			key.Close()
		}
	}
	return picked, err
}
