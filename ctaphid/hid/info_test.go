package hid_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/gofido/fido/ctaphid/hid"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "Security Key", "Security Key"},
		{"other letters", "Schlüssel 鍵", "Schlüssel 鍵"},
		{"blanks around", "  Key \n", "Key \ufffd"},
		{"escape sequence", "\x1b[2JKey", "\ufffd[2JKey"},
		{"line break", "Key\nroot", "Key\ufffdroot"},
		{"right-to-left override", "yek\u202e", "yek\ufffd"},
		{"not UTF-8", "Key\xff\xfe!", "Key\ufffd!"},
		{"cut within a character", strings.Repeat("x", 511) + "é", strings.Repeat("x", 511) + "\ufffd"},
		{"long", strings.Repeat("x", 5000), strings.Repeat("x", 512)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := hid.Text(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBus(t *testing.T) {
	for b := hid.BusUSB; b <= hid.BusVirtual; b++ {
		if got := hid.LinuxBus(b.LinuxCode()); got != b {
			t.Errorf("%v has code %#x, which is %v", b, b.LinuxCode(), got)
		}
	}
	if hid.LinuxBus(0) != hid.BusUnknown || hid.LinuxBus(0x1234) != hid.BusUnknown || hid.BusUnknown.LinuxCode() != 0 || hid.Bus(99).LinuxCode() != 0 {
		t.Error("an unknown bus has a number")
	}
	if s := hid.Bus(99).String(); s != "bus 99" {
		t.Error(s)
	}
}

func TestAccessError(t *testing.T) {
	err := error(&hid.AccessError{Path: "/dev/hidraw3", Advice: "Do this.", Err: fs.ErrPermission})
	if !errors.Is(err, fs.ErrPermission) {
		t.Error("the system's error is hidden")
	}
	if want := "the key at /dev/hidraw3 can't be opened: permission denied. Do this."; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func ExampleInfo() {
	fmt.Println(hid.Info{Path: "/dev/hidraw0", Product: "Example Key", VendorID: 0x1209, ProductID: 1})
	// Output: /dev/hidraw0: Example Key (1209:0001)
}
