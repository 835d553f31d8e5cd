// Package iso7816 encodes and decodes the messages of smart cards: command and
// response APDUs (application protocol data units) of ISO/IEC 7816-4:2013
// section 5.1, and status words. It knows nothing of FIDO, does no I/O and keeps
// no state. Package nfc and CTAP1/U2F, on USB too, stand on it.
//
// A [Command] is a header of four bytes, then the length Lc of the data and the
// data, then the length Le of the response that is expected; data and response
// are optional, which makes four cases. Both lengths are written in the same
// [Form], short or extended, so that there are seven encodings:
//
//	case  short form                   extended form
//	1     CLA INS P1 P2
//	2     CLA INS P1 P2 Le             CLA INS P1 P2 00 LeH LeL
//	3     CLA INS P1 P2 Lc data        CLA INS P1 P2 00 LcH LcL data
//	4     CLA INS P1 P2 Lc data Le     CLA INS P1 P2 00 LcH LcL data LeH LeL
//
// An Le of zeros stands for the most that the form can say: 256 or 65,536 bytes.
//
// A [Response] is data, possibly none, and a [StatusWord] of two bytes.
package iso7816
