package webauthn

import (
	"context"
	"errors"
)

// A Prompt asks the user what a [SecurityKey] needs: a terminal, a graphical
// program or a test. All methods return soon after ctx ends, with its error if
// they have one. An error that a method returns ends the ceremony; one that wraps
// [ErrCancelled] says that the user did not want it. The methods are called one
// at a time, within the ceremony: they must not begin another on the same Client or
// reserve it, and Touch must not use it.
type Prompt interface {
	// PIN asks for the key's PIN. What it returns is overwritten after use: of a PIN
	// that the program keeps it must be a copy.
	PIN(ctx context.Context, p PINPrompt) ([]byte, error)

	// Touch says that the key waits for a touch. It does not wait itself; ctx
	// ends when the key waits no longer.
	Touch(ctx context.Context, p TouchPrompt)

	// HoldToReader says that the key, a card, is to be held to the reader, or
	// left there, until the ceremony is over. It does not wait itself; ctx ends
	// then.
	HoldToReader(ctx context.Context, p TouchPrompt)

	// Fingerprint says that the key is about to verify the user itself. It does
	// not wait for the finger; ctx ends when the key has done so, or has failed to.
	// ctap2.ErrUsePIN goes on to the PIN.
	Fingerprint(ctx context.Context, p FingerprintPrompt) error

	// ChooseAccount has the user choose among several accounts, at least two, and
	// returns the index.
	ChooseAccount(ctx context.Context, rpID string, accounts []Account) (int, error)
}

// Ceremony is what a [Prompt] is about.
type Ceremony string

// The ceremonies, by the name of their client data's type (WebAuthn L3 section
// 5.8.1).
const (
	Registration   Ceremony = "webauthn.create"
	Authentication Ceremony = "webauthn.get"
)

// A TouchPrompt says what the user agrees to.
type TouchPrompt struct {
	Ceremony Ceremony
	RPID     string
}

// A PINPrompt says what the PIN is for.
type PINPrompt struct {
	Ceremony Ceremony
	RPID     string

	Retries   int // wrong PINs left until the PIN is blocked; -1 if that is not known
	MinLength int // the shortest PIN that the key takes, in code points

	// Last is why the last PIN was refused, nil at first: a *ctap2.PINError, or a
	// *pinuv.PINError for one that no key can have, which cost no try.
	Last error
}

// A FingerprintPrompt says what the fingerprint is for.
type FingerprintPrompt struct {
	Ceremony Ceremony
	RPID     string

	Retries int   // tries left until only the PIN helps; -1 if that is not known
	Last    error // why the last try failed; nil at first
}

// An Account is one that the user may choose. The key, which may lie, supplied
// the texts; they are fit to be shown.
type Account struct {
	UserID       []byte
	Name         string // such as "ada@example.com"; empty if the key does not tell
	DisplayName  string // such as "Ada Lovelace"
	CredentialID []byte
}

// nobody is the prompt of a program that can't ask its user.
type nobody struct{}

var errNobody = errors.New("the program has no prompt")

func (nobody) PIN(context.Context, PINPrompt) ([]byte, error) {
	return nil, unsuitable("the key wants its PIN, and this program can't ask for it", errNobody)
}

func (nobody) Touch(context.Context, TouchPrompt)                   {}
func (nobody) HoldToReader(context.Context, TouchPrompt)            {}
func (nobody) Fingerprint(context.Context, FingerprintPrompt) error { return nil }

func (nobody) ChooseAccount(context.Context, string, []Account) (int, error) {
	return 0, unsuitable("the key has passkeys for several accounts, and this program can't ask for which", errNobody)
}
