package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

// A bench is a computer with USB ports, into which a test plugs software keys.
type bench struct {
	t *testing.T

	mu      sync.Mutex
	plugged map[string]plugged
	watches map[chan fido.Event]bool
	opened  []string
}

// plugged is a key in a port.
type plugged struct {
	info hid.Info
	key  *virtual.Key
}

func newBench(t *testing.T) *bench {
	return &bench{t: t, plugged: map[string]plugged{}, watches: map[chan fido.Event]bool{}}
}

// exampleKey describes a key at /dev/hidrawN in port N.
func exampleKey(n int, serial string) hid.Info {
	return hid.Info{
		Path: fmt.Sprintf("/dev/hidraw%d", n), Bus: hid.BusUSB, VendorID: 0x1209, ProductID: 1,
		Product: "Example Key", Serial: serial, PhysicalPath: fmt.Sprintf("usb-0000:00:14.0-%d/input0", n),
	}
}

// plug plugs a key in, which gives it power.
func (b *bench) plug(info hid.Info, key *virtual.Key) {
	key.PowerCycle()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.plugged[info.Path] = plugged{info, key}
	b.tell(fido.Event{Action: fido.Added, Key: keyInfo(&info)})
}

func (b *bench) unplug(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.plugged[path]
	if !ok {
		b.t.Errorf("nothing is plugged in at %s", path)
	}
	delete(b.plugged, path)
	b.tell(fido.Event{Action: fido.Removed, Key: keyInfo(&p.info)})
}

func keyInfo(i *hid.Info) fido.KeyInfo {
	return fido.KeyInfo{Device: i.Path, Product: i.Product, HID: i, Access: i.Access}
}

func (b *bench) tell(e fido.Event) {
	for w := range b.watches {
		w <- e
	}
}

// system is what fidokey sees of the bench.
func (b *bench) system() system { return system{b.list, b.find, b.watch, b.open} }

func (b *bench) list() (keys []hid.Info, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, path := range slices.Sorted(maps.Keys(b.plugged)) {
		keys = append(keys, b.plugged[path].info)
	}
	return keys, nil
}

func (b *bench) find(context.Context) (*fido.Found, error) {
	keys, _ := b.list()
	found := new(fido.Found)
	for i := range keys {
		found.Keys = append(found.Keys, keyInfo(&keys[i]))
	}
	return found, nil
}

func (b *bench) watch(ctx context.Context) iter.Seq2[fido.Event, error] {
	return func(yield func(fido.Event, error) bool) {
		events := make(chan fido.Event, 100)
		b.mu.Lock()
		for _, p := range b.plugged {
			events <- fido.Event{Action: fido.Added, Key: keyInfo(&p.info)}
		}
		b.watches[events] = true
		b.mu.Unlock()
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.watches, events)
		}()
		for {
			select {
			case e := <-events:
				if !yield(e, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (b *bench) open(ctx context.Context, device string, o *fido.Options) (*fido.Key, error) {
	b.mu.Lock()
	p, ok := b.plugged[device]
	b.opened = append(b.opened, device)
	b.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("open %s: %w", device, fs.ErrNotExist)
	}
	return fido.OpenHID(ctx, ctaphid.Loopback(p.key), o)
}

// opens returns how often a device was opened.
func (b *bench) opens(device string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.opened {
		if d == device {
			n++
		}
	}
	return n
}

// piped runs fidokey at the bench without a terminal.
func (b *bench) piped(ctx context.Context, stdin string, args ...string) result {
	var out, errOut bytes.Buffer
	code := b.system().run(ctx, args, strings.NewReader(stdin), &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

// atBench runs a scenario with a terminal at a bench.
func atBench(t *testing.T, f func(s *stage, b *bench)) {
	b := newBench(t)
	s := &stage{T: t, terminal: newTerminal(t, columns), way: way{name: "hid"}}
	s.system = b.system()
	s.device = "/dev/hidraw0"
	f(s, b)
	s.finish()
	s.compare()
}
