//go:build guest && linux

package main

import (
	"embed"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/internal/systemtest/guest"
)

// In the virtual machine the key is a HID device of the kernel, and the screens
// are in the program.

//go:embed testdata/screens
var embedded embed.FS

func init() {
	runTests = guest.Main
	patience = 2 * time.Minute
	ways = []way{{name: "uhid", hand: true, maxMsgSize: uhid.MaxMessage, socket: func(*testing.T) socket { return new(kernelSocket) }}}
	writeScreen = func(file, screen string) error {
		_, err := fmt.Printf("\nscreen %s %q\n", file, screen) // for TestGuest, which writes it
		return err
	}
	var err error
	if screens, err = fs.Sub(embedded, "testdata/screens"); err != nil {
		panic(err)
	}
}

// A kernelSocket is a device of the kernel: --device /dev/hidraw0.
type kernelSocket struct{ device *guest.Device }

func (s *kernelSocket) plug(t *testing.T, key *virtual.Key) string {
	t.Helper()
	if s.device == nil {
		config := serverConfig
		s.device = guest.PlugIn(t, guest.UHID, key, &config)
	} else {
		s.device.Plug(t)
	}
	return s.device.Path
}

func (s *kernelSocket) unplug(t *testing.T) { s.device.Unplug(t) }
