package main

import (
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"testing"

	"github.com/creack/pty"
	"github.com/gofido/fido/ctap2/webauthn"
	"golang.org/x/term"
)

// person returns a terminal, and the end of it at which a person types.
func person(t *testing.T) (*terminal, *os.File) {
	t.Helper()
	master, slave, err := pty.Open()
	if errors.Is(err, pty.ErrUnsupported) {
		t.Skip("this system has no pseudo-terminals")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	go io.Copy(io.Discard, master)
	return &terminal{slave, io.Discard}, master
}

func state(t *testing.T, x *terminal) *term.State {
	t.Helper()
	s, err := term.GetState(int(x.in.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPrompts(t *testing.T) {
	x, keyboard := person(t)
	io.WriteString(keyboard, "271828\n")
	if pin, err := x.PIN(t.Context(), webauthn.PINPrompt{RPID: "example.com"}); string(pin) != "271828" || err != nil {
		t.Errorf("PIN %q, %v", pin, err)
	}
	io.WriteString(keyboard, "\n")
	if _, err := x.PIN(t.Context(), webauthn.PINPrompt{}); !errors.Is(err, webauthn.ErrCancelled) {
		t.Errorf("no PIN: %v", err)
	}
	accounts := []webauthn.Account{{Name: "ada"}, {UserID: []byte{1}}}
	io.WriteString(keyboard, "2\n")
	if i, err := x.ChooseAccount(t.Context(), "example.com", accounts); i != 1 || err != nil {
		t.Errorf("account %d, %v", i, err)
	}
	io.WriteString(keyboard, "3\n")
	if _, err := x.ChooseAccount(t.Context(), "example.com", accounts); err == nil {
		t.Error("an account that isn't there")
	}
}

// An interrupt ends a prompt, and leaves the terminal as it was.
func TestInterruptedPrompts(t *testing.T) {
	x, _ := person(t)
	before := state(t, x)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.PIN(ctx, webauthn.PINPrompt{}); !errors.Is(err, context.Canceled) {
		t.Errorf("PIN: %v", err)
	}
	if !reflect.DeepEqual(state(t, x), before) {
		t.Error("the terminal is not as it was")
	}
	if _, err := x.ChooseAccount(ctx, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("account: %v", err)
	}
}

func TestPromptsWithoutTerminal(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	nobody := &terminal{file, io.Discard}
	if _, err := nobody.PIN(t.Context(), webauthn.PINPrompt{}); err == nil {
		t.Error("there is no terminal, and yet a PIN")
	}
	if _, err := nobody.ChooseAccount(t.Context(), "", nil); !errors.Is(err, webauthn.ErrCancelled) {
		t.Errorf("there is nobody to choose: %v", err)
	}
}
