package fido

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/nfc"
)

// transport is the connection to a key, over HID or to a card, which maps CTAP2
// to U2F if the key knows no more.
type transport struct {
	connection
	hid  *ctaphid.Conn // one of the two is there
	card *nfc.Conn
	u2f  atomic.Bool
}

// connection is what both kinds have in common.
type connection interface {
	ctap2.Transport
	ctap2.U2FTransport
	Close() error
}

func overHID(conn *ctaphid.Conn, forcedU2F bool) *transport {
	t := &transport{connection: conn, hid: conn}
	t.u2f.Store(forcedU2F || conn.Info().Capabilities&ctaphid.CapabilityCBOR == 0)
	return t
}

func toCard(conn *nfc.Conn) *transport {
	t := &transport{connection: conn, card: conn}
	t.u2f.Store(!conn.CTAP2())
	return t
}

// CBOR implements ctap2.Transport. Some keys announce CTAP2 and refuse every
// message of it as an unknown command of CTAPHID: they are U2F keys too.
func (t *transport) CBOR(ctx context.Context, dst, request []byte, waiting func(status byte)) ([]byte, error) {
	if !t.u2f.Load() {
		reply, err := t.connection.CBOR(ctx, dst, request, waiting)
		if t.hid == nil || !errors.Is(err, ctaphid.ErrInvalidCmd) || t.hid.Info().Capabilities&ctaphid.CapabilityNMSG != 0 {
			return reply, err
		}
		t.u2f.Store(true)
	}
	return ctap2.U2FMapping{U2FTransport: t.connection}.CBOR(ctx, dst, request, waiting)
}

// BeginSequence keeps other programs from a card, as ctap2.Transport describes.
// A HID key has channels for that.
func (t *transport) BeginSequence(ctx context.Context) error {
	if t.card == nil {
		return nil
	}
	return t.card.BeginSequence(ctx)
}

// EndSequence ends what BeginSequence began.
func (t *transport) EndSequence() {
	if t.card != nil {
		t.card.EndSequence()
	}
}
