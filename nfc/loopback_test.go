package nfc_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
)

// newKey returns a software key.
func newKey(t testing.TB, c virtual.Config) *virtual.Key {
	t.Helper()
	key, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// open connects to a card.
func open(t testing.TB, card nfc.Card, c *nfc.Config) *nfc.Conn {
	t.Helper()
	conn, err := nfc.Open(context.Background(), card, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// registration is a request that waits for a touch, with a user name that makes
// it as long as wanted.
func registration(length int) *ctap2.MakeCredentialRequest {
	r := &ctap2.MakeCredentialRequest{
		ClientDataHash:   make([]byte, 32),
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
	}
	for b, err := r.Append(nil); err == nil && len(b) < length; b, err = r.Append(nil) {
		r.RP.Name += "x"
	}
	return r
}

// A message gets through whole whatever the lengths that card and reader take.
func TestLengths(t *testing.T) {
	for _, length := range []nfc.Length{nfc.ExtendedIfKnown, nfc.ShortOnly, nfc.ExtendedFirst} {
		for _, reader := range []int{0, 261, 400, 65544} {
			for _, cardShort := range []bool{false, true} {
				for _, segment := range []int{1, 7, 240, 255} {
					t.Run(fmt.Sprintf("%d/reader %d/short card %v/segments of %d", length, reader, cardShort, segment), func(t *testing.T) {
						key := newKey(t, virtual.Config{Algorithms: []cose.Algorithm{cose.ES256}})
						card := nfc.LoopbackApplet(nfc.NewApplet(key, &nfc.AppletConfig{ShortOnly: cardShort}))
						card.MaxCommand = reader
						conn := open(t, card, &nfc.Config{Length: length, Segment: segment, Part: 256 - segment/2})
						client := ctap2.NewClient(conn, &ctap2.ClientConfig{Strict: true})
						for _, n := range []int{0, 240, 255, 256, 257, 700, 1024} {
							r, err := client.MakeCredential(t.Context(), registration(n))
							if err != nil {
								t.Fatalf("%d bytes: %v", n, err)
							}
							if r.Fmt != "packed" {
								t.Errorf("%d bytes: format %s", n, r.Fmt)
							}
						}
					})
				}
			}
		}
	}
}

// While the key waits for the user the host asks again at its pace, and hears of
// it once.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, virtual.Config{User: virtual.TouchAfter(5 * time.Second)})
		var told []byte
		polls := 0
		conn := open(t, nfc.Loopback(key), &nfc.Config{Trace: func(e nfc.TraceEvent) {
			if e.Sent && e.APDU[1] == nfc.INSGetResponse {
				polls++
			}
		}})
		client := ctap2.NewClient(conn, &ctap2.ClientConfig{Waiting: func(s byte) { told = append(told, s) }})
		start := time.Now()
		if _, err := client.MakeCredential(t.Context(), registration(0)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 5*time.Second || took > 5*time.Second+200*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if !slices.Equal(told, []byte{ctap2.WaitingUPNeeded}) {
			t.Errorf("told %v", told)
		}
		if polls < 20 || polls > 50 {
			t.Errorf("asked %d times", polls)
		}
	})
}

func TestCancel(t *testing.T) {
	for _, c := range []struct {
		name   string
		config *nfc.Config
		faults virtual.Faults
		within time.Duration
	}{
		{"the card is told", nil, virtual.Faults{}, 300 * time.Millisecond},
		{"the card does not care", nil, virtual.Faults{IgnoreCancel: true}, 600 * time.Millisecond},
		{"the card can't be told", &nfc.Config{NoGetResponse: true}, virtual.Faults{}, 600 * time.Millisecond},
		{"it can't be told and does not care", &nfc.Config{NoGetResponse: true}, virtual.Faults{IgnoreCancel: true}, 600 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key := newKey(t, virtual.Config{User: virtual.NeverTouch(), Faults: c.faults})
				conn := open(t, nfc.Loopback(key), c.config)
				client := ctap2.NewClient(conn, nil)
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				_, err := client.MakeCredential(ctx, registration(0))
				if took := time.Since(start) - 3*time.Second; !errors.Is(err, context.DeadlineExceeded) || took > c.within {
					t.Errorf("%v, %v after the end", err, took)
				}
				// And the connection works.
				key.SetUser(virtual.AlwaysTouch())
				if _, err := client.MakeCredential(t.Context(), registration(0)); err != nil {
					t.Errorf("the next request: %v", err)
				}
			})
		})
	}
}

// Another program selects its own application in between.
func TestSharedCard(t *testing.T) {
	key := newKey(t, virtual.Config{})
	card := nfc.Loopback(key)
	other := card.Share()
	conn := open(t, card, nil)
	client := ctap2.NewClient(conn, nil)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	intrude := func() {
		t.Helper()
		if err := other.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer other.End()
		if _, err := other.Transmit(t.Context(), nil, []byte{0, 0xa4, 4, 0, 6, 0xd2, 0x76, 0, 1, 0x24, 1}); err != nil {
			t.Fatal(err)
		}
	}
	intrude()
	if _, err := client.GetInfo(t.Context()); err != nil {
		t.Errorf("getInfo: %v", err)
	}
	intrude()
	if _, err := client.PINRetries(t.Context()); err != nil {
		t.Errorf("getPINRetries: %v", err)
	}
	intrude()
	if _, err := client.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA, "example.com"); err != nil || key.PINRetries() != 8 {
		t.Errorf("a token: %v, %d tries left", err, key.PINRetries())
	}
	intrude()
	if _, err := conn.CBOR(t.Context(), nil, []byte{0x06, 0xa1, 2, 1}, nil); !errors.Is(err, nfc.ErrReset) {
		t.Errorf("clientPIN is sent to a card that has forgotten what it was about: %v", err)
	}
	// So it is when another program has reset the card.
	if err := other.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{nfc.ErrReset, nil} {
		if _, err := conn.CBOR(t.Context(), nil, []byte{0x06, 0xa1, 2, 1}, nil); !errors.Is(err, want) {
			t.Errorf("clientPIN after a reset: %v, want %v", err, want)
		}
	}
}

// The card loses power between the two commands that a PIN takes.
func TestPowerLossBetweenCommands(t *testing.T) {
	key := newKey(t, virtual.Config{})
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	card := nfc.Loopback(key)
	lose := false
	conn := open(t, card, &nfc.Config{Trace: func(e nfc.TraceEvent) {
		if lose && !e.Sent && len(e.APDU) > 60 { // the key agreement key
			lose = false
			card.LeaveField()
			card.EnterField()
		}
	}})
	client := ctap2.NewClient(conn, nil)
	if _, err := client.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	lose = true
	if _, err := client.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA, "example.com"); err != nil || lose || key.PINRetries() != 8 {
		t.Errorf("a token: %v, %d tries left", err, key.PINRetries())
	}
}

func TestFieldLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey(t, virtual.Config{User: virtual.TouchAfter(time.Second)})
		card := nfc.Loopback(key)
		conn := open(t, card, nil)
		client := ctap2.NewClient(conn, nil)
		// In the middle of a request.
		go func() {
			time.Sleep(500 * time.Millisecond)
			card.LeaveField()
		}()
		if _, err := client.MakeCredential(t.Context(), registration(0)); !errors.Is(err, nfc.ErrGone) {
			t.Errorf("in the middle: %v", err)
		}
		// It comes back in time, or was away between two calls.
		go func() {
			time.Sleep(time.Second)
			card.EnterField()
		}()
		if _, err := client.MakeCredential(t.Context(), registration(0)); err != nil {
			t.Errorf("after its return: %v", err)
		}
		card.LeaveField()
		card.EnterField()
		if _, err := client.MakeCredential(t.Context(), registration(0)); err != nil {
			t.Errorf("away in between: %v", err)
		}
		// It stays away.
		card.LeaveField()
		start := time.Now()
		if _, err := client.GetInfo(t.Context()); !errors.Is(err, nfc.ErrGone) || time.Since(start) > 3*time.Second {
			t.Errorf("away: %v after %v", err, time.Since(start))
		}
		if _, err := client.GetInfo(t.Context()); !errors.Is(err, nfc.ErrGone) {
			t.Errorf("away for good: %v", err)
		}
	})
}
