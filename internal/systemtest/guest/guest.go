//go:build linux

// Package guest holds what the tests that run inside the virtual machine
// share. See the documentation of internal/systemtest.
package guest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// Descriptor is the HID report descriptor of a FIDO device with reports of 64
// bytes (CTAP 2.3 section 11.2.8.2).
var Descriptor = []byte{
	0x06, 0xd0, 0xf1, // usage page 0xf1d0
	0x09, 0x01, // usage 0x01, CTAPHID
	0xa1, 0x01, // collection, application
	0x09, 0x20, // usage 0x20, data in
	0x15, 0x00, 0x26, 0xff, 0x00, // from 0 to 255
	0x75, 0x08, 0x95, 0x40, // 8 bits, 64 of them
	0x81, 0x02, // input
	0x09, 0x21, // usage 0x21, data out
	0x15, 0x00, 0x26, 0xff, 0x00,
	0x75, 0x08, 0x95, 0x40,
	0x91, 0x02, // output
	0xc0, // end of collection
}

// Main runs the tests, but only in the virtual machine: elsewhere they would
// make devices in the kernel of whoever runs them. Each package of guest tests
// calls it from TestMain.
func Main(m *testing.M) {
	if os.Getenv("GOFIDO_VM") == "" {
		fmt.Fprintln(os.Stderr, "These tests run in a virtual machine; start them with: go test -tags system ./internal/systemtest")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// patience is how long the emulated machine, on a host that has other work too,
// may take for anything.
const patience = 2 * time.Minute

// Context returns the test's context with a time after which the kernel has
// certainly failed to do what is waited for.
func Context(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, fmt.Errorf("nothing happened for %v", patience))
	t.Cleanup(cancel)
	return ctx
}
