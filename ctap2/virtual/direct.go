package virtual

import (
	"bytes"
	"context"
	"errors"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/internal/ctxerr"
	"github.com/gofido/fido/nfc/iso7816"
)

// Direct is a connection to a key in the same process, without a transport: a
// ctap2.Transport and ctap2.U2FTransport. It may be used by several goroutines.
type Direct struct {
	key     *Key
	session uint64
}

var _ interface {
	ctap2.Transport
	ctap2.U2FTransport
} = (*Direct)(nil)

// directSessions keeps the sessions of Direct apart from those of transports,
// which count from one.
const directSessions = 1 << 63

// Direct returns a new connection to the key, with a session of its own.
func (k *Key) Direct() *Direct {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.session++
	return &Direct{k, directSessions | k.session}
}

// CBOR implements ctap2.Transport.
func (d *Direct) CBOR(ctx context.Context, dst, request []byte, waiting func(status byte)) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, ctxerr.Of(ctx)
	}
	reply := d.key.CBOR(ctx, d.session, dst, request, waiting)
	if len(reply) == len(dst) {
		return nil, errors.New("virtual: the key gave an empty reply")
	}
	// Whatever a key answers to a cancelled command, the caller wants to hear
	// that it was cancelled; unless the command was already done.
	if ctx.Err() != nil && reply[len(dst)] != byte(ctap2.StatusSuccess) {
		return nil, ctxerr.Of(ctx)
	}
	return reply, nil
}

// MSG implements ctap2.U2FTransport.
func (d *Direct) MSG(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, ctxerr.Of(ctx)
	}
	reply := d.key.MSG(ctx, d.session, dst, apdu)
	if ctx.Err() != nil && !bytes.HasSuffix(reply[len(dst):], iso7816.SWNoError.Append(nil)) {
		return nil, ctxerr.Of(ctx)
	}
	return reply, nil
}
