package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid/hid"
)

// pinRules are the rules of a key for new PINs.
type pinRules struct {
	least, most uint   // code points
	complex     bool   // the key has a policy beyond length
	url         string // that explains it, fit for a terminal; "" if there is none
	tries       uint   // wrong ones until it is blocked
	fewer       bool   // or fewer: the key does not tell
	first       bool   // the key has no PIN yet
	another     bool   // the present PIN is not allowed again
}

func pinRulesOf(info *ctap2.GetInfoResponse) pinRules {
	r := pinRules{tries: 8, fewer: true, another: info.ForcePINChange}
	r.least, r.most = info.PINLengths()
	r.complex = info.PinComplexityPolicy != nil && *info.PinComplexityPolicy
	if r.complex {
		r.url = hid.Text(string(info.PinComplexityPolicyURL))
	}
	return r
}

// words are the rules for a person who is about to choose a PIN.
func (r pinRules) words() []string {
	length := fmt.Sprintf("It has at least %d characters and at most %d", r.least, r.most)
	if r.most*utf8.UTFMax > pinuv.MaxPINBytes {
		length += fmt.Sprintf(", and at most %d bytes: letters beyond a to z take two or more", pinuv.MaxPINBytes)
	}
	lines := []string{length + ".", "It need not be digits: any characters will do."}
	if r.complex {
		lines = append(lines, r.policy()+".")
	}
	if r.another {
		lines = append(lines, "It is another one than the present PIN.")
	}
	if r.first {
		lines = append(lines, "The key keeps a PIN from then on: it can be changed, and only a reset takes it away.")
	}
	return append(lines,
		fmt.Sprintf("After %s%d wrong PINs in a row it is blocked: then only a reset helps, which erases everything on the key.", map[bool]string{true: "at most "}[r.fewer], r.tries),
		"It is for this key alone: it goes there encrypted, and no site and no other key learns it.")
}

// policy tells of the rules that the key can't put into numbers.
func (r pinRules) policy() string {
	switch {
	case !r.complex:
		return "The key has rules that it does not tell; its maker may"
	case r.url == "":
		return "The key has a policy against simple PINs, which its maker describes"
	}
	return "The key has a policy against simple PINs: see " + r.url
}

// check says what is wrong with a new PIN, without asking the key. The present
// one may be nil.
func (r pinRules) check(pin, present []byte) error {
	normal, err := pinuv.NormalizePIN(pin)
	if err != nil {
		return err
	}
	defer clear(normal)
	if err := pinuv.CheckPIN(normal, r.least, r.most); err != nil {
		return err
	}
	if r.another && samePIN(pin, present) {
		return errSamePIN
	}
	return nil
}

// errSamePIN says that a PIN that has to be changed can't stay.
var errSamePIN = because(&ctap2.PINError{SubCommand: ctap2.ChangePIN, Status: ctap2.StatusPINPolicyViolation, Retries: -1}, "the key wants another PIN than the present one")

// samePIN compares two PINs as they would be sent.
func samePIN(a, b []byte) bool {
	x, err := pinuv.NormalizePIN(a)
	defer clear(x)
	if err != nil {
		return false
	}
	y, err := pinuv.NormalizePIN(b)
	defer clear(y)
	return err == nil && subtle.ConstantTimeCompare(x, y) == 1
}

// explainRules tells the rules before a PIN is typed.
func (a *app) explainRules(r pinRules) {
	if !isTerminal(a.in) {
		return
	}
	a.hint("About the new PIN:")
	for _, line := range r.words() {
		a.hint("%s", a.fill("  - "+line))
	}
	if a.contactless {
		a.hint("Leave the key at the reader until that is done.")
	}
}

// newPIN asks for a new PIN twice at a terminal, until it is within the rules and
// the same both times, or reads a line with --pin-stdin. The caller wipes it.
func (a *app) newPIN(ctx context.Context, r pinRules, present []byte) ([]byte, error) {
	for {
		pin, err := a.newPINOnce(ctx, r, present)
		if !a.chooseAgain(ctx, err) {
			return pin, err
		}
	}
}

// An againError is about a new PIN: the user may choose another.
type againError struct{ error }

func (e againError) Unwrap() error { return e.error }

// chooseAgain reports whether the user at the terminal can choose another PIN, and
// says what is wrong with the one that err is about.
func (a *app) chooseAgain(ctx context.Context, err error) bool {
	if !asAny[againError](err) || !isTerminal(a.in) {
		return false
	}
	a.hint("%s", a.fill(sentence(a.explain(ctx, err))+". Choose again."))
	return true
}

// refused makes a key's refusal of a new PIN one that the user can do something
// about.
func (r pinRules) refused(err error) error {
	if e, ok := errors.AsType[*ctap2.PINError](err); ok && e.Status == ctap2.StatusPINPolicyViolation {
		return againError{because(err, "the key refuses this PIN, which costs no try. %s", r.policy())}
	}
	return err
}

func (a *app) newPINOnce(ctx context.Context, r pinRules, present []byte) ([]byte, error) {
	pin, err := a.readPIN(ctx, "New PIN: ")
	if err == errNeedPIN {
		err = because(err, "a new PIN is entered in a terminal, or given with --pin-stdin")
	}
	if err != nil {
		return nil, err
	}
	if err := r.check(pin, present); err != nil {
		clear(pin)
		return nil, againError{err}
	}
	if !isTerminal(a.in) {
		return pin, nil
	}
	if slices.ContainsFunc(pin, func(c byte) bool { return c >= utf8.RuneSelf }) {
		a.hint("%s", a.fill("This PIN has characters that not every keyboard has. Be sure that you can type it wherever you need it."))
	}
	again, err := a.readPIN(ctx, "The same again: ")
	defer clear(again)
	if err == nil && subtle.ConstantTimeCompare(pin, again) != 1 {
		err = againError{errDiffer}
	}
	if err != nil {
		clear(pin)
		return nil, err
	}
	return pin, nil
}

var errDiffer = errors.New("the two are not the same")
