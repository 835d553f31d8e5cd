package fido

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
)

// Found is what [Find] has found.
type Found struct {
	// Keys are the security keys, usable or not, those on HID first.
	Keys []KeyInfo

	// Readers are the card readers in which no key could be found.
	Readers []ReaderInfo

	// HIDErr says why keys on HID could not be looked for, such as
	// errors.ErrUnsupported; ReadersErr the same of card readers, where
	// pcsc.NoService is nothing unusual. Nil if they could.
	HIDErr, ReadersErr error
}

// A KeyInfo is a security key that is plugged in, or at a card reader.
type KeyInfo struct {
	Device  string // what [Open] takes
	Product string // "" if unknown, as it is of all cards

	// HID describes the key as a HID device; nil if it is in a card reader alone.
	HID *hid.Info

	// Reader is the card reader that the key is at, or that a key on HID shows
	// itself as besides; nil if there is none.
	Reader *pcsc.Reader

	// Access is nil if, as far as can be seen without opening it, this program may
	// use the key at Device, and otherwise says why not and what to do.
	Access error
}

// Contactless reports whether the key is held to a reader.
func (k *KeyInfo) Contactless() bool { return k.Reader != nil && k.Reader.Contactless() }

// A ReaderInfo is a card reader in which no key could be found.
type ReaderInfo struct {
	Reader pcsc.Reader

	// Err is why: pcsc.NoSmartCard; nfc.ErrNoApplet for another card, or a key that
	// does not offer FIDO there; pcsc.SharingViolation if another program uses it
	// and does not share it; or what else kept its card from being asked.
	Err error
}

// readersTime is how long Find looks at card readers, all at a time.
const readersTime = 2 * time.Second

// Find looks for security keys everywhere: on HID, as [List] does, and in card
// readers. A card is a key if its FIDO application can be selected, which is all
// that it is asked; a card that another program has for itself is left alone. Card
// readers are given 2 seconds.
//
// A key that shows itself as a HID device and as a card reader is one KeyInfo, when
// it is certain that it is one: when both are known to be the same USB device (on
// Linux, with the usual driver), or the reader's name has the serial number of the
// key. Its Device is the HID device, and its card is not asked, unless this program
// may not open the HID device and may use the card.
//
// No keys, no reader and no smart-card service are not errors. An error means that
// neither HID nor card readers could be looked at, or that ctx has ended.
func Find(ctx context.Context) (*Found, error) {
	keys, err := List()
	return find(ctx, keys, err, readersTime)
}

// find looks for keys in card readers, and puts them together with those on HID.
func find(ctx context.Context, keys []hid.Info, err error, patience time.Duration) (*Found, error) {
	found := &Found{HIDErr: err}
	for i := range keys {
		found.Keys = append(found.Keys, hidKey(&keys[i]))
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	readers, err := pcsc.List(limited)
	found.ReadersErr = err
	s := &search{keys, readers}
	for i, at := range s.all(limited) {
		found.add(&readers[i], at)
	}
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("fido: %w", nfc.ContextError(ctx))
	case found.HIDErr != nil && found.ReadersErr != nil:
		return nil, errors.Join(found.HIDErr, found.ReadersErr)
	}
	return found, nil
}

// add notes what is at a reader.
func (f *Found) add(r *pcsc.Reader, at atReader) {
	device := readerPrefix + r.Name
	switch {
	case at.key < 0 && at.err == nil:
		f.Keys = append(f.Keys, KeyInfo{Device: device, Reader: r})
	case at.key < 0:
		f.Readers = append(f.Readers, ReaderInfo{*r, at.err})
	default:
		k := &f.Keys[at.key]
		if k.Reader == nil {
			k.Reader = r
		}
		if k.Access != nil && at.err == nil {
			k.Device, k.Reader, k.Access = device, r, nil
		}
	}
}

// atReader is what is at a card reader.
type atReader struct {
	key int   // the index of the key on HID that the reader is part of, or -1
	err error // why the card is no key; nil if it is one or was not asked
}

// search looks at card readers.
type search struct {
	keys    []hid.Info
	readers []pcsc.Reader
}

// all looks at all readers at a time: one that does not answer delays no other.
func (s *search) all(ctx context.Context) []atReader {
	at := make([]atReader, len(s.readers))
	var looks sync.WaitGroup
	for i := range s.readers {
		looks.Go(func() {
			at[i] = s.look(ctx, &s.readers[i])
			at[i].err = reason(ctx, at[i].err)
		})
	}
	looks.Wait()
	return at
}

func (s *search) look(ctx context.Context, r *pcsc.Reader) atReader {
	switch {
	case !r.Card:
		return atReader{-1, pcsc.NoSmartCard}
	case r.Exclusive:
		return atReader{s.part(r, 0, 0), pcsc.SharingViolation}
	}
	card, err := pcsc.Open(ctx, r.Name, nil)
	if err != nil {
		return atReader{s.part(r, 0, 0), err}
	}
	defer card.Close()
	bus, device, err := card.USBAddress(ctx)
	if err != nil {
		bus, device = 0, 0
	}
	key := s.part(r, bus, device)
	if key >= 0 && s.keys[key].Access == nil {
		return atReader{key, nil}
	}
	_, err = nfc.Detect(ctx, card, &nfc.Config{Return: -1})
	return atReader{key, err}
}

// reason leaves out of an error what the reader says already.
func reason(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*nfc.OpError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*pcsc.OpError](err); ok {
		err = e.Err
	}
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("the card does not answer, or another program keeps it: %w", err)
	}
	return err
}

// part returns the index of the key on HID that a reader is part of, -1 if it is of
// none or that is not certain. bus and device are where the reader is, 0 if that is
// not known. What a card is held to is not part of the card.
func (s *search) part(r *pcsc.Reader, bus, device int) int {
	if r.Contactless() {
		return -1
	}
	same := -1
	for i := range s.keys {
		k := &s.keys[i]
		switch {
		case bus != 0 && k.USBBus != 0:
			if k.USBBus == bus && k.USBDevice == device {
				return i
			}
		case named(r, k):
			if same >= 0 {
				return -1 // a serial number that is none
			}
			same = i
		}
	}
	if same < 0 {
		return -1
	}
	for i := range s.readers {
		if other := &s.readers[i]; other.Name != r.Name && named(other, &s.keys[same]) {
			return -1
		}
	}
	return same
}

// shortestSerial is the fewest characters of a serial number that is taken for one.
const shortestSerial = 6

// named reports whether a reader's name has the key's name and, in parentheses as
// pcscd writes it, its serial number.
func named(r *pcsc.Reader, k *hid.Info) bool {
	return len(k.Serial) >= shortestSerial && strings.Count(k.Serial, k.Serial[:1]) != len(k.Serial) &&
		k.Product != "" && strings.Contains(r.Name, k.Product) && strings.Contains(r.Name, "("+k.Serial+")")
}

// ErrNoKey says that no security key is plugged in or at a card reader, as far as
// [Find] can see.
var ErrNoKey = errors.New("fido: there is no security key: plug one in, hold one to a card reader, or name the device to open")

// A SelectError says that there are several keys and that not exactly one of them
// is usable, so that the caller must name one.
type SelectError struct {
	Keys []KeyInfo
}

func (e *SelectError) Error() string {
	devices := make([]string, len(e.Keys))
	for i, k := range e.Keys {
		devices[i] = k.Device
		if strings.Contains(k.Device, " ") {
			devices[i] = fmt.Sprintf("%q", k.Device)
		}
		if k.Access != nil {
			devices[i] += " (which can't be opened)"
		}
	}
	return "fido: there are several security keys; name one of " + strings.Join(devices, ", ")
}

// usable returns the keys that this program may use.
func (f *Found) usable() []KeyInfo {
	return slices.DeleteFunc(slices.Clone(f.Keys), func(k KeyInfo) bool { return k.Access != nil })
}

// only returns the device of the only key.
func (f *Found) only() (string, error) {
	usable := f.usable()
	switch {
	case len(usable) == 1:
		return usable[0].Device, nil
	case len(f.Keys) == 1:
		return f.Keys[0].Device, nil // opening it says why not
	case len(f.Keys) > 1:
		return "", &SelectError{f.Keys}
	case f.HIDErr != nil:
		return "", f.HIDErr
	}
	for _, r := range f.Readers {
		if r.Err != pcsc.NoSmartCard && !errors.Is(r.Err, nfc.ErrNoApplet) { // there may be a key
			return "", fmt.Errorf("%w; card reader %q: %w", ErrNoKey, r.Reader.Name, r.Err)
		}
	}
	return "", ErrNoKey
}
