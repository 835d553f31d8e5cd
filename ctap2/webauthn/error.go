package webauthn

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// What a person wants to know of a ceremony that failed; errors.Is finds these in
// an [Error]. A site learns less: only the name, which is the same for most.
var (
	// ErrNoPasskey: the authenticator has no credential for the site, or none of
	// those that the site names.
	ErrNoPasskey = errors.New("there is no passkey for this account here: use another key, or register this one with the site first")

	// ErrAlreadyRegistered: the authenticator has one of the credentials that the
	// site excludes.
	ErrAlreadyRegistered = errors.New("this key is already registered with this account: log in with it, or register another key")

	// ErrCancelled: the user, on the key or in a prompt, or the caller, by its
	// context, has ended it.
	ErrCancelled = errors.New("it was cancelled")

	// ErrTimeout: nobody touched the key, or answered, in time.
	ErrTimeout = errors.New("nobody answered in time: try again")

	// ErrUnsuitable: the authenticator can't do what the site requires, such as
	// user verification or discoverable credentials.
	ErrUnsuitable = errors.New("this key can't do what the site requires: use another")

	// ErrNoAuthenticator: the client has no authenticator to ask. It is an
	// [errors.ErrUnsupported].
	ErrNoAuthenticator error = &reason{"there is no security key that this program may open", []error{errors.ErrUnsupported}}
)

// The names of errors that WebAuthn gives (WebAuthn L3 sections 5.1.3 and 5.1.4.2,
// and the JSON parsers of sections 5.1.8 and 5.1.9): those of DOMExceptions, and
// JavaScript's TypeError.
const (
	AbortError        = "AbortError"        // the caller's context was cancelled
	EncodingError     = "EncodingError"     // base64url that is none
	InvalidStateError = "InvalidStateError" // ErrAlreadyRegistered
	NotAllowedError   = "NotAllowedError"   // the user, the time, or the authenticator
	NotSupportedError = "NotSupportedError" // no algorithm is left, or an extension can't be
	SecurityError     = "SecurityError"     // the origin may not claim the RP ID, or the AppID
	SyntaxError       = "SyntaxError"       // an extension's input
	TypeError         = "TypeError"         // options that are not as they must be
)

// An Error is why a ceremony failed.
type Error struct {
	Name string // the name that a browser gives the error, such as NotAllowedError
	Err  error
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Error says what is wrong and what to do about it.
func (e *Error) Error() string { return "webauthn: " + e.Err.Error() + advice(runtime.GOOS, e.Err) }

// advice says what to do about an error on an operating system.
func advice(goos string, err error) string {
	if goos == "windows" && (errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrNoAuthenticator)) {
		return "; on Windows only administrators may open security keys: run the program as administrator," +
			" or have it use the system's webauthn.dll as its Authenticator"
	}
	return ""
}

func fail(name, format string, args ...any) error {
	return &Error{name, fmt.Errorf(format, args...)}
}

// quote makes a site's text fit to be shown.
func quote(s string) string {
	const most = 128
	if len(s) > most {
		return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "…"
	}
	return strconv.Quote(s)
}

// A reason is a text for people over the errors that it comes from.
type reason struct {
	text string
	errs []error
}

func (r *reason) Error() string   { return r.text }
func (r *reason) Unwrap() []error { return r.errs }

// explained puts what became of a ceremony in front of the errors that it comes
// from, of which any may be nil. The text is for a person; empty stands for what's
// own.
func explained(what error, text string, from ...error) error {
	from = slices.DeleteFunc(from, func(err error) bool { return err == nil })
	return &reason{cmp.Or(text, what.Error()), append(from, what)}
}
