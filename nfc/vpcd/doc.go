// Package vpcd speaks the wire of virtual smart-card readers, a TCP connection
// between a reader and a card, at both its ends.
//
// At the card's end [Serve] and [Connect] lend an nfc.Applet, with the software key
// behind it for example, to a virtual reader: vpcd of the project vsmartcard puts it
// into a real smart-card daemon, and every program that talks to readers finds a
// security key there.
//
// At the reader's end [Dial] and [Listen] make an nfc.Card of a simulator of other
// firmware that shows itself this way, without any daemon.
//
// # The wire
//
// Each message is a length of two bytes, most significant first, and as many
// bytes. The reader sends command APDUs, which the card answers with response
// APDUs, and messages of one byte: 0 takes the power, 1 gives it, 2 resets the
// card, to which there is no answer; 4 asks for the ATR.
package vpcd
