package conformance_test

import (
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
)

// The fixture of the example gets a key that was used before into factory state.
func TestSimulator(t *testing.T) {
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := ctaphid.NewServer(soft, nil)
	l, err := udphid.Listen("127.0.0.1:0", &udphid.ListenOptions{PowerCycle: func() {
		soft.PowerCycle()
		server.PowerCycle()
	}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(t.Context(), l) }()
	defer func() { l.Close(); <-served }()

	if err := soft.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	simulator(l.Addr().String() + ":0").New(t)
	if soft.HasPIN() {
		t.Error("the PIN has outlived the reset")
	}
}
