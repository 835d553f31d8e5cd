package u2f

import (
	"crypto/ecdsa"
	"encoding/binary"

	"github.com/gofido/fido/nfc/iso7816"
)

// An AuthenticateRequest asks for a signature, or whether one could be had (U2F
// Raw Message Formats section 5.1).
type AuthenticateRequest struct {
	Control     Control
	Challenge   [32]byte // SHA-256 of the client data
	Application [32]byte // SHA-256 of the AppID, or of the RP ID
	KeyHandle   []byte   // up to 255 bytes
}

// Append appends the request as an APDU of the given form to dst. The error
// wraps [ErrKeyHandleLength] if the key handle is too long, or is an
// *iso7816.RangeError if it has more than the 190 bytes that fit the short
// form.
func (r *AuthenticateRequest) Append(dst []byte, form iso7816.Form) ([]byte, error) {
	if len(r.KeyHandle) > MaxKeyHandleLength {
		return nil, keyHandleError(len(r.KeyHandle))
	}
	var buf [32 + 32 + 1 + MaxKeyHandleLength]byte
	data := append(buf[:0], r.Challenge[:]...)
	data = append(data, r.Application[:]...)
	data = append(data, byte(len(r.KeyHandle)))
	data = append(data, r.KeyHandle...)
	return iso7816.Command{INS: byte(INSAuthenticate), P1: byte(r.Control), Data: data, Ne: form.MaxNe(), Form: form}.Append(dst)
}

func parseAuthenticateRequest(c iso7816.Command) (Request, error) {
	err := checkParameters(c, byte(EnforceUserPresence), byte(CheckOnly), byte(DontEnforceUserPresence))
	if err != nil {
		return nil, err
	}
	const header = 32 + 32 + 1
	if len(c.Data) < header || len(c.Data) != header+int(c.Data[header-1]) {
		return nil, refuse(iso7816.SWWrongLength, "%v with %d bytes of data, not what the key handle's length says",
			INSAuthenticate, len(c.Data))
	}
	return &AuthenticateRequest{
		Control:     Control(c.P1),
		Challenge:   [32]byte(c.Data),
		Application: [32]byte(c.Data[32:]),
		KeyHandle:   c.Data[header:],
	}, nil
}

// An AuthenticateResponse is a signature (U2F Raw Message Formats section 5.4).
type AuthenticateResponse struct {
	// UserPresence has bit 0 set if the user touched the key. The others are
	// reserved, and signed as they are.
	UserPresence byte

	Counter   uint32 // grows with each signature
	Signature []byte // by the user's key, ECDSA with SHA-256 in DER
}

// UserPresent reports whether the user touched the key.
func (r *AuthenticateResponse) UserPresent() bool { return r.UserPresence&1 != 0 }

// Append appends the data of the response, without a status word, to dst.
func (r *AuthenticateResponse) Append(dst []byte) []byte {
	dst = append(dst, r.UserPresence)
	dst = binary.BigEndian.AppendUint32(dst, r.Counter)
	return append(dst, r.Signature...)
}

// ParseAuthenticateResponse decodes the data of a response, what stands before
// the status word. The result refers to the memory of data. The error is a
// *[ReplyError].
func ParseAuthenticateResponse(data []byte) (*AuthenticateResponse, error) {
	const header = 1 + 4
	if len(data) < header {
		return nil, &ReplyError{data, "it is cut short"}
	}
	if len(data) == header {
		return nil, &ReplyError{data, "the signature is missing"}
	}
	return &AuthenticateResponse{
		UserPresence: data[0],
		Counter:      binary.BigEndian.Uint32(data[1:]),
		Signature:    data[header:],
	}, nil
}

// AppendSigned appends to dst what the user's key signs in answer to q:
// application, user presence, counter and challenge.
func (r *AuthenticateResponse) AppendSigned(dst []byte, q *AuthenticateRequest) []byte {
	dst = append(dst, q.Application[:]...)
	dst = append(dst, r.UserPresence)
	dst = binary.BigEndian.AppendUint32(dst, r.Counter)
	return append(dst, q.Challenge[:]...)
}

// Verify checks that the response answers q, for the public key of the
// registration. The error is [ErrSignature]. The relying party also asks
// UserPresent, and whether Counter has grown.
func (r *AuthenticateResponse) Verify(q *AuthenticateRequest, key *ecdsa.PublicKey) error {
	return verify(key, r.AppendSigned(nil, q), r.Signature)
}
