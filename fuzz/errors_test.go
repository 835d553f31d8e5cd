package fuzz

import (
	"context"
	"errors"
	"os"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/nfc/iso7816"
)

// untyped returns what is wrong with the type of an error, and nothing if it is
// one that the documentation of the verb names. connOnly is for verbs of
// ctaphid.Conn.
func untyped(err error, connOnly bool) string {
	if err.Error() == "" {
		return "an error without a message"
	}
	if connOnly {
		if op, ok := err.(*ctaphid.OpError); !ok || !inOpError(op.Err) {
			return "no *ctaphid.OpError as documented"
		}
		return ""
	}
	if err == ctap2.ErrNoLargeBlob {
		return ""
	}
	switch e := err.(type) {
	case *ctap2.CommandError:
		if !inCommandError(e.Err) {
			return "no *ctap2.CommandError as documented"
		}
		return ""
	case *ctap2.PINError:
		if _, ok := e.Err.(*ctap2.CommandError); e.Err != nil && !ok {
			return "no *ctap2.PINError as documented"
		}
		return ""
	case *ctap2.UnsupportedError, *ctap2.LargeBlobArrayError:
		return ""
	case *ctap2.FriendlyNameError:
		return untyped(e.Err, false)
	case *u2f.OpError:
		if !inU2FError(e) {
			return "no *u2f.OpError as documented"
		}
		return ""
	}
	return "an error of no documented type"
}

// inOpError reports whether an OpError may hold err.
func inOpError(err error) bool {
	switch err.(type) {
	case ctaphid.ErrorCode, *ctaphid.ProtocolError:
		return true
	}
	for _, target := range []error{
		ctaphid.ErrGone, os.ErrClosed, errIO,
		context.Canceled, context.DeadlineExceeded,
		ctaphid.ErrSilent, ctaphid.ErrUnfinished, ctaphid.ErrTooLong,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// inCommandError reports whether a CommandError may hold err.
func inCommandError(err error) bool {
	switch e := err.(type) {
	case ctap2.Status, *ctap2.ReplyError, *ctap2.RequestError, *pinuv.PINError:
		return true
	case *ctaphid.OpError:
		return inOpError(e.Err)
	case *u2f.OpError:
		return inU2FError(e)
	case *ctap2.UnsupportedError: // of a U2FMapping
		return true
	}
	return errors.Is(err, ctap2.ErrNoSilentProbe) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, ctap2.StatusRequestTooLarge)
}

// inU2FError reports whether a u2f.OpError holds what it may.
func inU2FError(e *u2f.OpError) bool {
	switch inner := e.Err.(type) {
	case iso7816.StatusWord, *u2f.ReplyError, *iso7816.SyntaxError:
		return true
	case *ctaphid.OpError:
		return inOpError(inner.Err)
	}
	return errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded)
}

// blamesKey returns the part of an error that says that a reply makes no sense,
// if there is one.
func blamesKey(err error) error {
	if e, ok := errors.AsType[*ctaphid.ProtocolError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*ctap2.ReplyError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*u2f.ReplyError](err); ok {
		return e
	}
	return nil
}
