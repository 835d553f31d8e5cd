package main

import (
	"errors"
	"fmt"
)

// An advice is an error in words for a person, who need not see those of the
// layer below. What it wraps decides the exit code.
type advice struct {
	text string
	err  error
}

func (e *advice) Error() string { return e.text }

func (e *advice) Unwrap() error { return e.err }

// badUse is advice about what the command line says, of which fidokey --help knows no
// more.
func badUse(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return &advice{text, usageError{errors.New(text)}}
}

// cant says what this key can't do, or no more.
func cant(format string, args ...any) error {
	return &outcomeError{exitRefused, fmt.Sprintf(format, args...), errCant}
}

var errCant = errors.New("the key can't do it")
