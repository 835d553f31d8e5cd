//go:build system && linux

package vpcd_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/vpcd"
)

// vicc starts the simulator of cards of the project vsmartcard, which has no part
// in this one, and is the reader that it connects to.
func vicc(t *testing.T, args ...string) *vpcd.Card {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	var said safeBuffer
	// Debian's own interpreter, for which its packages are.
	cmd := exec.Command("/usr/bin/python3", append([]string{"testdata/vicc.py", "--hostname", "127.0.0.1", "--port", port}, args...)...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("packages vsmartcard-vpicc and python3-pycryptodome: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	l.(*net.TCPListener).SetDeadline(time.Now().Add(30 * time.Second))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	card, err := vpcd.NewCard(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// safeBuffer keeps what a program says.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A foreign card that is no key is said to be none. (No simulator of a FIDO key that
// speaks this wire is among Debian's packages, and vicc's mode that would relay ours
// fails on Python 3.)
func TestForeignCard(t *testing.T) {
	card := vicc(t, "--type", "iso7816")
	if atr, _, _ := card.Info(); len(atr) < 2 || atr[0] != 0x3b {
		t.Errorf("ATR %x", atr)
	}
	if _, err := nfc.Open(t.Context(), card, nil); !errors.Is(err, nfc.ErrNoApplet) {
		t.Errorf("%v", err)
	}
}
