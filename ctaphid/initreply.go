package ctaphid

import (
	"encoding/binary"
	"fmt"
)

// NonceSize is the length in bytes of the nonce that is all of an INIT
// request's data.
const NonceSize = 8

// initReplySize is the length of an INIT reply: nonce, channel, four version
// bytes and capabilities.
const initReplySize = NonceSize + 4 + 4 + 1

// InitInfo is what a device answers to INIT (CTAP 2.3 section 11.2.9.1.3).
type InitInfo struct {
	Nonce           [NonceSize]byte // the request's nonce
	CID             CID             // the channel that was allocated, or resynchronised
	ProtocolVersion byte            // of CTAPHID: 2

	// The device's version. Its meaning is the vendor's.
	Major, Minor, Build byte

	Capabilities Capabilities
}

// ParseInitInfo reads the data of an INIT reply: 17 bytes, more are ignored as
// the specification asks of hosts. Less gives a *[ProtocolError].
func ParseInitInfo(b []byte) (InitInfo, error) {
	if len(b) < initReplySize {
		return InitInfo{}, &ProtocolError{Problem: fmt.Sprintf("INIT reply of %d bytes, at least %d are due", len(b), initReplySize)}
	}
	return InitInfo{
		Nonce:           [NonceSize]byte(b),
		CID:             CID(binary.BigEndian.Uint32(b[8:])),
		ProtocolVersion: b[12],
		Major:           b[13],
		Minor:           b[14],
		Build:           b[15],
		Capabilities:    Capabilities(b[16]),
	}, nil
}

// Append appends the 17 bytes of the INIT reply to dst.
func (i InitInfo) Append(dst []byte) []byte {
	dst = append(dst, i.Nonce[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(i.CID))
	return append(dst, i.ProtocolVersion, i.Major, i.Minor, i.Build, byte(i.Capabilities))
}
