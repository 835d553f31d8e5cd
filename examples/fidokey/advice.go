package main

import (
	"errors"
	"fmt"
)

// An advice is a failure in a sentence for a person, who need not see those of the
// layers below. All failures that fidokey words itself are of this type.
type advice struct {
	code int // the exit code; 0: what is behind it decides
	text string
	err  error // what is behind it; nil if nothing is
}

func (e *advice) Error() string { return e.text }

func (e *advice) Unwrap() error { return e.err }

// problem is advice with an exit code of its own. What is behind it is what %w stands
// for.
func problem(code int, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &advice{code, err.Error(), errors.Unwrap(err)}
}

// because is advice on an error that decides the exit code.
func because(err error, format string, args ...any) error {
	return &advice{0, fmt.Sprintf(format, args...), err}
}

// badUse says what is wrong with the command line.
func badUse(format string, args ...any) error { return problem(exitUsage, format, args...) }

// cant says what this key can't do, or no more.
func cant(format string, args ...any) error { return problem(exitRefused, format, args...) }

// nonsense says what a key has answered that is well-formed and yet not true.
func nonsense(format string, args ...any) error { return problem(exitRefused, format, args...) }
