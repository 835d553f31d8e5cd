package webauthn

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Results of prf are secrets that nobody should find in a log. Package fmt calls the
// methods of PRFValues wherever it meets them; but log/slog may write a value as
// JSON, and the JSON of a response is what the site gets.

// String returns "PRFValues(redacted)".
func (v PRFValues) String() string { return "PRFValues(redacted)" }

// GoString is what %#v prints: the same as String.
func (v PRFValues) GoString() string { return v.String() }

// Format prints the same as String for every verb and flag.
func (v PRFValues) Format(f fmt.State, _ rune) { io.WriteString(f, v.String()) }

// LogValue is what log/slog records: the same as String.
func (v PRFValues) LogValue() slog.Value { return slog.StringValue(v.String()) }

// MarshalJSON returns what String does, as JSON. Options and responses have the
// values in their own forms.
func (v PRFValues) MarshalJSON() ([]byte, error) { return json.Marshal(v.String()) }

// LogValue is what log/slog records of a response: the credential ID, in base64url.
func (r RegistrationResponse) LogValue() slog.Value { return logged(r.ID) }

// LogValue is what log/slog records of a response: the credential ID, in base64url.
func (r AuthenticationResponse) LogValue() slog.Value { return logged(r.ID) }

// LogValue is what log/slog records of a result: the credential ID, in base64url.
func (r GetAssertionResult) LogValue() slog.Value { return logged(r.CredentialID) }

// LogValue is what log/slog records of a result: nothing of it.
func (MakeCredentialResult) LogValue() slog.Value {
	return slog.StringValue("MakeCredentialResult(redacted)")
}

// LogValue is what log/slog records of outputs: nothing of them.
func (CreationExtensionOutputs) LogValue() slog.Value {
	return slog.StringValue("CreationExtensionOutputs(redacted)")
}

// LogValue is what log/slog records of outputs: nothing of them.
func (RequestExtensionOutputs) LogValue() slog.Value {
	return slog.StringValue("RequestExtensionOutputs(redacted)")
}

func logged(credentialID []byte) slog.Value {
	return slog.GroupValue(slog.String("id", base64.RawURLEncoding.EncodeToString(credentialID)))
}
