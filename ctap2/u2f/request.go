package u2f

import (
	"fmt"

	"github.com/gofido/fido/nfc/iso7816"
)

// A Request is a *[RegisterRequest], an *[AuthenticateRequest] or a
// *[VersionRequest].
type Request interface {
	// Append appends the request as an APDU of the given form to dst. Over
	// CTAPHID the form is always extended.
	Append(dst []byte, form iso7816.Form) ([]byte, error)
}

// ParseRequest decodes a request APDU as an authenticator receives it, of
// either form. An Lc of zero is forgiven, because hosts on USB send it. The
// result refers to the memory of apdu. The error is a *[RequestError] with the
// status word to answer.
func ParseRequest(apdu []byte) (Request, error) {
	c, _, err := iso7816.ParseLenient(apdu)
	if err != nil {
		return nil, &RequestError{iso7816.SWWrongLength, err}
	}
	if c.CLA != 0 {
		return nil, refuse(iso7816.SWClassNotSupported, "class 0x%02x", c.CLA)
	}
	switch INS(c.INS) {
	case INSRegister:
		return parseRegisterRequest(c)
	case INSAuthenticate:
		return parseAuthenticateRequest(c)
	case INSVersion:
		return parseVersionRequest(c)
	}
	return nil, refuse(iso7816.SWInstructionNotSupported, "%v", INS(c.INS))
}

// A RequestError is what an authenticator finds wrong with a request.
type RequestError struct {
	SW  iso7816.StatusWord // what to answer
	Err error
}

// Error says what is wrong with the request.
func (e *RequestError) Error() string { return "u2f: bad request: " + e.Err.Error() }

// Unwrap returns the status word and the error behind it.
func (e *RequestError) Unwrap() []error { return []error{e.SW, e.Err} }

func refuse(sw iso7816.StatusWord, format string, a ...any) error {
	return &RequestError{sw, fmt.Errorf(format, a...)}
}

// checkParameters refuses parameters that no request has.
func checkParameters(c iso7816.Command, p1 ...byte) error {
	for _, p := range p1 {
		if c.P1 == p && c.P2 == 0 {
			return nil
		}
	}
	return refuse(iso7816.SWIncorrectP1P2, "%v with P1 0x%02x and P2 0x%02x", INS(c.INS), c.P1, c.P2)
}

// A VersionRequest asks for the version of the protocol (U2F Raw Message
// Formats section 6.1).
type VersionRequest struct{}

// Append appends the request as an APDU of the given form to dst.
func (*VersionRequest) Append(dst []byte, form iso7816.Form) ([]byte, error) {
	return iso7816.Command{INS: byte(INSVersion), Ne: form.MaxNe(), Form: form}.Append(dst)
}

func parseVersionRequest(c iso7816.Command) (Request, error) {
	if err := checkParameters(c, 0); err != nil {
		return nil, err
	}
	if len(c.Data) > 0 {
		return nil, refuse(iso7816.SWWrongLength, "%v with %d bytes of data", INSVersion, len(c.Data))
	}
	return new(VersionRequest), nil
}
