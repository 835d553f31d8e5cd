//go:build guest

// Package conformance runs the conformance suite against the software key, in
// real time and with the kernel between them.
package conformance

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/conformance"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/internal/systemtest/guest"
)

func TestMain(m *testing.M) { guest.Main(m) }

// A socket is what stands behind the one device of the suite: a new key for
// each case. (The kernel takes its time to make a device.)
type socket struct {
	atomic.Pointer[virtual.Key]
}

func (s *socket) CBOR(ctx context.Context, session uint64, dst, request []byte, waiting func(byte)) []byte {
	return s.Load().CBOR(ctx, session, dst, request, waiting)
}

func (s *socket) MSG(ctx context.Context, session uint64, dst, apdu []byte) []byte {
	return s.Load().MSG(ctx, session, dst, apdu)
}

func (s *socket) Capabilities() byte { return s.Load().Capabilities() }

func (s *socket) insert(t *testing.T) {
	t.Helper()
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s.Store(key)
}

// fixture is the suite's view of the device that is plugged in.
func fixture(s *socket, plugged *guest.Device) conformance.Fixture {
	return conformance.Fixture{
		Patience: 12 * time.Second,
		New: func(t *testing.T) *conformance.Key {
			s.insert(t)
			plugged.Server.PowerCycle()
			return &conformance.Key{
				Strict: true,
				OpenReports: func() (ctaphid.Device, error) {
					return hidraw.Open(guest.Context(t), plugged.Path, &hidraw.Options{Lock: hidraw.LockNone})
				},
				PowerCycle: func() error {
					s.Load().PowerCycle()
					plugged.Server.PowerCycle()
					return nil
				},
				User: func(b conformance.Behaviour) error {
					switch b.Action {
					case conformance.Touch:
						s.Load().SetUser(virtual.TouchAfter(b.After))
					case conformance.Ignore:
						s.Load().SetUser(virtual.NeverTouch())
					case conformance.Decline:
						s.Load().SetUser(virtual.Deny())
					case conformance.LongTouch:
						s.Load().SetUser(virtual.Script(virtual.Step{After: b.After, Touch: virtual.LongTouch}))
					}
					return nil
				},
			}
		},
	}
}

// Which cases do not apply is checked by the host's half.
func TestUHID(t *testing.T) {
	s := new(socket)
	s.insert(t)
	plugged := guest.PlugIn(t, guest.UHID, s, &ctaphid.ServerConfig{
		// The specification allows 100 ms; the emulated processor may stand still
		// for a while.
		Keepalive: 25 * time.Millisecond,
	})
	r := conformance.Run(t, fixture(s, plugged))
	if got, want := len(r.Passed)+len(r.NotApplicable), len(conformance.Cases()); got != want {
		t.Errorf("%d cases passed or do not apply, of %d; failed: %q", got, want, r.Failed)
	}
	t.Logf("%d cases passed", len(r.Passed))
}
