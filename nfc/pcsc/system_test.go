//go:build system && linux

package pcsc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/pcscd"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
	"github.com/gofido/fido/nfc/vpcd"
)

// daemon starts a smart-card daemon.
func daemon(t testing.TB) *pcscd.Daemon {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d, err := pcscd.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Stop()
		if t.Failed() {
			t.Log(d.Log())
		}
	})
	return d
}

// insert puts a card with a software key into the daemon's reader. The function
// that it returns takes it out.
func insert(t testing.TB, d *pcscd.Daemon, a *nfc.Applet) (remove func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			vpcd.Connect(ctx, d.Addr, a)
			time.Sleep(10 * time.Millisecond) // the daemon may not be there yet
		}
	}()
	remove = func() { cancel(); <-done }
	t.Cleanup(remove)
	return remove
}

// reader waits for the card and returns the name of the reader that it is in.
func reader(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := pcsc.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for {
		e, err := w.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == pcsc.CardArrived {
			if !strings.HasPrefix(e.Reader.Name, pcscd.Reader) {
				t.Fatalf("a card in %q", e.Reader.Name)
			}
			return e.Reader.Name
		}
	}
}

func open(t testing.TB, name string, c *nfc.Config) *nfc.Conn {
	t.Helper()
	card, err := pcsc.Open(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nfc.Open(t.Context(), card, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func registration(name string) *ctap2.MakeCredentialRequest {
	return &ctap2.MakeCredentialRequest{
		ClientDataHash:   make([]byte, 32),
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com", Name: name},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
	}
}

func TestDaemon(t *testing.T) {
	d := daemon(t)
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	remove := insert(t, d, nfc.NewApplet(key, nil))
	name := reader(t)
	for what, c := range map[string]*nfc.Config{
		"as it comes": nil, "short": {Length: nfc.ShortOnly}, "extended": {Length: nfc.ExtendedFirst},
	} {
		t.Run(what, func(t *testing.T) {
			conn := open(t, name, c)
			client := ctap2.NewClient(conn, nil)
			if info, err := client.GetInfo(t.Context()); err != nil || info.AAGUID != virtual.DefaultAAGUID {
				t.Errorf("getInfo: %+v, %v", info, err)
			}
			if _, err := client.MakeCredential(t.Context(), registration(strings.Repeat("x", 700))); err != nil {
				t.Error(err)
			}
			if !conn.Contactless() {
				t.Error("the card is not contactless")
			}
		})
	}
	t.Run("a card that is taken away", func(t *testing.T) {
		conn := open(t, name, nil)
		client := ctap2.NewClient(conn, nil)
		key.SetUser(virtual.NeverTouch())
		time.AfterFunc(300*time.Millisecond, remove)
		if _, err := client.MakeCredential(t.Context(), registration("")); !errors.Is(err, nfc.ErrGone) {
			t.Errorf("%v", err)
		}
	})
}

func TestNoService(t *testing.T) {
	t.Setenv("PCSCLITE_CSOCK_NAME", t.TempDir()+"/nobody")
	if _, err := pcsc.List(t.Context()); !errors.Is(err, pcsc.NoService) {
		t.Errorf("%v", err)
	}
}
