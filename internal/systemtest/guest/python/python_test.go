//go:build guest

// Package python tests against python-fido2, as Debian packages it.
package python

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/gofido/fido/internal/systemtest/guest"
)

func TestMain(m *testing.M) { guest.Main(m) }

func TestImport(t *testing.T) {
	const program = `
from fido2.hid import CtapHidDevice
from fido2.ctap2 import CTAP2, ClientPin
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
print("devices", list(CtapHidDevice.list_devices()))
`
	out, err := exec.CommandContext(guest.Context(t), "python3", "-c", program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != "devices []" {
		t.Errorf("python says %q, want an empty list of devices", got)
	}
}
