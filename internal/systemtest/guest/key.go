//go:build linux

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/internal/vm/hidnode"
)

// A Key is a software key that is plugged into the machine's kernel.
type Key struct {
	*virtual.Key
	Server *ctaphid.Server
	Path   string // of its hidraw node; "" while it is unplugged
	Serial string // another one each time that it is plugged in

	route  Route
	unplug context.CancelCauseFunc
	served chan error
}

// serials makes sure that no two devices have the same name, ever.
var serials atomic.Uint32

// errUnplugged is why Serve ends when the test wants it to.
var errUnplugged = errors.New("unplugged by the test")

// NewKey makes a software key and plugs it in until the test ends.
func NewKey(t *testing.T, r Route, c virtual.Config) *Key {
	t.Helper()
	software, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return PlugIn(t, r, software, &ctaphid.ServerConfig{
		// The emulated processor may stand still for a while.
		PacketTimeout: 10 * time.Second,
	})
}

// PlugIn plugs a software key in until the test ends.
func PlugIn(t *testing.T, r Route, software *virtual.Key, c *ctaphid.ServerConfig) *Key {
	t.Helper()
	limits := *c
	limits.MaxMessage = r.Longest
	k := &Key{Key: software, Server: ctaphid.NewServer(software, &limits), route: r}
	t.Cleanup(func() { k.Unplug(t) })
	k.Plug(t)
	return k
}

// Plug plugs the key in, with its power on since now, and returns when its node
// is there.
func (k *Key) Plug(t *testing.T) {
	t.Helper()
	k.PowerCycle()
	k.Serial = fmt.Sprintf("key%d", serials.Add(1))
	device, err := k.route.create(k.Serial)
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, k.unplug = context.WithCancelCause(context.Background()) // a test's context ends before its cleanups
	k.served = make(chan error, 1)
	go func() { k.served <- k.Server.Serve(ctx, device) }()
	if k.Path, err = hidnode.Wait(Context(t), k.Serial); err != nil {
		t.Fatal(err)
	}
}

// Unplug pulls the key out, if it is plugged in, and returns when its node is
// gone.
func (k *Key) Unplug(t *testing.T) {
	t.Helper()
	if k.Path == "" {
		return
	}
	k.unplug(errUnplugged)
	if err := <-k.served; !errors.Is(err, errUnplugged) {
		t.Errorf("the key's server ended with %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := hidnode.WaitGone(ctx, k.Path); err != nil {
		t.Error(err)
	}
	k.Path = ""
}

// Open opens the key as programs do, until the test ends.
func (k *Key) Open(t *testing.T, o *fido.Options) *fido.Key {
	t.Helper()
	client, err := fido.Open(Context(t), k.Path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return client
}

// Shared are options for several programs at one key.
func Shared() *fido.Options { return &fido.Options{Lock: hidraw.LockNone} }
