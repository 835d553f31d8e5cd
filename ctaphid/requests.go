package ctaphid

import (
	"context"
	"time"
)

// CBOR sends a CTAP2 request, a command byte and CBOR parameters, and appends
// the reply, a status byte and CBOR, to dst (CTAP 2.3 section 11.2.9.1.2). A
// status other than success is a reply, not an error.
//
// waiting, if not nil, is told the status of the device's keepalives at each
// change: [StatusProcessing], [StatusUPNeeded] or another. It runs with the
// Conn's turn held, so it must return soon and must not call the Conn.
//
// When ctx ends, the device is told to cancel the request, unless the reply
// has begun to arrive. The call then ends with the device's final reply or
// after [Config.Grace]. A reply other than the status KEEPALIVE_CANCEL is
// returned as if ctx had not ended: the cancellation came too late, and the
// credential that was made, or the PIN that was counted, is better known.
// Otherwise the error is that of ctx.
func (c *Conn) CBOR(ctx context.Context, dst, request []byte, waiting func(status byte)) ([]byte, error) {
	return c.exchange(ctx, CommandCBOR, dst, request, waiting)
}

// MSG sends a U2F request APDU and appends the response, of at least two
// bytes, to dst (CTAP 2.3 section 11.2.9.1.1). U2F has no way to cancel: when
// ctx ends, the reply is waited for as long as [Config.Grace].
func (c *Conn) MSG(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	return c.exchange(ctx, CommandMSG, dst, apdu, nil)
}

// Ping sends data and appends what comes back to dst (CTAP 2.3 section
// 11.2.9.1.4). An echo that differs is a *[ProtocolError]. dst must not share
// memory with data.
func (c *Conn) Ping(ctx context.Context, dst, data []byte) ([]byte, error) {
	return c.exchange(ctx, CommandPing, dst, data, nil)
}

// Wink makes the device show itself, for instance by blinking (CTAP 2.3
// section 11.2.9.2.1). Devices without [CapabilityWink] answer
// [ErrInvalidCmd]. Some keys need a moment before they take a CBOR request
// again.
func (c *Conn) Wink(ctx context.Context) error {
	_, err := c.exchange(ctx, CommandWink, nil, nil, nil)
	return err
}

// maxLock is the longest time that LOCK can say.
const maxLock = 10 * time.Second

// Lock reserves the device for this channel for d, rounded up to whole
// seconds, from 0 to 10 s (CTAP 2.3 section 11.2.9.2.2). Zero releases it. The
// error wraps [ErrInvalidPar], without the device being asked, if d is out of
// range, and [ErrInvalidCmd] if the device has no locks.
func (c *Conn) Lock(ctx context.Context, d time.Duration) error {
	if d < 0 || d > maxLock {
		return c.opError(CommandLock, ErrInvalidPar)
	}
	seconds := byte((d + time.Second - 1) / time.Second)
	_, err := c.exchange(ctx, CommandLock, nil, []byte{seconds}, nil)
	return err
}

// Vendor sends a command from [CommandVendorFirst] to [CommandVendorLast] and
// appends the reply to dst (CTAP 2.3 section 11.2.9.3). The error wraps
// [ErrInvalidCmd], without the device being asked, for another command.
func (c *Conn) Vendor(ctx context.Context, dst []byte, command Command, data []byte) ([]byte, error) {
	if command < CommandVendorFirst || command > CommandVendorLast {
		return nil, c.opError(command, ErrInvalidCmd)
	}
	return c.exchange(ctx, command, dst, data, nil)
}
