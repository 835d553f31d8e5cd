package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/gofido/fido/ctap2/webauthn"
	"golang.org/x/term"
)

// terminal asks the user at a terminal: it is the program's webauthn.Prompt.
type terminal struct {
	in  *os.File
	out io.Writer
}

// PIN asks for the PIN, which is not shown. The caller wipes it.
func (t *terminal) PIN(ctx context.Context, p webauthn.PINPrompt) ([]byte, error) {
	if p.Last != nil { // why the one before was refused
		fmt.Fprintln(t.out, p.Last)
	}
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("the key wants its PIN, and there is no terminal to ask for it: %w", err)
	}
	fmt.Fprintf(t.out, "PIN of the key, for %s: ", p.RPID)
	pin, err := until(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	term.Restore(fd, before) // if it was interrupted, it shows nothing otherwise
	fmt.Fprintln(t.out)
	if err == nil && len(pin) == 0 {
		err = webauthn.ErrCancelled
	}
	return pin, err
}

// until waits for read or for the end of ctx: an interrupt, or the time that the
// service allows. There is no way to end a read from a terminal, which is left
// behind.
func until[A any](ctx context.Context, read func() (A, error)) (A, error) {
	var none A
	if err := ctx.Err(); err != nil {
		return none, err
	}
	type result struct {
		answer A
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := read()
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// Touch is called when the key begins to wait, and not when it needs no touch.
func (t *terminal) Touch(_ context.Context, p webauthn.TouchPrompt) {
	fmt.Fprintf(t.out, "Touch the key, for %s.\n", p.RPID)
}

func (t *terminal) HoldToReader(_ context.Context, p webauthn.TouchPrompt) {
	fmt.Fprintf(t.out, "Hold the key to the reader, and leave it there, for %s.\n", p.RPID)
}

func (t *terminal) Fingerprint(_ context.Context, p webauthn.FingerprintPrompt) error {
	if p.Last != nil {
		fmt.Fprintln(t.out, "The key did not recognise the finger.")
	}
	fmt.Fprintf(t.out, "Put your finger on the key, for %s.\n", p.RPID)
	return nil
}

// ChooseAccount asks which of several passkeys it is to be.
func (t *terminal) ChooseAccount(ctx context.Context, rpID string, accounts []webauthn.Account) (int, error) {
	fmt.Fprintf(t.out, "The key has several passkeys for %s:\n", rpID)
	for i, a := range accounts {
		// Without a PIN or a fingerprint a key tells no names.
		fmt.Fprintf(t.out, "  %d  %s\n", i+1, cmp.Or(a.Name, a.DisplayName, fmt.Sprintf("user handle %x", a.UserID)))
	}
	fmt.Fprint(t.out, "Which one? ")
	line, err := until(ctx, func() (string, error) { return bufio.NewReader(t.in).ReadString('\n') })
	switch {
	case errors.Is(err, io.EOF):
		return 0, fmt.Errorf("no account was chosen: %w", webauthn.ErrCancelled)
	case err != nil:
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || n < 1 || n > len(accounts) {
		return 0, errors.New("that is none of the numbers: try again")
	}
	return n - 1, nil
}
