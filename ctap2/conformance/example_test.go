package conformance_test

import (
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/conformance"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
)

// simulator is the fixture for a firmware simulator on UDP that touches itself.
func simulator(addr string) conformance.Fixture {
	return conformance.Fixture{New: func(t *testing.T) *conformance.Key {
		key := &conformance.Key{
			OpenReports: func() (ctaphid.Device, error) { return udphid.Dial(t.Context(), addr) },
			PowerCycle: func() error {
				dev, err := udphid.Dial(t.Context(), addr)
				if err != nil {
					return err
				}
				defer dev.Close()
				return dev.PowerCycle()
			},
		}
		// A key takes a reset only in the first ten seconds after it gets power.
		if err := key.PowerCycle(); err != nil {
			t.Fatal(err)
		}
		dev, err := key.OpenReports()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := ctaphid.Open(t.Context(), dev, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := ctap2.NewClient(conn, nil).Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		return key
	}}
}

// A simulator at 127.0.0.1:8111, as fidokey serve --udp is one.
func ExampleFixture() {
	_ = func(t *testing.T) { // TestConformance
		conformance.Run(t, simulator("127.0.0.1:8111:0"))
	}
	// Output:
}
