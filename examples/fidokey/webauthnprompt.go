package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/examples/internal/passkeys"
)

// terminalPrompt asks the user what a WebAuthn ceremony needs, on the streams that
// all commands use.
type terminalPrompt struct{ *app }

// purpose says what the user agrees to with a touch.
func purpose(q webauthn.TouchPrompt) string {
	if q.Ceremony == webauthn.Registration {
		return "You are registering it with " + q.RPID
	}
	return "You are logging in at " + q.RPID
}

func (p terminalPrompt) PIN(ctx context.Context, q webauthn.PINPrompt) ([]byte, error) {
	left := "nobody knows how many tries are left"
	if q.Retries >= 0 {
		left = tries(uint(q.Retries))
	}
	return p.askPINWith(ctx, left, q.Last)
}

func (p terminalPrompt) Touch(_ context.Context, q webauthn.TouchPrompt) {
	if _, software := softwarePath(p.device); software {
		p.urge(softwareTouch)
		return
	}
	p.urge("Touch the key. " + purpose(q) + ".")
}

func (p terminalPrompt) HoldToReader(_ context.Context, q webauthn.TouchPrompt) {
	p.urge("Hold the key to the reader. " + purpose(q) + "; leave it there until that is done.")
}

func (p terminalPrompt) Fingerprint(ctx context.Context, q webauthn.FingerprintPrompt) error {
	return p.askUV(ctx, uint(max(q.Retries, 0)), q.Last)
}

func (p terminalPrompt) ChooseAccount(ctx context.Context, rpID string, accounts []webauthn.Account) (int, error) {
	fmt.Fprintf(p.folded(p.err), "The key has %d passkeys for %s:\n", len(accounts), rpID)
	if !slices.ContainsFunc(accounts, func(a webauthn.Account) bool { return a.Name != "" || a.DisplayName != "" }) {
		p.hint("It tells their names only after the PIN or a fingerprint (--uv required). You can also say whose you mean with --user.")
	}
	for i, a := range accounts {
		fmt.Fprintf(p.folded(p.err), "  %d  %s\n", i+1, accountName(a))
	}
	for {
		answer, err := p.readLine(ctx, fmt.Sprintf("Which one [1-%d]? ", len(accounts)))
		if err == io.EOF {
			return 0, badUse("nobody said which account: give its number on standard input, or name it with --user")
		}
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(strings.TrimSpace(answer)); err == nil && 1 <= n && n <= len(accounts) {
			return n - 1, nil
		}
		p.hint("%q is not a number from 1 to %d.", answer, len(accounts))
	}
}

// accountName is what people know an account by.
func accountName(a webauthn.Account) string {
	return cmp.Or(passkeys.AccountName(a.Name, a.DisplayName), "user handle "+beginning(a.UserID))
}
