package fido

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/hidraw"
)

// usbKey is a key on HID, at an address of bus 1, 0 if that is unknown.
func usbKey(path string, device int) hid.Info {
	k := hid.Info{Path: path, Bus: hid.BusUSB, Product: "Example Key", Serial: "70D7E2EE"}
	if device != 0 {
		k.USBBus, k.USBDevice = 1, device
	}
	return k
}

// heard collects what a watch reports, in short, until ctx ends.
func heard(ctx context.Context, feeds ...feed) (lines []string, err error) {
	for e, failed := range watch(ctx, feeds...) {
		if failed != nil {
			return lines, failed
		}
		line := e.Action.String() + " " + e.Key.Device
		if e.Key.Access != nil {
			line += ": denied"
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// A scripted list of keys changes as time passes.
type scriptedList struct {
	begun time.Time
	keys  []hid.Info
	steps []scriptStep
}

type scriptStep struct {
	after time.Duration
	keys  []hid.Info
	err   error
}

func (s *scriptedList) list() ([]hid.Info, error) {
	keys, err := s.keys, error(nil)
	for _, step := range s.steps {
		if time.Since(s.begun) >= step.after {
			keys, err = step.keys, step.err
		}
	}
	return keys, err
}

func noEvents(context.Context) (iter.Seq2[hidraw.Event, error], error) {
	return nil, errors.ErrUnsupported
}

func noCards(ctx context.Context, _ func(news)) { <-ctx.Done() }

func TestWatchPolled(t *testing.T) {
	a, b := usbKey("a", 1), usbKey("b", 2)
	other, denied := usbKey("a", 3), usbKey("a", 1)
	denied.Access = errors.New("you may not")
	broken := errors.New("broken")
	for _, test := range []struct {
		name  string
		keys  []hid.Info
		steps []scriptStep
		want  []string
	}{
		{"no key/silence", nil, nil, nil},
		{"keys are there/they are told", []hid.Info{a, b}, nil, []string{"added a", "added b"}},
		{"one comes and goes", []hid.Info{a}, []scriptStep{{3 * time.Second, []hid.Info{a, b}, nil}, {5 * time.Second, []hid.Info{b}, nil}},
			[]string{"added a", "added b", "removed a"}},
		{"exchanged for another in between/gone and come", []hid.Info{a}, []scriptStep{{3 * time.Second, []hid.Info{other}, nil}},
			[]string{"added a", "removed a", "added a"}},
		{"its permissions come later/gone and come", []hid.Info{denied}, []scriptStep{{3 * time.Second, []hid.Info{a}, nil}},
			[]string{"added a: denied", "removed a: denied", "added a"}},
		{"looking fails for a while/nothing is lost", []hid.Info{a}, []scriptStep{{3 * time.Second, nil, broken}, {6 * time.Second, []hid.Info{a, b}, nil}},
			[]string{"added a", "added b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				s := &scriptedList{time.Now(), test.keys, test.steps}
				got, err := heard(ctx, hidFeed{noEvents, s.list}.run, noCards)
				if err != nil || !slices.Equal(got, test.want) {
					t.Errorf("heard %q, %v; want %q", got, err, test.want)
				}
			})
		})
	}
}

// Where the system tells of changes nothing is looked at twice, until it stops to.
func TestWatchEvents(t *testing.T) {
	a, b, c := usbKey("a", 1), usbKey("b", 2), usbKey("c", 3)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		looks := 0
		there := []hid.Info{a, b}
		list := func() ([]hid.Info, error) { looks++; return there, nil }
		events := func(context.Context) (iter.Seq2[hidraw.Event, error], error) {
			return func(yield func(hidraw.Event, error) bool) {
				yield(hidraw.Event{Action: hidraw.Added, Info: b}, nil) // it came before the first look
				yield(hidraw.Event{Action: hidraw.Removed, Info: a}, nil)
				yield(hidraw.Event{Action: hidraw.Removed, Info: a}, nil)
				time.Sleep(30 * time.Second)
				if looks != 1 {
					t.Errorf("looked %d times", looks)
				}
				there = []hid.Info{b, c}
				yield(hidraw.Event{}, errors.New("the kernel has closed the socket"))
			}, nil
		}
		got, err := heard(ctx, hidFeed{events, list}.run, noCards)
		if want := []string{"added a", "added b", "removed a", "added c"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("heard %q, %v; want %q", got, err, want)
		}
	})
}

func TestWatchErrors(t *testing.T) {
	broken := errors.New("broken")
	fails := func(_ context.Context, tell func(news)) { tell(news{err: broken}) }
	unsupported := hidFeed{noEvents, func() ([]hid.Info, error) { return nil, errors.ErrUnsupported }}.run
	later := func(ctx context.Context, tell func(news)) {
		pause(ctx, time.Second)
		tell(news{Event: Event{Added, KeyInfo{Device: "pcsc:R"}}})
	}
	for _, test := range []struct {
		name  string
		feeds []feed
		want  []string
		errs  []error
	}{
		{"both fail/both are said", []feed{unsupported, fails}, nil, []error{errors.ErrUnsupported, broken}},
		{"one fails/the other goes on", []feed{unsupported, later}, []string{"added pcsc:R"}, nil},
		{"nothing happens/the end", []feed{noCards, fails}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				got, err := heard(ctx, test.feeds...)
				if !slices.Equal(got, test.want) || (err == nil) != (len(test.errs) == 0) {
					t.Errorf("heard %q, %v", got, err)
				}
				for _, want := range test.errs {
					if !errors.Is(err, want) {
						t.Errorf("the error is %v, without %v", err, want)
					}
				}
			})
		})
	}
}

// Whoever leaves the loop leaves nothing running.
func TestWatchLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedList{begun: time.Now(), keys: []hid.Info{usbKey("a", 1), usbKey("b", 2)}}
		for range watch(t.Context(), hidFeed{noEvents, s.list}.run, noCards) {
			break
		}
	}) // which fails if a goroutine is left
}
