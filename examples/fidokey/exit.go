package main

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/udphid"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/iso7816"
	"github.com/gofido/fido/nfc/pcsc"
)

// The exit codes, which scripts rely on: each failure has one. exitCodesHelp tells
// them to people.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitNoKey     = 3
	exitRefused   = 4
	exitPIN       = 5
	exitTimeout   = 6
	exitNoBackup  = 7
	exitInterrupt = 130
)

const exitCodesHelp = `Exit codes:
  0    done
  1    you did not agree, or something failed that none of the others describes
  2    the command line is wrong
  3    there is no key, several, or this program may not open it
  4    the key can't do it, refused it or answered with nonsense
  5    the PIN or the fingerprint: needed, not set, wrong, blocked or against the rules
  6    the key, or you, took too long
  7    the keys were compared, and an account is on one alone
  130  interrupted with Ctrl-C; a key that waited for a touch was told

With --json a command that fails and has nothing else to tell prints an object with
the member error, which has the members exitCode and message, and status, pin and
pinRetries where they apply.`

// A usageError is a mistake on the command line.
type usageError struct{ error }

// pinStatuses are the statuses that are about the PIN or the fingerprint.
var pinStatuses = []ctap2.Status{
	ctap2.StatusPINInvalid, ctap2.StatusPINBlocked, ctap2.StatusPINAuthBlocked, ctap2.StatusPINNotSet,
	ctap2.StatusPUATRequired, ctap2.StatusPINPolicyViolation, ctap2.StatusPINAuthInvalid, ctap2.StatusPINTokenExpired,
	ctap2.StatusUVInvalid, ctap2.StatusUVBlocked,
}

// An outcomeError is a failure whose command knows what it means: its exit code,
// and a text that leaves nothing to add.
type outcomeError struct {
	code int
	text string
	err  error // what was behind it; may be nil
}

func (e *outcomeError) Error() string { return e.text }
func (e *outcomeError) Unwrap() error { return e.err }

func exitCode(ctx context.Context, err error) int {
	if outcome, ok := errors.AsType[*outcomeError](err); ok {
		return outcome.code
	}
	var usage usageError
	var status ctap2.Status
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupt
	case errors.Is(err, errInterrupted):
		return exitInterrupt
	case errors.As(err, &usage), asAny[*udphid.AddrError](err), strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage
	case asAny[stateError](err), asAny[fileError](err), asAny[outputError](err):
		return exitFailed
	case noKey(err):
		return exitNoKey
	case asAny[errNoBackup](err):
		return exitNoBackup
	case asAny[*ctap2.UnsupportedError](err):
		return exitRefused
	case errors.Is(err, webauthn.ErrTimeout):
		return exitTimeout
	case errors.Is(err, errNeedPIN), asAny[*ctap2.PINError](err), asAny[*pinuv.PINError](err):
		return exitPIN
	case errors.As(err, &status):
		if slices.Contains(pinStatuses, status) {
			return exitPIN
		}
		if status == ctap2.StatusUserActionTimeout || status == ctap2.StatusActionTimeout {
			return exitTimeout
		}
		return exitRefused
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	case asAny[*webauthn.Error](err):
		return exitRefused
	case asAny[*ctaphid.ProtocolError](err), asAny[ctaphid.ErrorCode](err), asAny[*ctap2.ReplyError](err), asAny[nonsenseError](err),
		asAny[*nfc.ProtocolError](err), asAny[iso7816.StatusWord](err), asAny[*iso7816.SyntaxError](err), asAny[*u2f.ReplyError](err):
		return exitRefused
	}
	return exitFailed
}

func asAny[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func noKey(err error) bool {
	return errors.Is(err, fido.ErrNoKey) || asAny[*fido.SelectError](err) || asAny[*hid.AccessError](err) ||
		asAny[*udphid.RefusedError](err) || asAny[*fido.ReaderError](err) || errors.Is(err, nfc.ErrGone) || errors.Is(err, nfc.ErrNoApplet) ||
		asAny[pcsc.Code](err) || errors.Is(err, hid.ErrNotFIDO) || errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, ctaphid.ErrGone) ||
		errors.Is(err, errors.ErrUnsupported) && !asAny[*ctap2.UnsupportedError](err)
}

// explain returns one line that says what is wrong and what to do.
func (a *app) explain(ctx context.Context, err error) string {
	pin, isPIN := errors.AsType[*ctap2.PINError](err)
	refused, isRefused := errors.AsType[*udphid.RefusedError](err)
	rule, isRule := errors.AsType[*pinuv.PINError](err)
	switch {
	case asAny[*outcomeError](err):
		return oneLine(err)
	case errors.Is(err, errInterrupted): // at a prompt
		return errInterrupted.Error()
	case ctx.Err() != nil && errors.Is(err, context.Canceled) && a.urged.Load():
		return "interrupted; the key no longer waits for you"
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return errInterrupted.Error()
	case asAny[*advice](err):
		return oneLine(err)
	case isPIN:
		return a.explainPIN(pin)
	case isRefused: // the layers above it say nothing to a person
		return strings.TrimPrefix(oneLine(refused), "udphid: ")
	case isRule: // whose text is for people
		return rule.Error()
	case errors.Is(err, fido.ErrNoKey):
		return strings.Replace(oneLine(err), fido.ErrNoKey.Error(), "there is no security key: plug one in, hold one to a card reader, or try --device virtual", 1)
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program has the port that the simulator answers to: end that program, or choose another port (" + oneLine(err) + ")"
	case errors.Is(err, ctaphid.ErrChannelBusy), errors.Is(err, nfc.ErrBusy) && errors.Is(err, context.DeadlineExceeded):
		return "another program is using the key: close it there, or try again later (" + oneLine(err) + ")"
	case errors.Is(err, context.DeadlineExceeded) && !asAny[ctap2.Status](err) && a.contactless:
		return "the key did not answer in time: take it away from the reader, hold it there again until the end and try again (" + oneLine(err) + ")"
	case errors.Is(err, context.DeadlineExceeded) && !asAny[ctap2.Status](err):
		return "the key did not answer in time: touch it when it blinks, or unplug it, plug it in and try again (" + oneLine(err) + ")"
	case asAny[usageError](err), strings.HasPrefix(err.Error(), "unknown command"):
		return oneLine(err) + "; fidokey --help tells what there is"
	}
	switch e := err.(type) { // the command that failed is in a --trace
	case *ctap2.CommandError:
		if status, ok := e.Err.(ctap2.Status); ok {
			return status.Error()
		}
	case *ctap2.UnsupportedError:
		return "this key does not support " + hid.Text(e.Feature)
	}
	return strings.ReplaceAll(oneLine(err), "ctap2: ", "") // also behind what was asked of which key
}

// oneLine returns the error's text, fit for a terminal even if it quotes a key.
func oneLine(err error) string { return hid.Text(strings.ReplaceAll(err.Error(), "\n", "; ")) }
