package hid_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/gofido/fido/ctaphid/hid"
)

func TestNewAccessError(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{syscall.EACCES, "udev rule"},
		{syscall.EPERM, "container"},
		{syscall.ENOENT, "node is missing"},
	} {
		e := hid.NewAccessError("/dev/hidraw0", tt.err)
		if !strings.Contains(e.Advice, tt.want) || e.Path != "/dev/hidraw0" || e.Unwrap() != tt.err {
			t.Errorf("%v: %+v", tt.err, e)
		}
	}
}
