package ctap2

import (
	"errors"
	"fmt"
)

// A CommandError says which command failed, and why.
type CommandError struct {
	Command    Command
	SubCommand uint // zero if the command has none, or none is known

	// Err is a [Status] that the key answered with, a *[ReplyError] when its
	// reply makes no sense, or the error of the Transport or the context. When
	// nothing was sent it wraps StatusRequestTooLarge, because the request
	// exceeds what the key takes, or is a *[RequestError] or a *pinuv.PINError,
	// because no key would accept it.
	Err error
}

// Error names the command and what is wrong.
func (e *CommandError) Error() string {
	text := "ctap2: " + operation{e.Command, e.SubCommand}.String() + ": " + e.Err.Error()
	if e.Command == CommandReset && e.Err == error(StatusNotAllowed) {
		text += "; unplug the key, plug it in, and reset it within ten seconds"
	}
	return text
}

// Unwrap returns Err.
func (e *CommandError) Unwrap() error { return e.Err }

// fails returns err as a *CommandError, unless it is one already.
func (o operation) fails(err error) error {
	if _, ok := err.(*CommandError); ok {
		return err
	}
	return &CommandError{o.command, o.subCommand, err}
}

// subCommandName returns the specification's name of a subcommand.
var subCommandName = map[Command]func(uint) string{
	CommandClientPIN:                   func(n uint) string { return ClientPINSubCommand(n).String() },
	CommandBioEnrollment:               func(n uint) string { return BioEnrollmentSubCommand(n).String() },
	CommandBioEnrollmentPreview:        func(n uint) string { return BioEnrollmentSubCommand(n).String() },
	CommandConfig:                      func(n uint) string { return ConfigSubCommand(n).String() },
	CommandCredentialManagement:        func(n uint) string { return CredentialManagementSubCommand(n).String() },
	CommandCredentialManagementPreview: func(n uint) string { return CredentialManagementSubCommand(n).String() },
}

// String returns the specification's names of the command and the subcommand.
func (o operation) String() string {
	if o.subCommand == 0 {
		return o.command.String()
	}
	if name, ok := subCommandName[o.command]; ok {
		return o.command.String() + " " + name(o.subCommand)
	}
	return fmt.Sprintf("%s subcommand 0x%02x", o.command, o.subCommand)
}

// An UnsupportedError says that the key can't do what was asked for, as its
// getInfo tells; nothing was sent. errors.Is(err, errors.ErrUnsupported) finds
// it.
type UnsupportedError struct {
	Feature string // such as "a PIN"
}

// Error names the feature.
func (e *UnsupportedError) Error() string { return "ctap2: the key does not support " + e.Feature }

// Is reports whether target is [errors.ErrUnsupported].
func (e *UnsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }
