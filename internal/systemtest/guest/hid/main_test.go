//go:build guest

// Package hid tests the ground that other system tests stand on: devices on
// uhid and on a simulated USB bus, and their hidraw nodes.
package hid

import (
	"os"
	"strings"
	"testing"

	"github.com/gofido/fido/internal/systemtest/guest"
)

func TestMain(m *testing.M) { guest.Main(m) }

func TestBoot(t *testing.T) {
	if os.Getppid() != 1 {
		t.Errorf("the parent is process %d, want 1", os.Getppid())
	}
	modules, err := os.ReadFile("/proc/modules")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"uhid", "usbhid", "hid_generic", "dummy_hcd", "usb_f_hid"} {
		if !strings.Contains("\n"+string(modules), "\n"+name+" ") {
			t.Errorf("module %s is not loaded", name)
		}
	}
}
