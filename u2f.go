package fido

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
)

// transport is the connection to a key, which maps CTAP2 to U2F if the key
// knows no more.
type transport struct {
	*ctaphid.Conn
	u2f atomic.Bool
}

func newTransport(conn *ctaphid.Conn) *transport {
	t := &transport{Conn: conn}
	t.u2f.Store(conn.Info().Capabilities&ctaphid.CapabilityCBOR == 0)
	return t
}

// CBOR implements ctap2.Transport. Some keys announce CTAP2 and refuse every
// message of it as an unknown command of CTAPHID: they are U2F keys too.
func (t *transport) CBOR(ctx context.Context, dst, request []byte, waiting func(status byte)) ([]byte, error) {
	if !t.u2f.Load() {
		reply, err := t.Conn.CBOR(ctx, dst, request, waiting)
		if !errors.Is(err, ctaphid.ErrInvalidCmd) || t.Info().Capabilities&ctaphid.CapabilityNMSG != 0 {
			return reply, err
		}
		t.u2f.Store(true)
	}
	return ctap2.U2FMapping{U2FTransport: t.Conn}.CBOR(ctx, dst, request, waiting)
}

// U2F reports whether the key knows no CTAP2, as far as it has shown: the
// methods of the Client are then carried out by U2F where that can be, see
// [ctap2.U2FMapping].
func (k *Key) U2F() bool { return k.transport.u2f.Load() }
