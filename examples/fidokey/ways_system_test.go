//go:build system && linux && !scard

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/pcscd"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
	"github.com/gofido/fido/nfc/vpcd"
)

func init() {
	r := new(pcscdReaders)
	ways = append(ways, way{name: "pcscd", card: true, hand: true, socket: r.socket})
	giveTurn = r.stop
	runTests = func(m *testing.M) {
		code := m.Run()
		r.stop()
		os.Exit(code)
	}
}

// pcscdReaders are the two readers of a smart-card daemon. It runs from scenario to
// scenario, since starting it takes longer than most, but no longer than its turn:
// there can be only one daemon, which the tests of other packages wait for.
type pcscdReaders struct {
	daemon *pcscd.Daemon
	since  time.Time // when it was started
	used   int
}

const turn = 15 * time.Second

func (r *pcscdReaders) stop() {
	if r.daemon != nil {
		r.daemon.Stop()
		r.daemon = nil
	}
}

func (r *pcscdReaders) socket(t *testing.T) socket {
	t.Helper()
	if r.daemon == nil {
		limit, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // other packages' tests have their turn
		defer cancel()
		d, err := pcscd.Start(limit)
		if err != nil {
			t.Fatal(err)
		}
		r.daemon, r.since = d, time.Now()
	}
	host, port, err := net.SplitHostPort(r.daemon.Addr)
	if err != nil {
		t.Fatal(err)
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	s := &readerSocket{
		reader: fmt.Sprintf("%s 00 %02d", pcscd.Reader, r.used),
		addr:   net.JoinHostPort(host, strconv.Itoa(first+r.used)),
	}
	r.used++
	t.Cleanup(func() {
		if r.used--; r.used == 0 && time.Since(r.since) > turn {
			r.stop()
		}
	})
	return s
}

// A readerSocket is a reader of the daemon: --device pcsc:.
type readerSocket struct {
	reader, addr string
	remove       func()
}

func (s *readerSocket) plug(t *testing.T, key *virtual.Key) string {
	t.Helper()
	ctx, remove := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		for ctx.Err() == nil {
			vpcd.Connect(ctx, s.addr, nfc.NewApplet(key, nil))
			time.Sleep(10 * time.Millisecond) // its driver listens again when it has seen the last card go
		}
	}()
	s.remove = func() { remove(); <-served }
	s.wait(t, true)
	return "pcsc:" + s.reader
}

func (s *readerSocket) unplug(t *testing.T) {
	s.remove()
	s.wait(t, false)
}

// wait waits until the daemon has seen that the card is there, or gone. It leaves the
// card alone, which fidokey may be at.
func (s *readerSocket) wait(t *testing.T, card bool) {
	t.Helper()
	limit, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	seen := func() bool {
		list, err := pcsc.List(limit)
		return err == nil && slices.ContainsFunc(list, func(r pcsc.Reader) bool { return r.Name == s.reader && r.Card == card })
	}
	for !seen() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-limit.Done():
			t.Fatalf("the daemon does not see the card that is there, or gone, in %s", s.reader)
		}
	}
}
