package ctap2

import (
	"context"
	"errors"
	"fmt"
)

// A PINError is a key's refusal of a PIN: wrong, blocked, not set, to be
// changed first, or against the key's rules. Its message tells a person what to
// do next.
type PINError struct {
	SubCommand ClientPINSubCommand
	Status     Status

	// Retries is the number of wrong PINs left until the PIN is blocked and only
	// a reset helps; -1 if it is not known. After a wrong PIN the key is asked.
	Retries int

	// PowerCycleNeeded means that the key takes no PIN until it has been
	// unplugged and plugged in, or taken off the reader.
	PowerCycleNeeded bool

	// Normalized means that a PIN is wrong that was typed with characters for
	// which there are several encodings, and was sent in the specification's. If
	// it was set by software that ignores this, ClientConfig.PINAsTyped sends it
	// as it is; each try counts.
	Normalized bool

	Err error // a *[CommandError]; nil if the key was not asked
}

// Unwrap returns Err, or the status if the key was not asked.
func (e *PINError) Unwrap() error {
	if e.Err == nil {
		return e.Status
	}
	return e.Err
}

const blockedPIN = "the PIN is blocked after too many wrong tries: only a reset helps, and it erases the key"

// Error says what is wrong and what to do about it.
func (e *PINError) Error() string {
	switch e.Status {
	case StatusPINInvalid:
		if e.Retries == 0 {
			return blockedPIN
		}
		s := "the PIN is wrong" + e.triesLeft()
		if e.PowerCycleNeeded {
			s += "; before the next try unplug the key and plug it in, or take it off the reader"
		}
		if e.Normalized {
			s += "; if it is the right one, other software set it in another Unicode form"
		}
		return s
	case StatusPINAuthBlocked:
		return "too many wrong PINs in a row: unplug the key and plug it in, or take it off the reader, then try again" + e.triesLeft()
	case StatusPINBlocked:
		return blockedPIN
	case StatusPINNotSet:
		return "no PIN is set on the key: set one first"
	case StatusPINPolicyViolation:
		if e.SubCommand == SetPIN || e.SubCommand == ChangePIN {
			return "the key's rules do not allow the new PIN: choose another"
		}
		return "the key wants a new PIN before it accepts this one: change the PIN"
	}
	if e.SubCommand == SetPIN {
		return "a PIN is set on the key already: change it, or reset the key"
	}
	return e.Status.Error()
}

func (e *PINError) triesLeft() string {
	switch {
	case e.Retries < 0:
		return ""
	case e.Retries == 1:
		return "; 1 try left, after that only a reset helps, and it erases the key"
	}
	return fmt.Sprintf("; %d tries left", e.Retries)
}

// explainPIN turns what a subcommand failed with into a *PINError, if it is about
// the PIN. Asking for the tries that are left costs a command and nothing else.
func (c *Client) explainPIN(ctx context.Context, sub ClientPINSubCommand, normalized bool, err error) error {
	status, ok := errors.AsType[Status](err)
	if !ok {
		return err
	}
	e := &PINError{SubCommand: sub, Status: status, Retries: -1, Err: err}
	switch status {
	case StatusPINInvalid, StatusPINAuthBlocked:
		e.PowerCycleNeeded = status == StatusPINAuthBlocked
		e.Normalized = normalized && status == StatusPINInvalid
		if left, err := c.pinRetries(ctx); err == nil {
			e.Retries = int(min(left.Retries, 255)) // 8 by the specification
			e.PowerCycleNeeded = e.PowerCycleNeeded || left.PowerCycleNeeded
		}
	case StatusPINBlocked:
		e.Retries = 0
	case StatusPINNotSet, StatusPINPolicyViolation:
	case StatusPINAuthInvalid, StatusNotAllowed:
		// What keys answer to setPIN when there is a PIN.
		if sub != SetPIN {
			return err
		}
	default:
		return err
	}
	return e
}
