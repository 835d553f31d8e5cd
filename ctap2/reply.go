package ctap2

import (
	"errors"
	"fmt"

	"github.com/gofido/fido/cbor"
)

// Reply is what every parsed response carries besides its members.
type Reply struct {
	// Raw is the response as it came, without the status byte: nothing that a
	// key sends is out of reach.
	Raw []byte

	// Deviations are the departures from CTAP2 canonical CBOR that were
	// forgiven, in order; nil for a key that keeps the rules.
	Deviations []cbor.Deviation
}

// refuse returns an error if something had to be forgiven.
func (r *Reply) refuse() error {
	if len(r.Deviations) > 0 {
		return &cbor.DeviationError{Deviation: r.Deviations[0]}
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
