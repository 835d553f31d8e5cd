package pcsc

import (
	"context"
	"encoding/binary"
)

// ChannelID is the attribute that says how a reader is connected (PC/SC part 3,
// SCARD_ATTR_CHANNEL_ID), for [Card.Attribute].
const ChannelID uint32 = 0x00020110

// Attribute returns what the reader's driver says of the reader, or of the card in
// it, by PC/SC's number. Nothing is sent to the card. The error is [Unsupported],
// or another Code, if the driver does not know the attribute.
func (c *Card) Attribute(ctx context.Context, id uint32) ([]byte, error) {
	h, err := c.use()
	if err != nil {
		return nil, c.fails("get an attribute", err)
	}
	value, err := h.attribute(ctx, id)
	if err != nil && ctx.Err() != nil {
		c.giveUp(h)
	}
	return value, c.fails("get an attribute", err)
}

// usb is the upper half of a ChannelID of a reader on USB. The CCID driver of
// Linux has bus and device in the lower half, others a device number of their own.
const usb = 0x0020

// USBAddress returns where the reader is on USB, as lsusb shows it, if the driver
// tells: the CCID driver on Linux does. That tells whether a reader is part of a
// device that is known in another way. Other errors than those of Attribute are
// [Unsupported].
func (c *Card) USBAddress(ctx context.Context) (bus, device int, err error) {
	value, err := c.Attribute(ctx, ChannelID)
	if err != nil {
		return 0, 0, err
	}
	if len(value) == 4 {
		id := binary.NativeEndian.Uint32(value)
		bus, device = int(id>>8&0xff), int(id&0xff)
		if id>>16 == usb && bus != 0 && device != 0 {
			return bus, device, nil
		}
	}
	return 0, 0, c.fails("get the USB address", Unsupported)
}
