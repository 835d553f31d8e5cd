package pinuv

import "fmt"

// ProtocolError says that a PIN/UV auth protocol is not one of those that this package implements.
type ProtocolError struct {
	Protocol Protocol
}

// Error names the protocol.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("pinuv: %v is not supported, one and two are", e.Protocol)
}

// SizeError says that some input does not have a size that the protocol allows.
type SizeError struct {
	Op   string // what was to be done: "encrypt", "decrypt", "new token", "pad PIN", …
	Size int    // what the input has, in bytes
	Want string // what the protocol allows
}

// Error names the operation and both sizes.
func (e *SizeError) Error() string {
	return fmt.Sprintf("pinuv: %s: %d bytes given, want %s", e.Op, e.Size, e.Want)
}

// KeyAgreementError says that the other end's key agreement key can't be used.
type KeyAgreementError struct {
	Err error // what package cose said
}

// Error says what is wrong with the key.
func (e *KeyAgreementError) Error() string { return "pinuv: key agreement: " + e.Err.Error() }

// Unwrap returns what package cose said.
func (e *KeyAgreementError) Unwrap() error { return e.Err }
