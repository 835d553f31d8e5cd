package fuzz

import (
	"context"
	"errors"
	"os"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctaphid"
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
	case *ctap2.UnsupportedError:
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
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, ctap2.StatusRequestTooLarge)
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
	return nil
}
