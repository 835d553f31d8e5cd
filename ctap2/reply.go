package ctap2

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/gofido/fido/cbor"
)

// Reply is what every parsed response carries besides its members.
type Reply struct {
	// Raw is the response as it came, without the status byte: nothing that a
	// key sends is out of reach.
	Raw RawReply

	// Deviations are the departures from CTAP2 canonical CBOR that were
	// forgiven, in order; nil for a key that keeps the rules.
	Deviations []cbor.Deviation

	// Ignored are the numbers of the members that getInfo answered with values of
	// the wrong type, in order. They count as absent, and are only in Raw. Nil for
	// a key that keeps the rules; in other replies such a member is a
	// *[ReplyError].
	Ignored []int
}

// RawReply is an encoded reply. Because a reply may hold a largeBlobKey, the
// verbs for values, %v and %s, print its length alone; others, such as %x, print
// the bytes.
type RawReply []byte

// String returns the length of the reply, as in "reply of 17 bytes".
func (r RawReply) String() string { return fmt.Sprintf("reply of %d bytes", len(r)) }

// Format prints String for %v and %s, and the bytes for other verbs.
func (r RawReply) Format(f fmt.State, verb rune) {
	if verb == 'v' || verb == 's' {
		io.WriteString(f, r.String())
		return
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), []byte(r))
}

// LogValue is what log/slog records: the same as String.
func (r RawReply) LogValue() slog.Value { return slog.StringValue(r.String()) }

// refuse returns an error if something had to be forgiven.
func (r *Reply) refuse() error {
	if len(r.Deviations) > 0 {
		return &cbor.DeviationError{Deviation: r.Deviations[0]}
	}
	if len(r.Ignored) > 0 {
		return fmt.Errorf("member 0x%02x has the wrong type", r.Ignored[0])
	}
	return nil
}

// A ReplyError is a successful reply that can't be decoded.
type ReplyError struct {
	Command Command
	Raw     []byte // the reply without its status byte
	Err     error  // a *cbor.SyntaxError, *cbor.TypeError, or what else is wrong
}

// Error says what is wrong with the reply.
func (e *ReplyError) Error() string {
	return fmt.Sprintf("the key's reply to %s makes no sense: %v", e.Command, e.Err)
}

// Unwrap returns Err.
func (e *ReplyError) Unwrap() error { return e.Err }

func badReply(c Command, raw []byte, problem string) error {
	return &ReplyError{c, raw, errors.New(problem)}
}

// parseReply decodes b leniently into v. An empty reply stands for a map without
// members.
func parseReply(c Command, b []byte, v any, reply *Reply) error {
	if len(b) == 0 {
		return nil
	}
	deviations, err := cbor.UnmarshalLenient(b, v)
	if err != nil {
		return &ReplyError{c, b, err}
	}
	reply.Raw = b
	reply.Deviations = deviations
	return nil
}
