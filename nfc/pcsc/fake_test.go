//go:build (linux || freebsd) && !(scard && cgo)

package pcsc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gofido/fido/nfc"
)

// fakeDaemon is a pcscd that says what a test wants.
type fakeDaemon struct {
	minor uint32 // the version that it speaks, and no other

	mu      sync.Mutex
	states  []byte
	changed chan struct{} // closed by the next change

	transmit func(apdu []byte) (response []byte, rv uint32)
	begin    func() (rv uint32)
}

// reader encodes the state of a reader as pcscd does.
func readerState(name string, events, state uint32, atr []byte) []byte {
	b := make([]byte, readerStateSize)
	copy(b, name)
	binary.NativeEndian.PutUint32(b[128:], events)
	binary.NativeEndian.PutUint32(b[132:], state)
	copy(b[140:], atr)
	binary.NativeEndian.PutUint32(b[176:], uint32(len(atr)))
	return b
}

// set changes what is at the readers.
func (f *fakeDaemon) set(states ...[]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.states = append(bytes.Join(states, nil), make([]byte, (maxReaders-len(states))*readerStateSize)...)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeDaemon) look() ([]byte, chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.Clone(f.states), f.changed
}

// start serves at a socket of its own, which the variable names.
func (f *fakeDaemon) start(t testing.TB) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PCSCLITE_CSOCK_NAME", path)
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { f.serve(c) })
		}
	})
	f.changed = make(chan struct{})
	f.set()
}

func (f *fakeDaemon) serve(c net.Conn) {
	defer c.Close()
	n := binary.NativeEndian
	for {
		var head [8]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		b := make([]byte, n.Uint32(head[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		last := len(b) - 4 // the result
		switch n.Uint32(head[4:]) {
		case cmdVersion:
			if n.Uint32(b[4:]) != f.minor {
				n.PutUint32(b[4:], f.minor)
				n.PutUint32(b[last:], uint32(NoService))
			}
		case cmdEstablishContext:
			n.PutUint32(b[4:], 77)
		case cmdReadersState:
			b, _ = f.look()
		case cmdWaitChange:
			states, changed := f.look()
			if f.minor >= 4 {
				c.Write(states)
			}
			go func() {
				<-changed
				c.Write(make([]byte, 8))
			}()
			continue
		case cmdConnect:
			n.PutUint32(b[140:], 5)
			n.PutUint32(b[144:], protocolT1)
		case cmdBegin:
			if f.begin != nil {
				n.PutUint32(b[last:], f.begin())
			}
		case cmdTransmit:
			apdu := make([]byte, n.Uint32(b[12:]))
			if _, err := io.ReadFull(c, apdu); err != nil {
				return
			}
			response, rv := f.transmit(apdu)
			n.PutUint32(b[24:], uint32(len(response)))
			n.PutUint32(b[28:], rv)
			if rv == 0 {
				b = append(b, response...)
			}
		case cmdControl:
			n.PutUint32(b[last:], uint32(InvalidParameter))
		}
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

const present = statePresent

var someATR = []byte{0x3b, 0x85, 0x80, 0x01, 0x80, 0x73, 0, 0, 0xc0, 0x37}

func TestVersions(t *testing.T) {
	for minor, works := range map[uint32]bool{1: false, 2: true, 3: true, 4: true, 5: true, 6: false} {
		f := &fakeDaemon{minor: minor}
		f.start(t)
		f.set(readerState("A", 1, present, someATR))
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
		f := &fakeDaemon{minor: minor}
		f.start(t)
		f.set(readerState("A", 1, present, someATR))
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
		next := func(states ...[]byte) {
			if minor >= 4 {
				f.set(states...) // noticed even before the wait
				return
			}
			go func() {
				time.Sleep(50 * time.Millisecond) // the old version may miss it earlier, which this does not test
				f.set(states...)
			}()
		}
		next(readerState("A", 2, 0, nil))
		want(CardGone, "A")
		next(readerState("B", 1, 0, nil), readerState("A", 3, present, someATR))
		want(ReaderArrived, "B")
		want(CardArrived, "A")
		next(readerState("B", 1, 0, nil), readerState("A", 5, present, someATR))
		want(CardGone, "A")
		want(CardArrived, "A")
		next(readerState("B", 1, 0, nil))
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
	f := &fakeDaemon{minor: 4, transmit: func(apdu []byte) ([]byte, uint32) {
		switch apdu[1] {
		case 1:
			return bytes.Repeat([]byte{7}, 1000), 0
		case 2:
			return nil, uint32(ResetCard)
		case 3:
			return nil, uint32(RemovedCard)
		case 4:
			<-hang
		case 5:
			return []byte{0x90}, 0
		case 6:
			return nil, uint32(NotTransacted)
		}
		return []byte{0x90, 0}, 0
	}}
	f.start(t)
	f.set(readerState("A", 1, present, someATR))
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
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := card.Transmit(ctx, nil, []byte{0, 4, 0, 0}); !errors.Is(err, context.DeadlineExceeded) {
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
	f := &fakeDaemon{minor: 4, begin: func() uint32 { <-hang; return 0 }}
	f.start(t)
	f.set(readerState("A", 1, present, someATR))
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
