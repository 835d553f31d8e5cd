package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"slices"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/udphid"
	"github.com/gofido/fido/examples/internal/typed"
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

// pinStatuses are the statuses that are about the PIN or the fingerprint.
var pinStatuses = []ctap2.Status{
	ctap2.StatusPINInvalid, ctap2.StatusPINBlocked, ctap2.StatusPINAuthBlocked, ctap2.StatusPINNotSet,
	ctap2.StatusPUATRequired, ctap2.StatusPINPolicyViolation, ctap2.StatusPINAuthInvalid, ctap2.StatusPINTokenExpired,
	ctap2.StatusUVInvalid, ctap2.StatusUVBlocked,
}

func exitCode(ctx context.Context, err error) int {
	if code := codeOf(err); code != 0 {
		return code
	}
	var status ctap2.Status
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupt
	case errors.Is(err, typed.ErrInterrupted):
		return exitInterrupt
	case asAny[*udphid.AddrError](err), asAny[*net.AddrError](err): // of --device
		return exitUsage
	case noKey(err):
		return exitNoKey
	case asAny[*ctap2.UnsupportedError](err):
		return exitRefused
	case errors.Is(err, webauthn.ErrTimeout):
		return exitTimeout
	case asAny[*ctap2.PINError](err), asAny[*pinuv.PINError](err):
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
	case asAny[*ctaphid.ProtocolError](err), asAny[ctaphid.ErrorCode](err), asAny[*ctap2.ReplyError](err), asAny[*nfc.ProtocolError](err), asAny[iso7816.StatusWord](err), asAny[*iso7816.SyntaxError](err), asAny[*u2f.ReplyError](err):
		return exitRefused
	}
	return exitFailed
}

// codeOf is the exit code that advice brings with it; 0 if none does.
func codeOf(err error) int {
	for e, ok := errors.AsType[*advice](err); ok; e, ok = errors.AsType[*advice](e.err) {
		if e.code != 0 {
			return e.code
		}
	}
	return 0
}

func asAny[E error](err error) bool { return as[E](err) != nil }

// as is errors.AsType, with nil for none.
func as[E error](err error) error {
	if e, ok := errors.AsType[E](err); ok {
		return e
	}
	return nil
}

func noKey(err error) bool {
	return errors.Is(err, fido.ErrNoKey) || asAny[*fido.SelectError](err) || asAny[*hid.AccessError](err) ||
		asAny[*udphid.RefusedError](err) || asAny[*fido.ReaderError](err) || wentAway(err) != "" || errors.Is(err, nfc.ErrNoApplet) ||
		asAny[pcsc.Code](err) || errors.Is(err, hid.ErrNotFIDO) || errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, fs.ErrPermission) || errors.Is(err, errInUse) || unreachable(err) ||
		errors.Is(err, errors.ErrUnsupported) && !asAny[*ctap2.UnsupportedError](err)
}

// unreachable reports whether nobody could be reached at an address of --device.
func unreachable(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "dial"
}

// explain returns one line that says what is wrong and what to do.
func (a *app) explain(ctx context.Context, err error) string {
	pin, isPIN := errors.AsType[*ctap2.PINError](err)
	refused, isRefused := errors.AsType[*udphid.RefusedError](err)
	rule, isRule := errors.AsType[*pinuv.PINError](err)
	switch {
	case codeOf(err) != 0:
		return withoutLayer(err)
	case errors.Is(err, typed.ErrInterrupted): // at a prompt
		return typed.ErrInterrupted.Error()
	case ctx.Err() != nil && errors.Is(err, context.Canceled) && a.urged.Load():
		return "interrupted; the key no longer waits for you"
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return typed.ErrInterrupted.Error()
	case asAny[*advice](err):
		return withoutLayer(err)
	case isPIN:
		return a.explainPIN(pin)
	case isRefused: // the layers above it say nothing to a person
		return strings.TrimPrefix(oneLine(refused), "udphid: ")
	case isRule: // whose text is for people
		return rule.Error()
	case errors.Is(err, fido.ErrNoKey):
		return strings.Replace(oneLine(err), fido.ErrNoKey.Error(), "there is no security key: plug one in, hold one to a card reader, or try --device virtual", 1)
	case errors.Is(err, errInUse):
		return "another program has the port that the simulator answers to: end that program, or choose another port (" + oneLine(err) + ")"
	case errors.Is(err, ctaphid.ErrChannelBusy), errors.Is(err, nfc.ErrBusy) && errors.Is(err, context.DeadlineExceeded):
		return "another program is using the key: close it there, or try again later (" + oneLine(err) + ")"
	case errors.Is(err, context.DeadlineExceeded) && !asAny[ctap2.Status](err) && a.contactless:
		return "the key did not answer in time: take it away from the reader, hold it there again until the end and try again (" + oneLine(err) + ")"
	case errors.Is(err, context.DeadlineExceeded) && !asAny[ctap2.Status](err):
		return "the key did not answer in time: touch it when it blinks, or unplug it, plug it in and try again (" + oneLine(err) + ")"
	}
	switch e := err.(type) { // the command that failed is in a --trace
	case *ctap2.CommandError:
		if status, ok := e.Err.(ctap2.Status); ok {
			return status.Error()
		}
	case *ctap2.UnsupportedError:
		return "this key does not support " + hid.Text(e.Feature)
	}
	return withoutLayer(err)
}

// wentAway says that the key left, for good or for a moment, in the midst of
// something, and what to do; it returns "" if the key did not.
func wentAway(err error) string {
	switch {
	case errors.Is(err, ctaphid.ErrGone):
		return "the key is gone: it was unplugged or switched off; plug it in and try again"
	case errors.Is(err, nfc.ErrGone):
		return nfc.ErrGone.Error()
	case errors.Is(err, nfc.ErrReset):
		return nfc.ErrReset.Error()
	}
	return ""
}

// withoutLayer is the error's line without the names of the layers below: of ctap2
// wherever that stands, of fido where the line begins, and of all of them with the
// command they were at, which is in a --trace, if the key went away.
func withoutLayer(err error) string {
	line := oneLine(err)
	if gone := wentAway(err); gone != "" {
		for _, layer := range []error{as[*ctap2.CommandError](err), as[*nfc.OpError](err), as[*ctaphid.OpError](err)} {
			if layer != nil {
				line = strings.Replace(line, oneLine(layer), gone, 1)
			}
		}
	}
	return strings.TrimPrefix(strings.ReplaceAll(line, "ctap2: ", ""), "fido: ")
}

// oneLine returns the error's text, fit for a terminal even if it quotes a key.
func oneLine(err error) string { return hid.Text(strings.ReplaceAll(err.Error(), "\n", "; ")) }
