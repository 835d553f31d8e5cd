//go:build guest

package libfido2

import (
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/internal/systemtest/guest"
)

// open opens the key as programs do, until the test ends. (Package guest must
// not import what guest tests elsewhere are tests of.)
func open(t *testing.T, key guest.Key, o *fido.Options) *fido.Key {
	t.Helper()
	client, err := fido.Open(guest.Context(t), key.Path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}
