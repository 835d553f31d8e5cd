package main

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/vpcd"
)

// serveCard makes a simulator of a card of a software key and returns its --device.
func serveCard(t *testing.T, key *virtual.Key) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			vpcd.Serve(context.Background(), conn, nfc.NewApplet(key, nil))
		}
	}()
	return "vpcd:" + l.Addr().String()
}

func TestCard(t *testing.T) {
	key := newKey(t, virtual.Config{User: virtual.TouchAfter(200 * time.Millisecond)})
	device := serveCard(t, key)
	r := fidokey(t, t.Context(), "", "demo", "-d", device)
	if r.code != exitOK || !strings.Contains(r.out, `It answers "U2F_V2".`) || !strings.Contains(r.out, "Everything verified") {
		t.Errorf("demo: %+v", r)
	}
	if !strings.Contains(r.err, "Hold the key to the reader.") || strings.Contains(r.err, "Touch") {
		t.Errorf("the user is told %q", r.err)
	}
	if r := fidokey(t, t.Context(), "", "info", "--json", "-d", device); r.code != exitOK || !strings.Contains(r.out, `"contactless": true`) {
		t.Errorf("info: %+v", r)
	}
	if r := fidokey(t, t.Context(), "", "info", "--trace", "-d", device); r.code != exitOK || !strings.Contains(r.err, "> SELECT: 00 a4 04 00, 8 bytes") {
		t.Errorf("trace: %+v", r)
	}
	for _, command := range []string{"ping", "wink"} {
		if r := fidokey(t, t.Context(), "", command, "-d", device); r.code != exitRefused {
			t.Errorf("%s: %+v", command, r)
		}
	}
}

// serve --vpcd holds the key to a reader that waits for one.
func TestServeCard(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan result, 1)
	go func() { done <- fidokey(t, ctx, "", "serve", "--vpcd="+l.Addr().String()) }()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	card, err := vpcd.NewCard(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	key, err := nfc.Open(t.Context(), card, nil)
	if err != nil || !key.CTAP2() {
		t.Fatal(err)
	}
	stop()
	if r := <-done; r.code != exitOK || !strings.Contains(r.out, "held to the virtual reader") {
		t.Errorf("%+v", r)
	}
	key.Close()
}
