//go:build guest

package libfido2

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/vm/hidnode"
)

// Our lock and libfido2's keep each other out.
func TestHidrawLockAndLibfido2(t *testing.T) {
	key, err := uhid.Create(&uhid.Options{Serial: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	node, err := hidnode.Wait(guest.Context(t), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 64)

	ours, err := hidraw.Open(guest.Context(t), node, nil)
	if err != nil {
		t.Fatal(err)
	}
	tool := exec.CommandContext(guest.Context(t), "fido2-token", "-I", node)
	if err := tool.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { tool.Process.Kill(); tool.Wait() }()
	key.SetReadDeadline(time.Now().Add(time.Second))
	if _, err := key.ReadReport(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("libfido2 sent %x, %v while the key was ours", p, err)
	}
	ours.Close()
	key.SetReadDeadline(time.Time{})
	if _, err := key.ReadReport(p); err != nil { // its INIT
		t.Fatal(err)
	}

	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := hidraw.Open(soon, node, nil); !errors.Is(err, hidraw.ErrLocked) {
		t.Errorf("open while libfido2 has the key: %v", err)
	}
	tool.Process.Kill()
	tool.Wait()
	ours, err = hidraw.Open(guest.Context(t), node, nil)
	if err != nil {
		t.Fatal(err)
	}
	ours.Close()
}
