package nfc

import (
	"cmp"
	"fmt"
	"time"

	"github.com/gofido/fido/nfc/iso7816"
)

// A Length says when a [Conn] uses APDUs of the extended form.
type Length uint8

const (
	// ExtendedIfKnown uses them if the card's ATR and the reader both say that
	// they take them, until one of them refuses one.
	ExtendedIfKnown Length = iota
	ShortOnly              // never
	ExtendedFirst          // until the card or the reader refuses one
)

// Config sets the limits and hooks of a [Conn]. A nil Config, and the zero value
// of each field, mean the defaults.
type Config struct {
	// Trace is called for every APDU that is sent or received, with the turn of
	// the call held: it must not call the Conn. nil costs nothing.
	Trace func(TraceEvent)

	// Length says when APDUs of the extended form are used.
	Length Length

	// Segment is the most bytes of data in one APDU of the short form, 1 to 255. A
	// longer request is cut. Default 240, which readers take that break with 255.
	Segment int

	// Part is the most bytes of a response that are asked for at once in the
	// short form, 1 to 256. Default 256. Less is for readers that break there; a
	// Conn that loses the card so goes on with 240, as it goes on without the
	// extended form.
	Part int

	// NoGetResponse does not tell the card that NFCCTAP_GETRESPONSE is
	// understood, for cards that don't like to hear of it. The card then can't
	// tell that it waits for the user, nor be cancelled. A card that refuses
	// it when it is told is asked again without, anyway.
	NoGetResponse bool

	// Poll is the time between two NFCCTAP_GETRESPONSE. Default 100 ms.
	Poll time.Duration

	// Grace is how long a call may go on after its context has ended, for the
	// final response to arrive that a cancelled request still gets. Default
	// 500 ms.
	Grace time.Duration

	// Overall is how long a call may take when its context has no deadline.
	// Default 2 min.
	Overall time.Duration

	// Return is how long the next call waits for a card that has gone away to come
	// back. Default 2 s; less than zero is not at all, but for Grace, in which a
	// card that is there is reset.
	Return time.Duration
}

func (c *Config) withDefaults() (Config, error) {
	if c == nil {
		c = new(Config)
	}
	d := *c
	d.Segment = cmp.Or(d.Segment, 240)
	d.Part = cmp.Or(d.Part, iso7816.Short.MaxNe())
	d.Poll = cmp.Or(d.Poll, 100*time.Millisecond)
	d.Grace = cmp.Or(d.Grace, 500*time.Millisecond)
	d.Overall = cmp.Or(d.Overall, 2*time.Minute)
	d.Return = cmp.Or(d.Return, 2*time.Second)
	switch {
	case d.Length > ExtendedFirst:
		return d, fmt.Errorf("nfc: Length is %d", d.Length)
	case d.Segment < 1 || d.Segment > iso7816.Short.MaxData():
		return d, fmt.Errorf("nfc: Segment is %d, not 1 to 255", d.Segment)
	case d.Part < 1 || d.Part > iso7816.Short.MaxNe():
		return d, fmt.Errorf("nfc: Part is %d, not 1 to 256", d.Part)
	}
	return d, nil
}
