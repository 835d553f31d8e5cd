package fido_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"strings"
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
	"github.com/gofido/fido/nfc/vpcd"
)

// The software key, held to a reader of this program.
func ExampleOpenCard() {
	ctx := context.Background()
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		log.Fatal(err)
	}
	key, err := fido.OpenCard(ctx, nfc.Loopback(soft), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer key.Close()
	info, err := key.GetInfo(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Card().Version(), key.Contactless(), info.Versions)
	// Output: U2F_V2 true [U2F_V2 FIDO_2_0 FIDO_2_1 FIDO_2_3]
}

// A key that knows only U2F works at a reader as on USB.
func TestU2FCard(t *testing.T) {
	soft, err := virtual.New(virtual.Config{Profile: virtual.U2FOnly})
	if err != nil {
		t.Fatal(err)
	}
	key, err := fido.OpenCard(t.Context(), nfc.Loopback(soft), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	if !key.U2F() || key.HID() != nil {
		t.Errorf("U2F %v, HID %v", key.U2F(), key.HID())
	}
	made, err := key.MakeCredential(t.Context(), &ctap2.MakeCredentialRequest{
		ClientDataHash:   make([]byte, 32),
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
	})
	if err != nil || made.Fmt != "fido-u2f" {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestOpenSimulatedCard(t *testing.T) {
	soft, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			vpcd.Serve(context.Background(), conn, nfc.NewApplet(soft, nil))
		}
	}()
	key, err := fido.Open(t.Context(), "vpcd:"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	if info, err := key.GetInfo(t.Context()); err != nil || info.AAGUID != virtual.DefaultAAGUID {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestOpenCardErrors(t *testing.T) {
	if _, err := fido.Open(t.Context(), "vpcd:127.0.0.1:1", nil); err == nil {
		t.Error("nobody listens, and a card is there")
	}
	readers := []pcsc.Reader{{Name: "ACS 00"}, {Name: "HID 00", Card: true}}
	for _, c := range []struct {
		err  fido.ReaderError
		want string
	}{
		{fido.ReaderError{}, "plug one in"},
		{fido.ReaderError{Readers: readers}, `hold the key to a reader, or name one of "ACS 00", "HID 00" (with a card)`},
		{fido.ReaderError{Name: "X", Readers: readers}, `begins with "X": there is "ACS 00"`},
	} {
		if s := c.err.Error(); !strings.Contains(s, c.want) {
			t.Errorf("%q lacks %q", s, c.want)
		}
	}
}

func TestChooseReader(t *testing.T) {
	readers := []pcsc.Reader{{Name: "ACS 00"}, {Name: "HID 00 00"}, {Name: "HID 00 01", Card: true}, {Name: "Key 00", Card: true}}
	for name, want := range map[string]string{
		"ACS": "ACS 00", "HID": "HID 00 01", "HID 00 00": "HID 00 00", "Key": "Key 00", "": "", "X": "",
	} {
		if got, ok := fido.ChooseReader(readers, name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", name, got, ok, want)
		}
	}
	if got, _ := fido.ChooseReader(readers[:3], ""); got != "HID 00 01" {
		t.Errorf("the only card: %q", got)
	}
}
