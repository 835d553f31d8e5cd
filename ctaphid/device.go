package ctaphid

import (
	"context"
	"time"
)

// A Device is the report seam: one end of a connection that carries HID
// reports. On the host's side it is an opened HID device; on the key's side,
// given to [Server.Serve], what reaches the host. Reports have no report ID
// and no prefix byte here, whatever the operating system wants.
//
// One goroutine may read while another writes and others call SetReadDeadline
// or Close; two never read, and two never write, at the same time.
//
// A Device may also have a method BeginCall(context.Context) error, which a
// [Conn] calls before it sends anything for a call, with no read pending. It
// drops the reports that have arrived so far: they belong to calls before, or
// to other programs, whose reports the queue may be so full of that there is no
// room for the reply. Its error is that of the call. A Device can also keep
// other programs out from then on, until its method EndCall(), if it has one,
// is called after the call. While it waits for them it ends with ctx, see
// [ContextError], and with Close. A Device that wraps another passes both on.
type Device interface {
	// ReadReport waits for the next report, copies it to p and returns its
	// length, which is that of ReportSizes unless the device misbehaves. p has
	// room for the larger of ReportSizes.
	//
	// It fails with an error that is os.ErrDeadlineExceeded when the read
	// deadline passes, and at once when it has passed, even if a report is
	// queued: so no flood of reports outlasts a deadline, and nobody has to
	// read the clock for each of them. After Close the error is
	// os.ErrClosed. When the device has gone (it was unplugged, the peer
	// closed), the error is [ErrGone].
	ReadReport(p []byte) (int, error)

	// WriteReport sends one report of exactly the outgoing size. It does not
	// keep p. Its errors are those of ReadReport; os.ErrDeadlineExceeded says
	// that the other end did not take the report within the time that the
	// carrier has for it, whatever the read deadline.
	WriteReport(p []byte) error

	// SetReadDeadline makes pending and future reads fail at t. A time in the
	// past fails them at once; the zero time removes the deadline. It may be
	// called from any number of goroutines; the last call counts.
	SetReadDeadline(t time.Time) error

	// ReportSizes returns the sizes, in bytes, of the reports that ReadReport
	// receives and that WriteReport sends, as the device's descriptor states
	// them.
	ReportSizes() (in, out int)

	// Close releases the device and ends what is pending: a read, a write, a
	// wait in BeginCall.
	// Calls after the first return nil.
	Close() error
}

// A Handler is the key's side of the message seam: what stands behind a
// [Server] and answers its messages. The software key of package ctap2/virtual
// is one.
//
// Its methods are called one at a time. A Handler may also have a method
// Capabilities() byte, which [NewServer] asks once: the bits [CapabilityCBOR]
// and [CapabilityNMSG] say what it answers.
//
// The session tells channels apart, so that a command that continues another
// (getNextAssertion) is refused on another channel; a number is never used
// again while the Server lives, and another Server in front of the same Handler
// has others. dst is where the reply is appended.
type Handler interface {
	// CBOR answers a CTAP2 request: a command byte and CBOR parameters. The
	// reply is a status byte and CBOR. While it works it may call waiting with
	// a keepalive status at each change; the Server repeats it to the host.
	// When ctx ends the host has cancelled, or is gone: the reply is then the
	// status KEEPALIVE_CANCEL, unless the work is already done.
	CBOR(ctx context.Context, session uint64, dst, request []byte, waiting func(status byte)) []byte

	// MSG answers a U2F request APDU with a response APDU, without waiting for
	// the user.
	MSG(ctx context.Context, session uint64, dst, apdu []byte) []byte
}
