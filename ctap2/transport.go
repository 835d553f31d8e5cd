package ctap2

import "context"

// A Transport is the message seam: it carries one CTAP2 request to a key and
// the reply back. *ctaphid.Conn and *nfc.Conn are Transports.
//
// A Transport to a key that other programs may use in between may also have the
// methods BeginSequence(context.Context) error and EndSequence(), which keep
// them out: a [Client] calls them around each of its turns. An error of CBOR with
// a method PowerLost() bool that returns true says that the key has lost power,
// forgotten what it had agreed on, and not carried out the request; a Client
// begins again, once, where that is enough.
type Transport interface {
	// CBOR sends request, a command byte and its CBOR parameters, and appends
	// the reply, a status byte and CBOR, to dst. While the key is busy or waits
	// for the user, waiting is called with a keepalive status (1 processing, 2
	// user presence needed) at each change; waiting may be nil and must not
	// use the Transport. When ctx ends the request is cancelled on the key and
	// the error is the context's.
	CBOR(ctx context.Context, dst, request []byte, waiting func(status byte)) ([]byte, error)
}

// A U2FTransport also carries CTAP1/U2F messages. A [Client] finds it in its
// Transport by assertion.
type U2FTransport interface {
	// MSG sends a U2F request APDU and appends the response APDU to dst.
	MSG(ctx context.Context, dst, apdu []byte) ([]byte, error)
}

// The keepalive statuses that a Transport reports (CTAP 2.3 section
// 11.2.9.1.7). A key may send others.
const (
	WaitingProcessing byte = 1 // the key is busy
	WaitingUPNeeded   byte = 2 // the key waits for the user
)
