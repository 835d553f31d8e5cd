package u2f

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/gofido/fido/nfc/iso7816"
)

// A RegisterRequest asks for a new key pair (U2F Raw Message Formats section
// 4.1).
type RegisterRequest struct {
	Challenge   [32]byte // SHA-256 of the client data
	Application [32]byte // SHA-256 of the AppID, or of the RP ID

	// P1 is zero. Some hosts send 0x03, and add 0x80 to say that an
	// attestation that tells this key from others is welcome; such requests
	// parse.
	P1 byte
}

// Append appends the request as an APDU of the given form to dst.
func (r *RegisterRequest) Append(dst []byte, form iso7816.Form) ([]byte, error) {
	var data [64]byte
	copy(data[:], r.Challenge[:])
	copy(data[32:], r.Application[:])
	return iso7816.Command{INS: byte(INSRegister), P1: r.P1, Data: data[:], Ne: form.MaxNe(), Form: form}.Append(dst)
}

func parseRegisterRequest(c iso7816.Command) (Request, error) {
	if err := checkParameters(c, 0x00, 0x03, 0x80, 0x83); err != nil {
		return nil, err
	}
	if len(c.Data) != 64 {
		return nil, refuse(iso7816.SWWrongLength, "%v with %d bytes of data instead of 64", INSRegister, len(c.Data))
	}
	return &RegisterRequest{
		Challenge:   [32]byte(c.Data),
		Application: [32]byte(c.Data[32:]),
		P1:          c.P1,
	}, nil
}

// A RegisterResponse is a new key pair and the proof of where it was made (U2F
// Raw Message Formats section 4.3).
type RegisterResponse struct {
	UserPublicKey [65]byte // a point on P-256, uncompressed: 04, X, Y
	KeyHandle     []byte   // 1 to 255 bytes
	Certificate   []byte   // X.509 in DER, of the attestation key
	Signature     []byte   // by the attestation key, ECDSA with SHA-256 in DER
}

// registerReserved is the first byte of a registration response.
const registerReserved = 0x05

// Append appends the data of the response, without a status word, to dst. It
// fails if the key handle has a wrong length, if the certificate is not one DER
// sequence, by which the other end finds the signature, or without a signature.
func (r *RegisterResponse) Append(dst []byte) ([]byte, error) {
	if n := len(r.KeyHandle); n == 0 || n > MaxKeyHandleLength {
		return nil, keyHandleError(n)
	}
	if n, ok := sequenceSize(r.Certificate); !ok || n != len(r.Certificate) {
		return nil, errors.New("u2f: the certificate is not one DER sequence")
	}
	if len(r.Signature) == 0 {
		return nil, errors.New("u2f: the registration has no signature")
	}
	dst = slices.Grow(dst, 1+65+1+len(r.KeyHandle)+len(r.Certificate)+len(r.Signature))
	dst = append(dst, registerReserved)
	dst = append(dst, r.UserPublicKey[:]...)
	dst = append(dst, byte(len(r.KeyHandle)))
	dst = append(dst, r.KeyHandle...)
	dst = append(dst, r.Certificate...)
	return append(dst, r.Signature...), nil
}

// ParseRegisterResponse decodes the data of a response, what stands before the
// status word. Keys and certificate are taken as they are: PublicKey and Verify
// look into them. The result refers to the memory of data. The error is a
// *[ReplyError].
func ParseRegisterResponse(data []byte) (*RegisterResponse, error) {
	bad := func(problem string) (*RegisterResponse, error) { return nil, &ReplyError{data, problem} }
	const header = 1 + 65 + 1
	if len(data) < header {
		return bad("it is cut short")
	}
	if data[0] != registerReserved {
		return bad(fmt.Sprintf("it begins with 0x%02x instead of 0x05", data[0]))
	}
	r := &RegisterResponse{UserPublicKey: [65]byte(data[1:])}
	n, rest := int(data[header-1]), data[header:]
	switch {
	case n == 0:
		return bad("the key handle is empty")
	case len(rest) < n:
		return bad("the key handle is cut short")
	}
	r.KeyHandle, rest = rest[:n:n], rest[n:]
	if n, ok := sequenceSize(rest); ok {
		r.Certificate, r.Signature = rest[:n:n], rest[n:]
	} else {
		return bad("the certificate is cut short, or not DER")
	}
	if len(r.Signature) == 0 {
		return bad("the signature is missing")
	}
	return r, nil
}

// sequenceSize returns the size of the DER SEQUENCE that b begins with. It
// does not ask for the shortest form of the length: the certificate is passed on
// as it is.
func sequenceSize(b []byte) (n int, ok bool) {
	if len(b) < 2 || b[0] != 0x30 {
		return 0, false
	}
	size, header := int(b[1]), 2
	if size >= 0x80 {
		// The length is in as many bytes as the low bits say. No certificate
		// in an APDU needs more than three; none is the indefinite form.
		wide := size &^ 0x80
		header += wide
		if wide == 0 || wide > 3 || len(b) < header {
			return 0, false
		}
		size = 0
		for _, v := range b[2:header] {
			size = size<<8 | int(v)
		}
	}
	return header + size, len(b)-header >= size
}

// PublicKey returns the new public key. It fails if UserPublicKey is not a point
// on P-256.
func (r *RegisterResponse) PublicKey() (*ecdsa.PublicKey, error) {
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), r.UserPublicKey[:])
	if err != nil {
		return nil, fmt.Errorf("u2f: the user public key is not a point on P-256: %w", err)
	}
	return key, nil
}

// AppendSigned appends to dst what the attestation key signs in answer to q: a
// zero byte, application, challenge, key handle and user public key.
func (r *RegisterResponse) AppendSigned(dst []byte, q *RegisterRequest) []byte {
	dst = append(dst, 0)
	dst = append(dst, q.Application[:]...)
	dst = append(dst, q.Challenge[:]...)
	dst = append(dst, r.KeyHandle...)
	return append(dst, r.UserPublicKey[:]...)
}

// Verify checks that the response answers q: the user public key is on P-256,
// and the signature is by the key of the certificate. Whether the certificate
// is to be trusted is another question. The error is [ErrSignature], or says
// what is wrong with a key or the certificate.
func (r *RegisterResponse) Verify(q *RegisterRequest) error {
	if _, err := r.PublicKey(); err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(r.Certificate)
	if err != nil {
		return fmt.Errorf("u2f: attestation certificate: %w", err)
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return errors.New("u2f: attestation certificate: its key is not on P-256")
	}
	return verify(key, r.AppendSigned(nil, q), r.Signature)
}

func verify(key *ecdsa.PublicKey, message, signature []byte) error {
	digest := sha256.Sum256(message)
	if !ecdsa.VerifyASN1(key, digest[:], signature) {
		return ErrSignature
	}
	return nil
}
