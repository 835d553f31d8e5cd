package pinuv

import (
	"fmt"
	"io"
	"log/slog"
)

// The methods below have value receivers, so that a copy of the struct prints as redacted too.

// String returns "SharedSecret(redacted)".
func (s SharedSecret) String() string { return "SharedSecret(redacted)" }

// GoString is what %#v prints: the same as String.
func (s SharedSecret) GoString() string { return s.String() }

// Format prints the same as String for every verb and flag.
func (s SharedSecret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue is what log/slog records: the same as String.
func (s SharedSecret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String returns "Token(redacted)".
func (t Token) String() string { return "Token(redacted)" }

// GoString is what %#v prints: the same as String.
func (t Token) GoString() string { return t.String() }

// Format prints the same as String for every verb and flag.
func (t Token) Format(f fmt.State, _ rune) { io.WriteString(f, t.String()) }

// LogValue is what log/slog records: the same as String.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// String returns "KeyAgreement(redacted)".
func (k KeyAgreement) String() string { return "KeyAgreement(redacted)" }

// GoString is what %#v prints: the same as String.
func (k KeyAgreement) GoString() string { return k.String() }

// Format prints the same as String for every verb and flag.
func (k KeyAgreement) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue is what log/slog records: the same as String.
func (k KeyAgreement) LogValue() slog.Value { return slog.StringValue(k.String()) }
