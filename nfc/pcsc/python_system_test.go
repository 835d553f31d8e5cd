//go:build system && linux

package pcsc_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
)

// python-fido2, which has no part in this project, uses our card through the
// daemon.
func TestPython(t *testing.T) {
	d := daemon(t)
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, d, nfc.NewApplet(key, nil))
	reader(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	// Debian's own interpreter, for which its packages are.
	out, err := exec.CommandContext(ctx, "/usr/bin/python3", "testdata/fido2pcsc.py").CombinedOutput()
	if err != nil {
		t.Fatalf("packages python3-fido2 and python3-pyscard: %v\n%s", err, out)
	}
	const want = "versions U2F_V2 FIDO_2_0 FIDO_2_1 FIDO_2_3\nretries 8\nregistered packed UV\nlogged in ada\n"
	if string(out) != want {
		t.Errorf("it says\n%s, want\n%s", out, want)
	}
	if made := key.Credentials(); len(made) != 1 || made[0].RP.ID != "example.com" {
		t.Errorf("on the key: %+v", made)
	}
}
