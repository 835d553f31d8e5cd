package fido

import (
	"context"
	"fmt"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/pcsc"
	"github.com/gofido/fido/nfc/vpcd"
)

// OpenCard opens the key behind a card of any kind, such as an nfc.Loopback. The
// Key owns card from then on, even if OpenCard fails.
func OpenCard(ctx context.Context, card nfc.Card, o *Options) (*Key, error) {
	if o == nil {
		o = new(Options)
	}
	conn, err := nfc.Open(ctx, card, o.NFC)
	if err != nil {
		return nil, fmt.Errorf("fido: %w", err)
	}
	t := toCard(conn)
	return &Key{Client: ctap2.NewClient(t, o.Client), transport: t}, nil
}

// Card returns the connection to a key in a card reader, and nil for a key that is
// reached in another way.
func (k *Key) Card() *nfc.Conn { return k.transport.card }

// Contactless reports whether the key is held to a reader, so that users are told
// to do that rather than to touch it.
func (k *Key) Contactless() bool { return k.transport.card != nil && k.transport.card.Contactless() }

const readerPrefix = "pcsc:"

// cards are the ways to a card, by the prefix of the device's name.
var cards = []struct {
	prefix string
	open   func(ctx context.Context, name string) (nfc.Card, error)
}{
	{readerPrefix, openReader},
	{"vpcd:", func(ctx context.Context, addr string) (nfc.Card, error) { return asCard(vpcd.Dial(ctx, addr)) }},
	{"vpcd-listen:", func(ctx context.Context, port string) (nfc.Card, error) {
		if port != "" && !strings.Contains(port, ":") {
			port = ":" + port
		}
		return asCard(vpcd.Listen(ctx, port))
	}},
}

// asCard keeps a nil *vpcd.Card from becoming an nfc.Card that is not nil.
func asCard(c *vpcd.Card, err error) (nfc.Card, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// openReader connects to the card in the reader with this name, or in the only one
// of those whose names begin so that has a card.
func openReader(ctx context.Context, name string) (nfc.Card, error) {
	readers, err := pcsc.List(ctx)
	if err != nil {
		return nil, err
	}
	reader, ok := chooseReader(readers, name)
	if !ok {
		return nil, &ReaderError{name, readers}
	}
	card, err := pcsc.Open(ctx, reader, nil)
	if err != nil {
		return nil, err
	}
	return card, nil
}

// chooseReader returns the name of the reader that name means.
func chooseReader(readers []pcsc.Reader, name string) (reader string, ok bool) {
	var named, withCard []pcsc.Reader
	for _, r := range readers {
		if r.Name == name {
			return name, true
		}
		if !strings.HasPrefix(r.Name, name) {
			continue
		}
		named = append(named, r)
		if r.Card {
			withCard = append(withCard, r)
		}
	}
	switch {
	case len(withCard) == 1:
		return withCard[0].Name, true
	case len(named) == 1 && name != "":
		return named[0].Name, true // it says itself that there is no card
	}
	return "", false
}

// A ReaderError says that a device "pcsc:NAME" does not name one card reader.
type ReaderError struct {
	Name    string        // what was asked for; "" for the only reader with a card
	Readers []pcsc.Reader // all that there are
}

func (e *ReaderError) Error() string {
	if len(e.Readers) == 0 {
		return "there is no card reader: plug one in"
	}
	names := make([]string, len(e.Readers))
	for i, r := range e.Readers {
		names[i] = fmt.Sprintf("%q", r.Name)
		if r.Card {
			names[i] += " (with a card)"
		}
	}
	have := strings.Join(names, ", ")
	if e.Name != "" {
		return fmt.Sprintf("not one card reader with a card has a name that begins with %q: there is %s", e.Name, have)
	}
	return "not one card reader has a card: hold the key to a reader, or name one of " + have
}
