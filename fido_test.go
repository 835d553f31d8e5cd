package fido_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
)

func TestOpenUDP(t *testing.T) {
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := udphid.Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- ctaphid.NewServer(key, nil).Serve(ctx, l) }()
	defer func() {
		cancel()
		<-served
		l.Close()
	}()
	k, err := fido.Open(ctx, "udp:"+l.Addr().String()+":0", &fido.Options{Client: &ctap2.ClientConfig{Strict: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	info, err := k.GetInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if info.AAGUID != virtual.DefaultAAGUID {
		t.Errorf("the AAGUID is %v", info.AAGUID)
	}
}

func TestOpenErrors(t *testing.T) {
	closed, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	nobody := "udp:" + closed.LocalAddr().String() + ":0"
	closed.Close()
	none := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct {
		name, device string
		is           func(error) bool
	}{
		{"a path that does not exist", none, func(err error) bool {
			return errors.Is(err, fs.ErrNotExist) && strings.Count(err.Error(), none) == 1 && strings.Contains(err.Error(), "plug the key in") ||
				errors.Is(err, errors.ErrUnsupported)
		}},
		{"nobody listens", nobody, func(err error) bool {
			_, refused := errors.AsType[*udphid.RefusedError](err)
			return refused || errors.Is(err, context.DeadlineExceeded)
		}},
		{"a bad UDP address", "udp:1:2:3:4", func(err error) bool {
			return strings.Contains(err.Error(), `"1:2:3:4" is not HOST:PORT[:LOCALPORT]`)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			k, err := fido.Open(ctx, test.device, nil)
			if err == nil {
				k.Close()
				t.Fatal("it opens")
			}
			if !test.is(err) {
				t.Errorf("the error is %v", err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
		})
	}
}

// A device that is no key of ours is closed when it can't be opened.
func TestOpenHIDCloses(t *testing.T) {
	silent, _ := ctaphid.Pipe(64, 64) // nobody is at the other end
	dev := &closing{Device: silent}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if k, err := fido.OpenHID(ctx, dev, nil); err == nil {
		k.Close()
		t.Fatal("a device that answers nothing opens")
	}
	if !dev.closed {
		t.Error("the device is still open")
	}
}

type closing struct {
	ctaphid.Device
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return c.Device.Close()
}

func TestSelectError(t *testing.T) {
	err := &fido.SelectError{Keys: []fido.KeyInfo{{Device: "/dev/hidraw0"}, {Device: "/dev/hidraw3", Access: fs.ErrPermission}, {Device: "pcsc:ACS 00"}}}
	for _, want := range []string{"/dev/hidraw0,", "/dev/hidraw3 (which can't be opened)", `"pcsc:ACS 00"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %s", err, want)
		}
	}
}

func TestErrNoKeySaysWhatToDo(t *testing.T) {
	if !strings.Contains(fido.ErrNoKey.Error(), "plug one in") {
		t.Errorf("%q", fido.ErrNoKey)
	}
}

func TestDevice(t *testing.T) {
	device := serveUser(t, virtual.AlwaysTouch())
	key, err := fido.Open(t.Context(), device, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	if key.Device() != device {
		t.Errorf("opened %q, which says that it is %q", device, key.Device())
	}
}
