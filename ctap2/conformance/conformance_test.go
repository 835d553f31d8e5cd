package conformance_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/gofido/fido/ctap2/conformance"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
)

// loopback is a fixture over the software key in memory, in virtual time.
func loopback(c virtual.Config, in, out int) conformance.Fixture {
	return conformance.Fixture{
		VirtualTime: true,
		New: func(t *testing.T) *conformance.Key {
			c := c
			c.Storage = new(virtual.MemoryStorage)
			key, err := virtual.New(c)
			if err != nil {
				t.Fatal(err)
			}
			var server *ctaphid.Server
			return &conformance.Key{
				Strict: true,
				OpenReports: func() (ctaphid.Device, error) {
					if server == nil {
						server = ctaphid.NewServer(key, nil)
					}
					return ctaphid.LoopbackServer(server, out, in), nil
				},
				PowerCycle: func() error {
					key.PowerCycle()
					server.PowerCycle()
					return nil
				},
				User: func(b conformance.Behaviour) {
					switch b.Action {
					case conformance.Touch:
						key.SetUser(virtual.TouchAfter(b.After))
					case conformance.Ignore:
						key.SetUser(virtual.NeverTouch())
					case conformance.Decline:
						key.SetUser(virtual.Deny())
					}
				},
				Verify: func(succeed bool) {
					v := virtual.NotVerified
					if succeed {
						v = virtual.Verified
					}
					key.SetUser(virtual.Script(slices.Repeat([]virtual.Step{{Touch: virtual.Touch, Verify: v}}, 100)...))
				},
			}
		},
	}
}

func TestLoopback(t *testing.T) {
	for _, test := range []struct {
		name          string
		config        virtual.Config
		in, out       int
		notApplicable []string
	}{
		{"a CTAP 2.1 key", virtual.Config{}, 64, 64, []string{"HID-D1", "HID-L7", "MC-25", "TK-7", "TK-8"}},
		{"a key with built-in user verification", virtual.Config{UV: virtual.ConfiguredUV}, 64, 64,
			[]string{"GA-9", "HID-B7", "HID-C10", "HID-D1", "HID-L7", "MC-25", "TK-8"}},
		{"reports of 32 bytes out and 48 in", virtual.Config{}, 48, 32, []string{"HID-D1", "HID-L7", "MC-25", "TK-7", "TK-8"}},
		{"protocol one alone", virtual.Config{Protocols: []pinuv.Protocol{pinuv.One}}, 64, 64,
			[]string{"CP-19", "HID-D1", "HID-L7", "MC-25", "TK-12", "TK-7", "TK-8"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := conformance.Run(t, loopback(test.config, test.in, test.out))
			if got := slices.Sorted(maps.Keys(r.NotApplicable)); !slices.Equal(got, test.notApplicable) {
				for _, id := range got {
					t.Logf("%s: %s", id, r.NotApplicable[id])
				}
				t.Errorf("these cases do not apply: %q, expected %q", got, test.notApplicable)
			}
			if len(r.Passed)+len(r.Failed)+len(r.NotApplicable) != len(conformance.Cases()) {
				t.Errorf("%d passed, %d failed, %d not applicable of %d", len(r.Passed), len(r.Failed), len(r.NotApplicable), len(conformance.Cases()))
			}
		})
	}
}

// Every case has an ID of its own, a title and a function.
func TestCases(t *testing.T) {
	seen := map[string]bool{}
	elsewhere := conformance.Elsewhere()
	for _, c := range conformance.Cases() {
		if seen[c.ID] || c.ID == "" || c.Title == "" || c.Run == nil {
			t.Errorf("case %q (%q) is a second one or incomplete", c.ID, c.Title)
		}
		if elsewhere[c.ID] != "" {
			t.Errorf("case %s is here, and elsewhere: %s", c.ID, elsewhere[c.ID])
		}
		seen[c.ID] = true
	}
}
