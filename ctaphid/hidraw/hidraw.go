package hidraw

import (
	"errors"

	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
)

var _ ctaphid.Device = (*Device)(nil)

// A Lock says how long this program keeps other programs that lock too, such
// as those that use libfido2, from the key.
type Lock uint8

const (
	// LockOpen keeps the key from Open to Close, as libfido2 does.
	LockOpen Lock = iota
	// LockCall keeps the key for one call at a time, between
	// [Device.BeginCall] and [Device.EndCall]. Programs that keep a key open
	// for long use it to let others in.
	LockCall
	// LockNone takes no lock: the key arbitrates, and a call may fail with
	// ctaphid.ErrChannelBusy.
	LockNone
)

// String names the lock: "open", "call" or "none".
func (l Lock) String() string {
	switch l {
	case LockOpen:
		return "open"
	case LockCall:
		return "call"
	case LockNone:
		return "none"
	}
	return "unknown lock"
}

// Options are for [Open]. Nil stands for the zero value.
type Options struct {
	Lock Lock
}

// ErrLocked is returned when another program has kept the key locked for as
// long as this one was prepared to wait: until its context ended, or 14 seconds.
var ErrLocked = errors.New("another program is using the key: close it there, or try again")

// An Action says what happened to a key.
type Action uint8

const (
	Added   Action = iota + 1 // it was plugged in, and its permissions are set
	Removed                   // it was unplugged
)

// String names the action: "added" or "removed".
func (a Action) String() string {
	if a == Added {
		return "added"
	}
	return "removed"
}

// An Event is one change that [Watch] reports.
type Event struct {
	Action Action
	Info   hid.Info // of the key; for Removed, as it was last seen
}
