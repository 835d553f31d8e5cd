package nfc

import (
	"context"
	"sync/atomic"
)

// A Handler is the key's side of the message seam: what stands behind an
// [Applet] and answers its messages. The software key of package ctap2/virtual
// is one.
//
// Its methods are called one at a time. A Handler may also have a method
// Capabilities() byte, whose bit 0x04 says that CBOR answers and whose bit 0x08
// that MSG does not, as in CTAPHID; and a method PowerCycle(), which is called
// when the card gets power, and, from any goroutine, when it loses it.
//
// The session tells one power-up from the next. dst is where the reply is
// appended.
type Handler interface {
	// CBOR answers a CTAP2 request: a command byte and CBOR parameters. The
	// reply is a status byte and CBOR. While it works it may call waiting with
	// a status at each change. When ctx ends the host has cancelled, or the card
	// has lost power: the reply is then the status KEEPALIVE_CANCEL, unless the
	// work is already done.
	CBOR(ctx context.Context, session uint64, dst, request []byte, waiting func(status byte)) []byte

	// MSG answers a U2F request APDU with a response APDU, without waiting for
	// the user.
	MSG(ctx context.Context, session uint64, dst, apdu []byte) []byte
}

const (
	capabilityCBOR byte = 0x04
	capabilityNMSG byte = 0x08
)

// capabilities are a Handler's.
func capabilities(h Handler) (cbor, msg bool) {
	bits := capabilityCBOR
	if h, ok := h.(interface{ Capabilities() byte }); ok {
		bits = h.Capabilities()
	}
	return bits&capabilityCBOR != 0, bits&capabilityNMSG == 0
}

// sessions counts power-ups of all Applets, apart from the sessions of other
// transports to the same Handler.
var sessions atomic.Uint64

const firstSession = 1 << 62
