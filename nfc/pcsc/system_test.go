//go:build system && linux

package pcsc_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
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
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // other packages' tests have their turn with the daemon
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

// manage does what people do with a key: a PIN, a passkey, its listing, a large
// blob of 4,000 bytes, a login.
func manage(t *testing.T, client *ctap2.Client) {
	ctx := t.Context()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	pin := []byte("4321")
	info, err := client.GetInfo(ctx)
	must("getInfo", err)
	if info.AAGUID != virtual.DefaultAAGUID {
		t.Errorf("getInfo: %+v", info)
	}
	must("set PIN", client.SetPIN(ctx, []byte("1234")))
	must("change PIN", client.ChangePIN(ctx, []byte("1234"), pin))
	token, err := client.PINToken(ctx, pin, ctap2.PermissionMC, "example.com")
	must("token", err)
	create := &ctap2.MakeCredentialRequest{
		ClientDataHash:   make([]byte, 32),
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com", Name: strings.Repeat("x", 600)},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		Options:          ctap2.Options{RK: new(true)},
	}
	create.Extensions.RequestLargeBlobKey()
	create.Authorize(token)
	made, err := client.MakeCredential(ctx, create)
	must("register", err)

	token, err = client.PINToken(ctx, pin, ctap2.PermissionCM|ctap2.PermissionLBW, "")
	must("token for management", err)
	rps, err := client.RPs(ctx, token)
	must("list", err)
	if len(rps) != 1 || rps[0].RP.ID != "example.com" {
		t.Errorf("relying parties %+v", rps)
	}
	credentials, err := client.Credentials(ctx, token, rps[0].RPIDHash)
	must("list", err)
	if len(credentials) != 1 || credentials[0].User.Name != "ada" {
		t.Errorf("passkeys %+v", credentials)
	}
	blob := make([]byte, 4000)
	rand.Read(blob) // it can't be compressed
	must("write", client.SetLargeBlob(ctx, token, made.LargeBlobKey, blob))
	got, err := client.GetLargeBlob(ctx, made.LargeBlobKey)
	must("read", err)
	if !bytes.Equal(got, blob) {
		t.Error("the large blob has changed")
	}
	must("delete", client.DeleteLargeBlob(ctx, token, made.LargeBlobKey))

	token, err = client.PINToken(ctx, pin, ctap2.PermissionGA, "example.com")
	must("token for a login", err)
	login := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: make([]byte, 32)}
	login.Authorize(token)
	_, err = client.GetAssertion(ctx, login)
	must("log in", err)
}

func TestDaemon(t *testing.T) {
	for _, c := range []struct {
		name      string
		config    *nfc.Config
		shortOnly bool // the card
	}{
		{"as it comes", nil, false},
		{"short", &nfc.Config{Length: nfc.ShortOnly}, false},
		{"short to a card that knows nothing else", &nfc.Config{Length: nfc.ExtendedFirst}, true},
		{"extended", &nfc.Config{Length: nfc.ExtendedFirst}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := daemon(t)
			key, err := virtual.New(virtual.Config{})
			if err != nil {
				t.Fatal(err)
			}
			insert(t, d, nfc.NewApplet(key, &nfc.AppletConfig{ShortOnly: c.shortOnly}))
			conn := open(t, reader(t), c.config)
			if !conn.Contactless() {
				t.Error("the card is not contactless")
			}
			manage(t, ctap2.NewClient(conn, nil))
		})
	}
}

// A card that is taken away in the middle of a command: the next key is usable.
func TestRemoval(t *testing.T) {
	d := daemon(t)
	key, err := virtual.New(virtual.Config{User: virtual.NeverTouch()})
	if err != nil {
		t.Fatal(err)
	}
	remove := insert(t, d, nfc.NewApplet(key, nil))
	name := reader(t)
	conn := open(t, name, nil)
	time.AfterFunc(300*time.Millisecond, remove)
	request, err := (&ctap2.MakeCredentialRequest{
		ClientDataHash:   make([]byte, 32),
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
	}).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.CBOR(t.Context(), nil, request, nil); !errors.Is(err, nfc.ErrGone) {
		t.Errorf("taken away: %v", err)
	}
	conn.Close()
	next, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, d, nfc.NewApplet(next, nil))
	if _, err := ctap2.NewClient(open(t, reader(t), nil), nil).GetInfo(t.Context()); err != nil {
		t.Errorf("the next key: %v", err)
	}
}

// Two programs share a card, one of which also looks for another application.
func TestSharing(t *testing.T) {
	d := daemon(t)
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	insert(t, d, nfc.NewApplet(key, nil))
	name := reader(t)
	conn := open(t, name, nil)
	stop := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		card, err := pcsc.Open(context.Background(), name, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer card.Close()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := card.Begin(context.Background()); err != nil {
				t.Error(err)
				return
			}
			if _, err := card.Transmit(context.Background(), nil, []byte{0, 0xa4, 4, 0, 2, 0xaa, 0xbb}); err != nil {
				t.Error(err)
			}
			card.End()
		}
	})
	client := ctap2.NewClient(conn, nil)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		token, err := client.PINToken(t.Context(), []byte("1234"), ctap2.PermissionCM, "")
		if err != nil {
			t.Fatal(err)
		}
		token.Wipe()
		if _, err := client.GetInfo(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	others.Wait()
	if n := key.PINRetries(); n != 8 {
		t.Errorf("%d tries are left", n)
	}

	if _, err := pcsc.Open(t.Context(), name, &pcsc.Options{Exclusive: true}); !errors.Is(err, pcsc.SharingViolation) {
		t.Errorf("exclusively beside another: %v", err)
	}
	// While one holds the card, the waits of another end with their contexts.
	card, err := pcsc.Open(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	if err := conn.BeginSequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := card.Begin(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a card that another holds: %v", err)
	}
	if _, err := pcsc.Open(ctx, name, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("opening a card that another holds: %v", err)
	}
	conn.EndSequence()
	if _, err := client.GetInfo(t.Context()); err != nil {
		t.Errorf("who held it: %v", err)
	}
	// And it is theirs when it is free, however long that takes.
	if card, err = pcsc.Open(t.Context(), name, nil); err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	if err := conn.BeginSequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(500*time.Millisecond, conn.EndSequence)
	if err := card.Begin(t.Context()); err != nil {
		t.Errorf("a card that another has held: %v", err)
	}
	card.End()
}

// A card of another kind is said to be no key.
func TestOtherCard(t *testing.T) {
	d := daemon(t)
	insert(t, d, nfc.NewApplet(struct{ nfc.Handler }{}, nil))
	card, err := pcsc.Open(t.Context(), reader(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nfc.Open(t.Context(), otherCard{card}, nil); !errors.Is(err, nfc.ErrNoApplet) {
		t.Errorf("%v", err)
	}
}

// otherCard is asked for an application that it does not have.
type otherCard struct{ *pcsc.Card }

func (c otherCard) Transmit(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	return c.Card.Transmit(ctx, dst, bytes.Replace(apdu, []byte(nfc.AID), []byte("\xd2\x76\x00\x01\x24\x01\x00\x00"), 1))
}

func TestNoService(t *testing.T) {
	t.Setenv("PCSCLITE_CSOCK_NAME", t.TempDir()+"/nobody")
	if _, err := pcsc.List(t.Context()); !errors.Is(err, pcsc.NoService) {
		t.Errorf("%v", err)
	}
}
