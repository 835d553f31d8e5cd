// Package nfc speaks to security keys in card readers, and is such a key: the
// APDUs of CTAP over NFC and over the contacts of a smart card (CTAP 2.3 section
// 11.3).
//
// # The host's end
//
// [Open] selects the FIDO application of a [Card] and returns a [Conn], which
// carries CTAP2 requests and U2F messages. Cards come from packages nfc/pcsc
// (readers of this machine), nfc/vpcd (simulators) and [Loopback] (in memory):
//
//	conn, err := nfc.Open(ctx, card, nil)
//	client := ctap2.NewClient(conn, nil)
//
// A request that is longer than an APDU of the short form is cut into segments,
// and what comes in parts is put together again; where card and reader both
// take them, APDUs of the extended form do without:
//
//	> 90 10 80 00 f0 …      a segment, 240 bytes
//	< 90 00
//	> 80 10 80 00 1c … 00   the last one
//	< 02 91 00              not yet: hold the key to the reader, touch it
//	> 80 11 00 00 00        NFCCTAP_GETRESPONSE, some time later
//	< 00 … 61 1c            256 bytes, and 28 more
//	> 80 c0 00 00 1c        GET RESPONSE
//	< … 90 00
//
// # The key's end
//
// An [Applet] answers APDUs for the key behind it, such as the software key of
// package ctap2/virtual. [Loopback] puts one into this program.
//
// Package nfc/nfctest has cards for tests: scripted ones, and faults for others.
package nfc
