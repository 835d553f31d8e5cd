package ctap2

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A LargeBlobsRequest reads or writes a fragment of the serialized large-blob
// array (CTAP 2.3 section 6.10.2). [Client] has methods that are easier to use.
type LargeBlobsRequest struct {
	Get    *uint  `cbor:"1,keyasint,omitzero"` // bytes to read; either Get or Set
	Set    []byte `cbor:"2,keyasint,omitzero"` // bytes to write
	Offset *uint  `cbor:"3,keyasint,omitzero"` // always
	Length *uint  `cbor:"4,keyasint,omitzero"` // bytes of the whole array; with Set at offset 0 only

	PinUvAuthParam    []byte         `cbor:"5,keyasint,omitzero"`
	PinUvAuthProtocol pinuv.Protocol `cbor:"6,keyasint,omitzero"`

	Received `cbor:"-"`
}

// Message returns what PinUvAuthParam authenticates: 32 bytes of 0xff, 0x0c,
// 0x00, the offset in four bytes, least significant first, and the SHA-256 of
// the fragment.
func (r *LargeBlobsRequest) Message() []byte {
	message := make([]byte, 0, 32+2+4+sha256.Size)
	for range 32 {
		message = append(message, 0xff)
	}
	message = append(message, byte(CommandLargeBlobs), 0)
	var offset uint
	if r.Offset != nil {
		offset = *r.Offset
	}
	message = binary.LittleEndian.AppendUint32(message, uint32(offset))
	sum := sha256.Sum256(r.Set)
	return append(message, sum[:]...)
}

// Authorize adds the proof that the user was verified: the MAC of Message under
// token, which needs the permission lbw.
func (r *LargeBlobsRequest) Authorize(token *pinuv.Token) {
	r.PinUvAuthProtocol, r.PinUvAuthParam = token.Protocol(), token.Authenticate(r.Message())
}

// Append appends the request, command byte first, to dst.
func (r *LargeBlobsRequest) Append(dst []byte) ([]byte, error) {
	return cbor.Append(append(dst, byte(CommandLargeBlobs)), r)
}

// ParseLargeBlobsRequest decodes the parameters of a request as an authenticator
// receives them; see [ParseMakeCredentialRequest]. Nothing is required here: the
// specification answers CTAP1_ERR_INVALID_PARAMETER to what is missing.
func ParseLargeBlobsRequest(parameters []byte) (*LargeBlobsRequest, error) {
	r := new(LargeBlobsRequest)
	if err := parseRequest(parameters, r, &r.Received); err != nil {
		return nil, err
	}
	return r, nil
}

// A LargeBlobsResponse answers largeBlobs.
type LargeBlobsResponse struct {
	// Config is the fragment that was read, shorter than asked for, or empty,
	// at the end of the array; nil after writing.
	Config []byte `cbor:"1,keyasint,omitzero"`

	Reply `cbor:"-"`
}

// Append appends the response, without a status byte, to dst; nothing when no
// member is set, as after writing.
func (r *LargeBlobsResponse) Append(dst []byte) ([]byte, error) {
	if r.Config == nil {
		return dst, nil
	}
	return cbor.Append(dst, r)
}

// ParseLargeBlobsResponse decodes a response, what follows the status byte; it
// may be empty.
func ParseLargeBlobsResponse(b []byte) (*LargeBlobsResponse, error) {
	r := new(LargeBlobsResponse)
	if err := parseReply(CommandLargeBlobs, b, r, &r.Reply); err != nil {
		return nil, err
	}
	return r, nil
}
