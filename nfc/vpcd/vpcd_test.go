package vpcd_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/vpcd"
)

func newApplet(t testing.TB, c virtual.Config) (*virtual.Key, *nfc.Applet) {
	t.Helper()
	key, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return key, nfc.NewApplet(key, nil)
}

func registration(name string) *ctap2.MakeCredentialRequest {
	return &ctap2.MakeCredentialRequest{
		ClientDataHash:   make([]byte, 32),
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com", Name: name},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
	}
}

// pipe connects an applet to a reader in this program.
func pipe(t testing.TB, a *nfc.Applet) (reader net.Conn, served <-chan error) {
	reader, card := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- vpcd.Serve(context.Background(), card, a) }()
	t.Cleanup(func() { reader.Close() })
	return reader, done
}

// The bytes of the wire, as the documentation of the package says.
func TestWire(t *testing.T) {
	_, a := newApplet(t, virtual.Config{WithoutU2F: true})
	reader, _ := pipe(t, a)
	reader.SetDeadline(time.Now().Add(10 * time.Second)) // a defect is not to hang the test
	for _, step := range []struct{ send, want string }{
		{"000100", ""},
		{"000101", ""},
		{"000104", "000a" + hex.EncodeToString(a.ATR())},
		{"000400a40400", "00026a82"},                                   // another application
		{"000d00a4040008a0000006472f0001", "000a4649444f5f325f309000"}, // FIDO_2_0
		{"000102", ""}, // it forgets what was selected
		{"000780100000010400", "00026d00"},
	} {
		b, err := hex.DecodeString(step.send)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Write(b); err != nil {
			t.Fatal(err)
		}
		if step.want == "" {
			continue
		}
		got := make([]byte, len(step.want)/2)
		if _, err := io.ReadFull(reader, got); err != nil || hex.EncodeToString(got) != step.want {
			t.Errorf("%s is answered with %x, %v, want %s", step.send, got, err, step.want)
		}
	}
}

// Both ends over a real connection, either of which may be the one that waits.
func TestBothEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		card func(t *testing.T, a *nfc.Applet) *vpcd.Card
	}{
		{"the card waits for a reader", func(t *testing.T, a *nfc.Applet) *vpcd.Card {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				if conn, err := l.Accept(); err == nil {
					vpcd.Serve(context.Background(), conn, a)
				}
			}()
			card, err := vpcd.Dial(t.Context(), l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			return card
		}},
		{"the reader waits for a card", func(t *testing.T, a *nfc.Applet) *vpcd.Card {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			addr := l.Addr().String()
			l.Close()
			ctx, stop := context.WithCancel(context.Background())
			t.Cleanup(stop)
			go func() {
				for ctx.Err() == nil && vpcd.Connect(ctx, addr, a) != nil {
					time.Sleep(time.Millisecond) // until somebody listens
				}
			}()
			card, err := vpcd.Listen(t.Context(), addr)
			if err != nil {
				t.Fatal(err)
			}
			return card
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, a := newApplet(t, virtual.Config{})
			card := c.card(t, a)
			if atr, _, contactless := card.Info(); !bytes.Equal(atr, a.ATR()) || !contactless {
				t.Errorf("ATR %x, contactless %v", atr, contactless)
			}
			conn, err := nfc.Open(t.Context(), card, nil)
			if err != nil {
				t.Fatal(err)
			}
			client := ctap2.NewClient(conn, &ctap2.ClientConfig{Strict: true})
			if _, err := client.MakeCredential(t.Context(), registration(string(make([]byte, 600)))); err != nil {
				t.Error(err)
			}
			if n := len(key.Commands()); n < 1 {
				t.Errorf("the key saw %d commands", n)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			if _, err := client.GetInfo(t.Context()); !errors.Is(err, os.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}

// A request that ends early leaves an answer behind, which is not taken for that
// to the next.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, a := newApplet(t, virtual.Config{User: virtual.TouchAfter(5 * time.Second), Faults: virtual.Faults{IgnoreCancel: true}})
		reader, served := pipe(t, a)
		card, err := vpcd.NewCard(t.Context(), reader)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := nfc.Open(t.Context(), card, &nfc.Config{NoGetResponse: true, Return: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		client := ctap2.NewClient(conn, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := client.MakeCredential(ctx, registration("")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled: %v", err)
		}
		key.SetUser(virtual.AlwaysTouch())
		if _, err := client.GetInfo(t.Context()); err != nil {
			t.Errorf("the next: %v", err)
		}
		conn.Close()
		if err := <-served; err != nil {
			t.Errorf("served until %v", err)
		}
	})
}

// A reader that hangs up ends what the key waits for; a card that hangs up is
// gone.
func TestHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a := newApplet(t, virtual.Config{User: virtual.NeverTouch()})
		reader, served := pipe(t, a)
		card, err := vpcd.NewCard(t.Context(), reader)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := nfc.Open(t.Context(), card, &nfc.Config{NoGetResponse: true})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Second)
			reader.Close()
		}()
		start := time.Now()
		if _, err := ctap2.NewClient(conn, nil).MakeCredential(t.Context(), registration("")); err == nil {
			t.Error("a credential without a touch")
		}
		if err := <-served; err != nil || time.Since(start) > 2*time.Second {
			t.Errorf("served until %v, for %v", err, time.Since(start))
		}
		conn.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		reader, end := net.Pipe()
		go func() {
			io.ReadFull(end, make([]byte, 6))
			end.Close()
		}()
		if _, err := vpcd.NewCard(t.Context(), reader); !errors.Is(err, nfc.ErrGone) {
			t.Errorf("hung up: %v", err)
		}
	})
}

// Nobody at the other end, or somebody who never answers: the call ends with its
// context.
func TestNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, end := net.Pipe()
		defer end.Close()
		go io.Copy(io.Discard, end)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := vpcd.NewCard(ctx, reader); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := vpcd.Listen(ctx, "127.0.0.1:0"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no card comes: %v", err)
	}
	if _, err := vpcd.Dial(t.Context(), "no port"); err == nil {
		t.Error("an address without a port is taken")
	}
}

// lateConn is a connection whose reader notices late that it was closed.
type lateConn struct{ net.Conn }

func (c lateConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		time.Sleep(time.Second)
	}
	return n, err
}

// A card that was taken out of one reader and is put into another keeps its power
// there.
func TestNextReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a := newApplet(t, virtual.Config{User: virtual.NeverTouch()})
		reader, end := net.Pipe()
		defer reader.Close()
		ctx, remove := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- vpcd.Serve(ctx, lateConn{end}, a) }()
		card, err := vpcd.NewCard(t.Context(), reader)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := nfc.Open(t.Context(), card, &nfc.Config{NoGetResponse: true})
		if err != nil {
			t.Fatal(err)
		}
		go ctap2.NewClient(conn, nil).MakeCredential(t.Context(), registration(""))
		synctest.Wait()
		if !conn.Contactless() { // which does not wait for the user
			t.Error("the card is not held to the reader")
		}
		remove()
		<-served
		a.PowerOn()
		time.Sleep(2 * time.Second)
		if len(a.Transmit(t.Context(), nil, []byte{0, 0xa4, 4, 0})) == 0 {
			t.Error("the card has no power")
		}
		conn.Close()
	})
}

// A command that was cut off is not continued with the next message.
func TestCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, end := net.Pipe()
		defer end.Close()
		go func() {
			io.ReadFull(end, make([]byte, 9)) // off, on, ATR
			end.Write([]byte{0, 2, 0x3b, 0x00})
			io.ReadFull(end, make([]byte, 3))
		}()
		card, err := vpcd.NewCard(t.Context(), reader)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := card.Transmit(ctx, nil, make([]byte, 100)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("half a command: %v", err)
		}
		if err := card.Reset(t.Context()); !errors.Is(err, nfc.ErrGone) {
			t.Errorf("the next: %v", err)
		}
		card.Close()
		if err := card.Reset(t.Context()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}
