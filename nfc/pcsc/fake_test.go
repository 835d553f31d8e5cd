//go:build (linux || freebsd) && !(scard && cgo)

package pcsc

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofido/fido/internal/fakepcscd"
	"github.com/gofido/fido/nfc"
)

// reader is a reader of the fake daemon with a card, or without one.
func reader(name string, events uint32, atr []byte) fakepcscd.Reader {
	return fakepcscd.Reader{Name: name, Events: events, ATR: atr}
}

var someATR = fakepcscd.ContactlessATR

func TestVersions(t *testing.T) {
	for minor, works := range map[uint32]bool{1: false, 2: true, 3: true, 4: true, 5: true, 6: false} {
		f := &fakepcscd.Daemon{Minor: minor}
		f.Start(t)
		f.Set(reader("A", 1, someATR))
		readers, err := List(t.Context())
		if (err == nil) != works {
			t.Errorf("version 4.%d: %v", minor, err)
		}
		if works && (len(readers) != 1 || readers[0].Name != "A" || !readers[0].Card || !bytes.Equal(readers[0].ATR, someATR) || !readers[0].Contactless()) {
			t.Errorf("version 4.%d: %+v", minor, readers)
		}
	}
}

func TestWatch(t *testing.T) {
	for _, minor := range []uint32{3, 4} {
		f := &fakepcscd.Daemon{Minor: minor}
		f.Start(t)
		f.Set(reader("A", 1, someATR))
		w, err := Watch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := func(kind EventKind, name string) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if e, err := w.Next(ctx); err != nil || e.Kind != kind || e.Reader.Name != name {
				t.Fatalf("version 4.%d: %v %q, %v, want %v %q", minor, e.Kind, e.Reader.Name, err, kind, name)
			}
		}
		want(ReaderArrived, "A")
		want(CardArrived, "A")
		next := func(readers ...fakepcscd.Reader) {
			if minor >= 4 {
				f.Set(readers...) // noticed even before the wait
				return
			}
			go func() {
				for !f.Waiting() { // the old version misses it earlier, which this does not test
					time.Sleep(time.Millisecond)
				}
				f.Set(readers...)
			}()
		}
		next(reader("A", 2, nil))
		want(CardGone, "A")
		next(reader("B", 1, nil), reader("A", 3, someATR))
		want(ReaderArrived, "B")
		want(CardArrived, "A")
		next(reader("B", 1, nil), reader("A", 5, someATR))
		want(CardGone, "A")
		want(CardArrived, "A")
		next(reader("B", 1, nil))
		want(CardGone, "A")
		want(ReaderGone, "A")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing happens: %v", err)
		}
		cancel()
		w.Close()
	}
}

func TestCard(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := &fakepcscd.Daemon{Transmit: func(apdu []byte) ([]byte, uint32) {
		switch apdu[1] {
		case 1:
			return bytes.Repeat([]byte{7}, 1000), 0
		case 2:
			return nil, uint32(ResetCard)
		case 3:
			return nil, uint32(RemovedCard)
		case 4:
			cancel()
			<-hang
		case 5:
			return []byte{0x90}, 0
		case 6:
			return nil, uint32(NotTransacted)
		}
		return []byte{0x90, 0}, 0
	}}
	f.Start(t)
	f.Set(reader("A", 1, someATR))
	card, err := Open(t.Context(), "A", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	if atr, longest, held := card.Info(); !bytes.Equal(atr, someATR) || longest != 0 || !held {
		t.Errorf("%x, %d, %v", atr, longest, held)
	}
	if b, err := card.Transmit(t.Context(), []byte("x"), []byte{0, 1, 0, 0}); err != nil || len(b) != 1001 || b[0] != 'x' {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for _, c := range []struct {
		apdu []byte
		want error
	}{
		{[]byte{0, 2, 0, 0}, nfc.ErrReset},
		{[]byte{0, 3, 0, 0}, nfc.ErrGone},
		{[]byte{0, 5, 0, 0}, nfc.ErrGone},
		{[]byte{0, 6, 0, 0}, nfc.ErrGone},
		{[]byte{0, 6, 0, 0, 0, 0, 0}, nfc.ErrNotSent}, // of the extended form
		{make([]byte, maxSend+1), nfc.ErrNotSent},
	} {
		if _, err := card.Transmit(t.Context(), nil, c.apdu); !errors.Is(err, c.want) {
			t.Errorf("%.8x: %v, want %v", c.apdu, err, c.want)
		}
	}
	if _, err := card.Transmit(ctx, nil, []byte{0, 4, 0, 0}); !errors.Is(err, context.Canceled) {
		t.Errorf("a card that hangs: %v", err)
	}
	if _, err := card.Transmit(t.Context(), nil, []byte{0, 9, 0, 0}); !errors.Is(err, nfc.ErrReset) {
		t.Errorf("after that: %v", err)
	}
	if err := card.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := card.Transmit(t.Context(), nil, []byte{0, 9, 0, 0}); err != nil {
		t.Errorf("after the reset: %v", err)
	}
	if err := card.Begin(t.Context()); err != nil {
		t.Error(err)
	}
	if err := card.End(); err != nil {
		t.Error(err)
	}
}

// Another program holds the card: the wait ends with its context.
func TestBeginWaits(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	f := &fakepcscd.Daemon{Begin: func() uint32 { <-hang; return 0 }}
	f.Start(t)
	f.Set(reader("A", 1, someATR))
	card, err := Open(t.Context(), "A", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := card.Begin(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// pcscd refuses a transaction while another program has one, rather than wait.
func TestBeginAsksAgain(t *testing.T) {
	var asked atomic.Int32
	f := &fakepcscd.Daemon{Begin: func() uint32 {
		if asked.Add(1) < 3 {
			return uint32(SharingViolation)
		}
		return 0
	}}
	f.Start(t)
	f.Set(reader("A", 1, someATR))
	card, err := Open(t.Context(), "A", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	if err := card.Begin(t.Context()); err != nil || asked.Load() != 3 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

// A wait for another program's transaction that ends with its context says what it
// waited for.
func TestBeginGivesUpAsking(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	err := whenFree(ctx, func() error {
		if asked++; asked == 3 {
			cancel()
		}
		return SharingViolation
	})
	if err = new(Card).fails("begin a transaction", err); !errors.Is(err, context.Canceled) || !errors.Is(err, nfc.ErrBusy) {
		t.Errorf("a transaction without an end: %v", err)
	}
}

func TestUSBAddress(t *testing.T) {
	f := new(fakepcscd.Daemon)
	f.Start(t)
	for _, c := range []struct {
		name        string
		channel     uint32
		bus, device int
	}{
		{"of a USB reader", 0x0020030b, 3, 11},
		{"the largest numbers", 0x0020ff7f, 255, 127},
		{"of a serial reader", 0x00010001, 0, 0},
		{"without a bus", 0x0020000b, 0, 0},
		{"without a device", 0x00200300, 0, 0},
		{"that the driver does not tell", 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.Set(fakepcscd.Reader{Name: "A", ATR: someATR, Channel: c.channel})
			card, err := Open(t.Context(), "A", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer card.Close()
			bus, device, err := card.USBAddress(t.Context())
			if (err == nil) != (c.bus != 0) || bus != c.bus || device != c.device {
				t.Errorf("%d, %d, %v", bus, device, err)
			}
			if _, err := card.Attribute(t.Context(), 0xffff); !errors.Is(err, Unsupported) {
				t.Errorf("an attribute that nobody knows: %v", err)
			}
			if f.Commands() != 0 {
				t.Error("the card was sent a command")
			}
		})
	}
}

// A reset in the middle of a transaction does not leave one of two behind, which
// would keep other programs from the card for as long as it is open.
func TestResetInTransaction(t *testing.T) {
	f := &fakepcscd.Daemon{Transmit: func([]byte) ([]byte, uint32) { return nil, uint32(ResetCard) }}
	f.Start(t)
	f.Set(reader("A", 1, someATR))
	card, err := Open(t.Context(), "A", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(card.Begin(t.Context()))
	if _, err := card.Transmit(t.Context(), nil, make([]byte, 4)); !errors.Is(err, nfc.ErrReset) {
		t.Fatal(err)
	}
	must(card.Reset(t.Context()))
	must(card.Begin(t.Context()))
	if n := f.Transactions(); n != 1 {
		t.Errorf("%d transactions", n)
	}
	must(card.End())
	if n := f.Transactions(); n != 0 {
		t.Errorf("%d transactions after the end", n)
	}
}

// A command that nobody waits for any more is left alone at once: pcscd can't
// answer anything else before it.
func TestGivesUpAtOnce(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	f := &fakepcscd.Daemon{Transmit: func([]byte) ([]byte, uint32) { <-hang; return []byte{0x90, 0}, 0 }}
	f.Start(t)
	f.Set(reader("A", 1, someATR))
	var took time.Duration
	for range 3 { // once it may be the machine that has other work
		card, err := Open(t.Context(), "A", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer card.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, err := card.Transmit(ctx, nil, make([]byte, 4)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took = time.Since(start); took <= 900*time.Millisecond {
			return
		}
	}
	t.Errorf("it takes %v", took)
}

// A card is closed while it is used.
func TestCloseMeanwhile(t *testing.T) {
	f := &fakepcscd.Daemon{Transmit: func([]byte) ([]byte, uint32) { return []byte{0x90, 0}, 0 }}
	f.Start(t)
	f.Set(reader("A", 1, someATR))
	for range 20 {
		card, err := Open(t.Context(), "A", nil)
		if err != nil {
			t.Fatal(err)
		}
		done, used := make(chan error), make(chan struct{})
		go func() {
			for n := 0; ; n++ {
				if _, err := card.Transmit(t.Context(), nil, make([]byte, 4)); err != nil {
					done <- err
					return
				}
				if n == 0 {
					close(used)
				}
			}
		}()
		<-used
		card.Close()
		if err := <-done; !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
}

// A watch goes on after a wait that ended with its context, whatever the daemon
// still says to that.
func TestWatchGoesOn(t *testing.T) {
	for _, minor := range []uint32{3, 4} {
		f := &fakepcscd.Daemon{Minor: minor}
		f.Start(t)
		w, err := Watch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			if _, err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("nothing happens: %v", err)
			}
			cancel()
		}
		f.Set(reader("A", 1, someATR))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		for _, want := range []EventKind{ReaderArrived, CardArrived} {
			if e, err := w.Next(ctx); err != nil || e.Kind != want || e.Reader.Name != "A" {
				t.Errorf("version 4.%d: %v %q, %v, want %v", minor, e.Kind, e.Reader.Name, err, want)
			}
		}
		cancel()
		w.Close()
	}
}

// A service that breaks its protocol may have more to say, which must not be taken
// for the answer to the next command: the connection is made again.
func TestOutOfStep(t *testing.T) {
	f := new(fakepcscd.Daemon)
	f.Start(t)
	f.Set(fakepcscd.Reader{Name: "A", ATR: someATR, Channel: 0x0020030b})
	apdu := []byte{0, 0xa4, 4, 0}
	for _, c := range []struct {
		name string
		ask  func(*Card) error
	}{
		{"a response", func(card *Card) error {
			_, err := card.Transmit(t.Context(), nil, apdu)
			return err
		}},
		{"an attribute", func(card *Card) error {
			_, err := card.Attribute(t.Context(), 0x00020110)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			card, err := Open(t.Context(), "A", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer card.Close()
			f.Oversize.Store(true)
			err = c.ask(card)
			f.Oversize.Store(false)
			if _, ok := errors.AsType[*ProtocolError](err); !ok {
				t.Errorf("of too many bytes: %v", err)
			}
			sent := f.Commands()
			if _, err := card.Transmit(t.Context(), nil, apdu); !errors.Is(err, nfc.ErrReset) || f.Commands() != sent {
				t.Errorf("the next: %v, sent: %v", err, f.Commands() != sent)
			}
			if err := card.Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := card.Transmit(t.Context(), nil, apdu); err != nil {
				t.Errorf("after a new connection: %v", err)
			}
		})
	}
}

// A service that is restarted, as by an upgrade, is waited for as the card is, and one
// that stays away is named.
func TestServiceRestarts(t *testing.T) {
	old := new(fakepcscd.Daemon)
	old.Start(t)
	old.Set(reader("A", 1, someATR))
	card, err := Open(t.Context(), "A", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	old.Stop()
	if _, err := card.Transmit(t.Context(), nil, make([]byte, 4)); !errors.Is(err, nfc.ErrGone) {
		t.Errorf("while it is away: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := card.Reset(ctx); !errors.Is(err, NoService) {
		t.Errorf("a reset while it is away: %v", err)
	}
	reset := make(chan error)
	go func() { reset <- card.Reset(t.Context()) }()
	fresh := new(fakepcscd.Daemon)
	fresh.Start(t)
	fresh.Set(reader("A", 1, someATR))
	if err := <-reset; err != nil {
		t.Fatal(err)
	}
	if _, err := card.Transmit(t.Context(), nil, make([]byte, 4)); err != nil {
		t.Errorf("with the new one: %v", err)
	}
	if _, err := Open(t.Context(), "A", &Options{Wait: true}); err != nil {
		t.Error(err)
	}
	fresh.Stop()
	if _, err := Open(t.Context(), "A", &Options{Wait: true}); !errors.Is(err, NoService) {
		t.Errorf("opening without a service: %v", err)
	}
}
