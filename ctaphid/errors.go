package ctaphid

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/gofido/fido/internal/ctxerr"
)

// ErrGone says that the device is no longer there: it was unplugged or its
// other end closed. Errors of every backend are ErrGone in that case.
var ErrGone = errors.New("the key is gone: it was unplugged or switched off; plug it in and open it again")

// ErrSilent says that the device sent nothing for [Config.Silence] although an
// answer was due. Like all time-outs it is also context.DeadlineExceeded and
// os.ErrDeadlineExceeded to errors.Is.
var ErrSilent error = timeout("the key does not answer; unplug it and plug it in again")

// ErrUnfinished says that the device still worked on the request after
// [Config.Overall], or still waited for the user. It is a time-out as
// [ErrSilent] is.
var ErrUnfinished error = timeout("the key did not finish in time; was it waiting for a touch?")

type timeout string

func (e timeout) Error() string { return string(e) }
func (timeout) Timeout() bool   { return true }
func (timeout) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}

// ContextError returns why ctx has ended: its error, context.Canceled or
// context.DeadlineExceeded, and its cause, if it was given one; errors.Is finds
// both. It is for the implementations of [Device], too.
func ContextError(ctx context.Context) error { return ctxerr.Of(ctx) }

// An OpError says which operation failed on which channel. Err is one of
//
//   - [ErrorCode], when the device answered with an ERROR message;
//   - *[ProtocolError], when what it sent breaks the protocol;
//   - [ErrGone], os.ErrClosed, or an error of the operating system;
//   - what the Device's BeginCall says, such as hidraw.ErrLocked;
//   - context.Canceled or context.DeadlineExceeded and the context's cause,
//     when the caller's context ended;
//   - [ErrSilent] or [ErrUnfinished], when the limits of [Config] were reached;
//   - [ErrTooLong], when the request does not fit a message.
type OpError struct {
	Op  string // "INIT", "CBOR", "PING", …: the command as the specification names it
	CID CID    // the channel, BroadcastCID during the first INIT
	Err error
}

func (e *OpError) Error() string { return "ctaphid: " + e.Op + " failed: " + e.Err.Error() }

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the operation ended because time ran out.
func (e *OpError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// A ProtocolError is a reply that no correct device sends. The connection
// resynchronises before the next request.
type ProtocolError struct {
	Problem string // what is wrong, as in "wrong sequence number"
	Report  []byte // the report that shows it, if one does
}

func (e *ProtocolError) Error() string {
	if len(e.Report) == 0 {
		return "the key broke the protocol: " + e.Problem
	}
	return fmt.Sprintf("the key broke the protocol: %s (report %x)", e.Problem, e.Report[:min(len(e.Report), 16)])
}
