package hid_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/gofido/fido/ctaphid/hid"
)

func TestNewOpenError(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		advice bool
	}{
		{"nothing is there", fs.ErrNotExist, true},
		{"another reason", hid.ErrNotFIDO, false},
	} {
		err := hid.NewOpenError("/dev/hidraw9", tt.err)
		if !errors.Is(err, tt.err) || err.Path != "/dev/hidraw9" || strings.Contains(err.Error(), "plug the key in") != tt.advice {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
