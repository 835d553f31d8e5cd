//go:build guest

// Package conformance runs the conformance suite against the software key, in
// real time and with the kernel between them.
package conformance

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/conformance"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/internal/systemtest/guest"
)

func TestMain(m *testing.M) { guest.Main(m) }

// config is that of a key to which most cases apply.
var config = virtual.Config{
	UV:            virtual.FingerprintUV,
	Previews:      true,
	Enterprise:    &virtual.Enterprise{},
	PINComplexity: &virtual.PINComplexity{},
}

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
	key, err := virtual.New(config)
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
						s.always(virtual.Step{After: b.After + 6*time.Second, Touch: virtual.LongTouch, Verify: virtual.Verified})
					}
					return nil
				},
				Sample: func(status ctap2.SampleStatus) {
					step := virtual.Step{Touch: virtual.Touch, Verify: virtual.Verified, Sample: virtual.BadSample(status)}
					if status == ctap2.SampleNoUserActivity {
						step.Sample = virtual.NoSample
					}
					s.always(step)
				},
				Verify: func(succeed bool) {
					step := virtual.Step{Touch: virtual.Touch, Verify: virtual.NotVerified}
					if succeed {
						step.Verify = virtual.Verified
					}
					s.always(step)
				},
			}
		},
	}
}

// always has the user do the same for as long as a case lasts.
func (s *socket) always(step virtual.Step) {
	s.Load().SetUser(virtual.Script(slices.Repeat([]virtual.Step{step}, 100)...))
}

// Which cases do not apply is checked by the host's half.
func TestUHID(t *testing.T) {
	s := new(socket)
	s.insert(t)
	plugged := guest.PlugIn(t, guest.UHID, s, &ctaphid.ServerConfig{
		// The specification allows 100 ms; the emulated processor may stand still
		// for a while.
		Keepalive:     25 * time.Millisecond,
		PacketTimeout: 2 * time.Second,
	})
	r := conformance.Run(t, fixture(s, plugged))
	if got, want := len(r.Passed)+len(r.NotApplicable), len(conformance.Cases()); got != want {
		t.Errorf("%d cases passed or do not apply, of %d; failed: %q", got, want, r.Failed)
	}
	t.Logf("%d cases passed", len(r.Passed))
}
