package ctap2

import (
	"fmt"
	"io"
	"log/slog"
)

// A LargeBlobKey decrypts the large blob of one credential: 32 bytes, a secret
// (CTAP 2.3 section 12.3). It is an ordinary byte slice that does not show in
// print: convert it to []byte to look at it.
type LargeBlobKey []byte

// String returns "LargeBlobKey(redacted)".
func (k LargeBlobKey) String() string { return "LargeBlobKey(redacted)" }

// GoString is what %#v prints: the same as String.
func (k LargeBlobKey) GoString() string { return k.String() }

// Format prints the same as String for every verb and flag.
func (k LargeBlobKey) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue is what log/slog records: the same as String.
func (k LargeBlobKey) LogValue() slog.Value { return slog.StringValue(k.String()) }
