// Package fido finds FIDO2 security keys and opens them. It is what most
// programs import: it picks the way to the key that suits the operating system,
// and a [Key] has a method for each CTAP2 command.
//
//	key, err := fido.Open(ctx, "", nil)
//	if err != nil {
//		return err
//	}
//	defer key.Close()
//	info, err := key.GetInfo(ctx)
//
// [Find] lists the keys on USB and in card readers, and [Watch] tells of those that
// come and go.
//
// The layers below are packages of their own: ctap2 has the commands and the
// [ctap2.Client] that a Key embeds, ctaphid the protocol on USB, and
// ctap2/virtual a complete key in software for tests.
package fido

import (
	"context"
	"fmt"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/ctaphid/udphid"
	"github.com/gofido/fido/nfc"
)

// Options are for [Open]. Nil stands for the zero value.
type Options struct {
	// HID are the limits and hooks of the connection, such as a trace of every
	// report. Nil means the defaults.
	HID *ctaphid.Config

	// NFC are those of the connection to a key in a card reader.
	NFC *nfc.Config

	// Client are the hooks of the client, such as one that is told when the
	// key waits for a touch. Nil means the defaults.
	Client *ctap2.ClientConfig

	// Lock keeps other programs from the key, on Linux.
	Lock hidraw.Lock

	// NoQuirks takes every key for what it announces. Otherwise a few old keys, known
	// by their USB vendor and product, that announce CTAP2 or break when they are
	// asked about it are spoken to in U2F alone.
	NoQuirks bool
}

// A Key is a security key that is open. The methods of the embedded Client are
// the CTAP2 commands, which work with keys that know only U2F as far as a
// [ctap2.U2FMapping] goes.
type Key struct {
	*ctap2.Client
	transport *transport
	device    string
}

// Open opens a key:
//
//   - "" is the only usable key that [Find] finds;
//   - "pcsc:READER" is a key in a card reader, whose name need not be whole;
//     "pcsc:" alone is the only reader that has a card, see package pcsc;
//   - "udp:HOST:PORT[:LOCALPORT]" is a firmware simulator, see package udphid;
//   - "vpcd:HOST:PORT" is a simulator of a card, and "vpcd-listen:PORT" waits for
//     one that looks for a reader, see package vpcd;
//   - anything else is the path of a HID device, as [List] and [Find] give
//     it.
//
// ctx bounds the opening. The error says what to do about it: it is a
// [*SelectError], a *hid.AccessError, or comes from the layers below.
func Open(ctx context.Context, device string, o *Options) (*Key, error) {
	if o == nil {
		o = new(Options)
	}
	if device == "" {
		found, err := Find(ctx)
		if err != nil {
			return nil, err
		}
		if device, err = found.only(); err != nil {
			return nil, err
		}
	}
	for _, way := range cards {
		name, ok := strings.CutPrefix(device, way.prefix)
		if !ok {
			continue
		}
		card, err := way.open(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("fido: %w", err)
		}
		if slot, ok := card.(interface{ Reader() string }); ok {
			device = readerPrefix + slot.Reader() // which name need not be in full
		}
		return at(device)(OpenCard(ctx, card, o))
	}
	dev, err := openDevice(ctx, device, o)
	if err != nil {
		return nil, fmt.Errorf("fido: %w", err) // which names the device
	}
	return at(device)(OpenHID(ctx, dev, o))
}

// at notes what a key was opened as.
func at(device string) func(*Key, error) (*Key, error) {
	return func(k *Key, err error) (*Key, error) {
		if err == nil {
			k.device = device
		}
		return k, err
	}
}

// Device returns what [Open] has opened, as [Find] and [Watch] name it: the only
// key if it was to open that, and the whole name of a reader. It is "" for a key of
// [OpenHID] and [OpenCard].
func (k *Key) Device() string { return k.device }

// OpenHID opens the key behind a HID device of any kind, such as a
// ctaphid.Loopback. The Key owns dev from then on, even if OpenHID fails. If dev has
// a method IDs() (vendor, product uint16), as those of hidraw and hidapi have, that
// tells what device it is, see [Options.NoQuirks].
func OpenHID(ctx context.Context, dev ctaphid.Device, o *Options) (*Key, error) {
	if o == nil {
		o = new(Options)
	}
	conn, err := ctaphid.Open(ctx, dev, o.HID)
	if err != nil {
		dev.Close()
		return nil, fmt.Errorf("fido: %w", err)
	}
	t := overHID(conn, !o.NoQuirks && forcedU2F(dev))
	return &Key{Client: ctap2.NewClient(t, o.Client), transport: t}, nil
}

// HID returns the connection that the Key uses, for the commands of CTAPHID
// itself - Ping, Wink, Lock - and for a u2f.Client; nil for a key in a card reader.
func (k *Key) HID() *ctaphid.Conn { return k.transport.hid }

// Close releases the key. A call under way ends with os.ErrClosed.
func (k *Key) Close() error { return k.transport.Close() }

func openDevice(ctx context.Context, device string, o *Options) (ctaphid.Device, error) {
	if addr, ok := strings.CutPrefix(device, "udp:"); ok {
		return udphid.Dial(ctx, addr)
	}
	return openPath(ctx, device, o)
}
