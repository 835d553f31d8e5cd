package fido_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
)

// liar is a U2F key that announces CTAP2 and refuses every message of it, as a
// keyboard with an old firmware does.
type liar struct {
	ctaphid.Device
	refused int
}

func (l *liar) WriteReport(p []byte) error {
	if first, err := ctaphid.ParsePacket(p); err == nil && first.Command == ctaphid.CommandCBOR {
		l.refused++
		p = slices.Clone(p)
		p[4] = 0x80 | 0x20 // a command that no device knows
	}
	return l.Device.WriteReport(p)
}

func TestU2FKeys(t *testing.T) {
	for _, test := range []struct {
		name    string
		config  virtual.Config
		lies    bool
		u2f     bool
		refused int
		want    error
	}{
		{"a key that knows both", virtual.Config{}, false, false, 0, nil},
		{"a U2F key", virtual.Config{Profile: virtual.U2FOnly}, false, true, 0, nil},
		{"a U2F key that announces CTAP2", virtual.Config{}, true, true, 1, nil},
		{"a key that knows neither", virtual.Config{WithoutU2F: true}, true, false, 2, ctaphid.ErrInvalidCmd},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				soft, err := virtual.New(test.config)
				if err != nil {
					t.Fatal(err)
				}
				dev := &liar{Device: ctaphid.Loopback(soft)}
				var wrapped ctaphid.Device = dev
				if !test.lies {
					wrapped = dev.Device
				}
				key, err := fido.OpenHID(t.Context(), wrapped, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer key.Close()
				for range 2 {
					info, err := key.GetInfo(t.Context())
					if !errors.Is(err, test.want) {
						t.Fatal(err)
					}
					if err == nil && (len(info.Versions) == 1) != test.u2f {
						t.Errorf("versions %q", info.Versions)
					}
				}
				if key.U2F() != test.u2f || dev.refused != test.refused {
					t.Errorf("used as a U2F key: %v; refused %d times", key.U2F(), dev.refused)
				}
			})
		})
	}
}

// A key's status is not the transport's error, though their numbers are the same.
func TestU2FStatusIsNoReason(t *testing.T) {
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := fido.OpenHID(context.Background(), ctaphid.Loopback(soft), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	if _, err := key.Command(t.Context(), ctap2.CommandVendorFirst+5, nil); !errors.Is(err, ctap2.StatusInvalidCommand) || key.U2F() {
		t.Errorf("%v, U2F %v", err, key.U2F())
	}
}
