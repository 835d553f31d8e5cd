package ctap2

import (
	"errors"
	"fmt"

	"github.com/gofido/fido/cbor"
)

// Received is what a parsed request carries besides its members.
type Received struct {
	// Raw is the parameters as they came: what follows the command byte.
	Raw []byte

	present uint64 // bit n: member n was there
}

// Has reports whether the parsed request has the member with this number, even
// if its value is the zero value. It is false for a request that was not
// parsed.
func (r *Received) Has(member int) bool {
	return member >= 0 && member < 64 && r.present&(1<<member) != 0
}

// A RequestError is what an authenticator finds wrong with a request, or a
// [Client] before it sends one.
type RequestError struct {
	Status Status // what an authenticator answers
	Err    error
}

// Error says what is wrong with the request.
func (e *RequestError) Error() string { return "bad request: " + e.Err.Error() }

// Unwrap returns the status and the error behind it.
func (e *RequestError) Unwrap() []error { return []error{e.Status, e.Err} }

// missing is for a parameter of the request that is not there.
func missing(parameter string) *RequestError {
	return &RequestError{StatusMissingParameter, fmt.Errorf("%s is missing", parameter)}
}

// incomplete is for a parameter that is there and lacks a member of its own: a
// map without it is not of the type that the parameter has.
func incomplete(member string) *RequestError {
	return &RequestError{StatusCBORUnexpectedType, fmt.Errorf("%s is missing", member)}
}

// parseRequest decodes parameters strictly into v, notes in received which
// members are there, and demands the required ones.
func parseRequest(parameters []byte, v any, received *Received, required ...int) error {
	if len(parameters) == 0 {
		// A request without parameters may leave the map out.
		if len(required) > 0 {
			return missing("every parameter")
		}
		return nil
	}
	if err := cbor.Unmarshal(parameters, v); err != nil {
		return &RequestError{statusOf(err), err}
	}
	received.Raw = parameters
	received.present = memberSet(parameters)
	for _, m := range required {
		if !received.Has(m) {
			return missing(fmt.Sprintf("parameter 0x%02x", m))
		}
	}
	return nil
}

// statusOf returns what to answer when a request can't be decoded.
func statusOf(err error) Status {
	if _, ok := errors.AsType[*cbor.TypeError](err); ok {
		return StatusCBORUnexpectedType
	}
	return StatusInvalidCBOR
}

// memberSet returns the set of the keys 0 to 63 of a canonical CBOR map.
func memberSet(b []byte) (set uint64) {
	head, _, ok := mapHead(b)
	if !ok {
		return 0
	}
	// The keys of a canonical map are ascending, so those below 64 that are
	// unsigned come first, in one or two bytes each.
	for rest := b[head:]; len(rest) > 0; {
		switch {
		case rest[0] < 24:
			set |= 1 << rest[0]
			rest = rest[1:]
		case rest[0] == 24 && rest[1] < 64:
			set |= 1 << rest[1]
			rest = rest[2:]
		default:
			return set
		}
		var err error
		if _, rest, err = cbor.Split(rest); err != nil {
			return set
		}
	}
	return set
}

// mapHead returns the length of the head of a well-formed map, which may be of
// indefinite length; ok is false if b is something else.
func mapHead(b []byte) (length int, indefinite, ok bool) {
	if len(b) == 0 || b[0]>>5 != 5 {
		return 0, false, false
	}
	switch info := b[0] & 0x1f; {
	case info == 0x1f:
		return 1, true, true
	case info >= 24:
		return 1 + 1<<(info-24), false, true
	}
	return 1, false, true
}

func checkDescriptors(list string, ds []PublicKeyCredentialDescriptor) error {
	for _, d := range ds {
		if d.ID == nil || d.Type == "" {
			return incomplete("a member of " + list)
		}
	}
	return nil
}
