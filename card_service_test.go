//go:build !scard

package fido_test

import (
	"errors"
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/nfc/pcsc"
)

// The system's library would remember the socket for the tests that follow.
func TestOpenCardWithoutService(t *testing.T) {
	t.Setenv("PCSCLITE_CSOCK_NAME", t.TempDir()+"/nobody")
	if _, err := fido.Open(t.Context(), "pcsc:", nil); !errors.Is(err, pcsc.NoService) && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("no service: %v", err)
	}
}
