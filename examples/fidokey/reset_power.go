package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctaphid/udphid"
	"github.com/gofido/fido/examples/internal/identity"
)

// simulatorPrefixes begin the devices of which fidokey itself takes the power,
// besides the software key.
var simulatorPrefixes = []string{"udp:", "vpcd:", "vpcd-listen:"}

// byHand reports whether the user has to take the key out and put it back.
func (r *reset) byHand() bool {
	if _, ok := softwarePath(r.device); ok {
		return false
	}
	for _, p := range simulatorPrefixes {
		if strings.HasPrefix(r.device, p) {
			return false
		}
	}
	return true
}

// powerCycle takes the key's power and gives it back, and opens the key again.
func (r *reset) powerCycle(ctx context.Context) (*fido.Key, error) {
	if r.byHand() {
		return r.replug(ctx)
	}
	r.power = time.Now()
	if path, ok := softwarePath(r.device); ok {
		soft, err := r.softwareKey(path)
		if err != nil {
			return nil, err
		}
		soft.PowerCycle()
	}
	if addr, ok := strings.CutPrefix(r.device, "udp:"); ok {
		if err := powerCycleUDP(ctx, addr); err != nil {
			return nil, err
		}
	}
	// A card gets its power when it is opened.
	return r.openAgain(ctx, r.device)
}

// atReader reports whether a device is a card reader.
func atReader(device string) bool { return strings.HasPrefix(device, "pcsc:") }

func powerCycleUDP(ctx context.Context, addr string) error {
	dev, err := udphid.Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer dev.Close()
	return dev.PowerCycle()
}

// openAgain opens a key that has just got power, and may need a moment.
func (r *reset) openAgain(ctx context.Context, device string) (*fido.Key, error) {
	patience, cancel := context.WithTimeout(ctx, min(r.timeout, resetWindow/2))
	defer cancel()
	for {
		key, err := r.openDevice(patience, device)
		if err == nil || patience.Err() != nil {
			return key, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-patience.Done():
			return nil, cmp.Or(ctx.Err(), err)
		}
	}
}

// replug has the user take the key out and put it back.
func (r *reset) replug(ctx context.Context) (*fido.Key, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := r.watch(ctx)
	out, in := "Take the key out now.", "Put it back now."
	if r.contactless {
		out, in = "Take the key away from the reader now.", "Hold it to the reader again now, and leave it there."
	}
	device := r.device
	if path, err := filepath.EvalSymlinks(device); err == nil {
		device = path // as it is listed
	}
	there, err := r.awaitNews(ctx, events, device)
	if err == nil && there {
		err = r.awaitRemoval(ctx, events, device, out)
	}
	if err != nil {
		return nil, err
	}
	return r.awaitReturn(ctx, events, in)
}

// newsTime is how long a watch has to tell of a key that is there.
const newsTime = 3 * time.Second

// awaitNews waits until the watch has told that the key is there, so that the next
// news of it is that it was taken out. It is false if it has been already.
func (r *reset) awaitNews(ctx context.Context, changes <-chan change, device string) (there bool, err error) {
	limited, cancel := context.WithTimeout(ctx, newsTime)
	defer cancel()
	for {
		switch c, err := next(limited, changes); {
		case err != nil && limited.Err() != nil && ctx.Err() == nil:
			return false, nil
		case err != nil:
			return false, err
		case c.Key.Device == device:
			return c.Action == fido.Added, nil
		}
	}
}

// A change is what a watch has reported.
type change struct {
	fido.Event
	err error
	at  time.Time
}

// watch reports what is plugged in and out until ctx ends. It closes the channel if
// the watch ends before that.
func (r *reset) watch(ctx context.Context) <-chan change {
	changes := make(chan change)
	go func() {
		for e, err := range r.system.watch(ctx) {
			select {
			case changes <- change{e, err, time.Now()}:
			case <-ctx.Done():
				return
			}
		}
		if ctx.Err() == nil {
			close(changes)
		}
	}()
	return changes
}

// next returns the next change.
func next(ctx context.Context, changes <-chan change) (change, error) {
	select {
	case c, ok := <-changes:
		if !ok {
			return c, errors.New("keys can't be watched any longer")
		}
		return c, c.err
	case <-ctx.Done():
		return change{}, ctx.Err()
	}
}

func (r *reset) awaitRemoval(ctx context.Context, changes <-chan change, device, text string) error {
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	stop := r.countdown(limited, text, r.timeout)
	defer func() { stop() }()
	for {
		switch c, err := next(limited, changes); {
		case err != nil && limited.Err() != nil && ctx.Err() == nil:
			stop()
			return &advice{exitTimeout, "the key was not taken out in time. Run fidokey reset again", err}
		case err != nil:
			return err
		case c.Action != fido.Removed || atReader(c.Key.Device) != atReader(device):
		case c.Key.Device == device:
			return nil
		default:
			stop()
			fmt.Fprintf(r.err, "%s was another key.\n", quoted(c.Key.Device))
			stop = r.countdown(limited, text, r.timeout)
		}
	}
}

// awaitReturn waits until the key is back and opens it. Another key is left alone.
func (r *reset) awaitReturn(ctx context.Context, changes <-chan change, text string) (*fido.Key, error) {
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	stop := r.countdown(limited, text, r.timeout)
	defer func() { stop() }()
	for {
		c, err := next(limited, changes)
		switch {
		case err != nil && limited.Err() != nil && ctx.Err() == nil:
			stop()
			return nil, &advice{exitTimeout, "the key was not put back in time. Put it back, and run fidokey reset again", err}
		case err != nil:
			return nil, err
		case c.Action != fido.Added || atReader(c.Key.Device) != atReader(r.device):
			continue // the same key, perhaps, in its other form
		}
		stop()
		key, other, err := r.recognise(ctx, &c)
		if err != nil {
			return nil, err
		}
		if key != nil {
			return key, nil
		}
		fmt.Fprintf(r.folded(r.err), "%s is another key: %s. Nothing happens to it.\n", quoted(c.Key.Device), other)
		stop = r.countdown(limited, "Put the first one back.", r.timeout)
	}
}

// recognise opens the key that has come, if it is the one that was taken away, and
// otherwise says why not.
func (r *reset) recognise(ctx context.Context, c *change) (key *fido.Key, other string, err error) {
	now := identity.Known{HID: c.Key.HID}
	if atReader(c.Key.Device) {
		now = identity.Known{Reader: c.Key.Reader.Name}
	}
	if found := r.key.Compare(&now); found.Other != "" {
		return nil, found.Other, nil // which needs no question to it
	}
	if c.Key.Access != nil {
		return nil, "", c.Key.Access
	}
	if key, err = r.openAgain(ctx, c.Key.Device); err != nil {
		return nil, "", err
	}
	info, err := key.GetInfo(ctx)
	if err != nil {
		key.Close()
		return nil, "", err
	}
	now.AAGUID = &info.AAGUID
	if r.key.Proof.By != "" {
		limited, cancel := context.WithTimeout(ctx, labelTime)
		now.Proof = r.label.Proves(limited, key, info)
		cancel()
	}
	found := r.key.Compare(&now)
	if found.Other != "" {
		key.Close()
		return nil, found.Other, nil
	}
	r.power, r.info = c.at, info
	r.result.Device, r.result.Compared, r.result.Certain = c.Key.Device, found.Same, found.Certain
	r.tellSame(found)
	return key, "", nil
}

// tellSame says how well the key was recognised.
func (r *reset) tellSame(c identity.Comparison) {
	words := make([]string, len(c.Same))
	for i, s := range c.Same {
		words[i] = identity.Words[s]
	}
	if c.Certain {
		r.hint("It is the same key: the same %s.", strings.Join(words, ", "))
		return
	}
	text := fmt.Sprintf("It has the same %s, which other keys of its model may have too.", strings.Join(words, ", "))
	if !r.contactless {
		text += " If it is one of them, don't touch it and press Ctrl-C."
	}
	r.hint("%s", text)
}
