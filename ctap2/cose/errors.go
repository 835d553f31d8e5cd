package cose

import (
	"errors"
	"fmt"
)

// ErrSignature says that a signature does not belong to the key and the message. [Key.Verify] returns it.
var ErrSignature = errors.New("cose: the signature does not verify")

// UnsupportedAlgorithmError says that nothing can be verified or signed with an algorithm, because this package does
// not implement it; see [Algorithm.CanVerify]. The key may be in order.
type UnsupportedAlgorithmError struct {
	Algorithm Algorithm
}

// Error names the algorithm.
func (e *UnsupportedAlgorithmError) Error() string {
	return fmt.Sprintf("cose: %v is not supported for signatures", e.Algorithm)
}

// KeyError says what is wrong with a COSE key.
type KeyError struct {
	Label  int64  // the member at fault, such as -2 for x; zero if the fault is in the key as a whole
	Reason string // what is wrong
	Err    error  // what the decoder or the cryptography said, if it was they
}

// Error names the member and the fault.
func (e *KeyError) Error() string {
	s := "cose: COSE key: "
	if e.Label != 0 {
		s = fmt.Sprintf("cose: COSE key member %d: ", e.Label)
	}
	s += e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns what the decoder or the cryptography said.
func (e *KeyError) Unwrap() error { return e.Err }
