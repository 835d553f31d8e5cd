//go:build linux

package guest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/internal/vm/hidnode"
)

// A Device is a HID device of the machine's kernel, with a Server behind it.
type Device struct {
	Server *ctaphid.Server
	Path   string // of its hidraw node; "" while it is unplugged
	Serial string // no other device has it

	route  Route
	unplug context.CancelCauseFunc
	served chan error
}

// A Key is a software key that is plugged into the machine's kernel.
type Key struct {
	*virtual.Key
	*Device
}

// serials makes sure that no two devices have the same name, ever.
var serials atomic.Uint32

// errUnplugged is why Serve ends when the test wants it to.
var errUnplugged = errors.New("unplugged by the test")

// NewKey makes a software key and plugs it in until the test ends.
func NewKey(t *testing.T, r Route, c virtual.Config) Key {
	t.Helper()
	software, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return Key{software, PlugIn(t, r, software, &ctaphid.ServerConfig{
		// The emulated processor may stand still for a while.
		PacketTimeout: 10 * time.Second,
	})}
}

// Plug plugs the key in again, with its power on since now.
func (k Key) Plug(t *testing.T) {
	t.Helper()
	k.PowerCycle()
	k.Device.Plug(t)
}

// PlugIn plugs in a device that h answers for, until the test ends.
func PlugIn(t *testing.T, r Route, h ctaphid.Handler, c *ctaphid.ServerConfig) *Device {
	t.Helper()
	limits := ctaphid.ServerConfig{}
	if c != nil {
		limits = *c
	}
	limits.MaxMessage = r.Longest
	d := &Device{Server: ctaphid.NewServer(h, &limits), route: r}
	t.Cleanup(func() { d.Unplug(t) })
	d.Plug(t)
	return d
}

// Plug plugs the device in and returns when its node is there.
func (d *Device) Plug(t *testing.T) {
	t.Helper()
	if d.Serial == "" {
		d.Serial = fmt.Sprintf("key%d", serials.Add(1))
	}
	device, err := d.route.create(d.Serial)
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, d.unplug = context.WithCancelCause(context.Background()) // a test's context ends before its cleanups
	d.served = make(chan error, 1)
	go func() { d.served <- d.Server.Serve(ctx, device) }()
	if d.Path, err = hidnode.Wait(Context(t), d.Serial); err != nil {
		t.Fatal(err)
	}
}

// Unplug pulls the device out, if it is plugged in, and returns when its node is
// gone.
func (d *Device) Unplug(t *testing.T) {
	t.Helper()
	if d.Path == "" {
		return
	}
	d.unplug(errUnplugged)
	if err := <-d.served; !errors.Is(err, errUnplugged) {
		t.Errorf("the device's server ended with %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := hidnode.WaitGone(ctx, d.Path); err != nil {
		t.Error(err)
	}
	d.Path = ""
}
