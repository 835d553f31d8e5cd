// Package u2f is CTAP1, also called U2F (FIDO U2F Raw Message Formats v1.2,
// CTAP 2.3 section 10): the protocol of security keys before FIDO2, which most
// FIDO2 keys speak too. It has the messages, for both ends, and a [Client].
//
// A key makes a key pair for each account and gives out a key handle, with which
// it finds the private key again. It knows three commands, sent as APDUs of
// package iso7816: over CTAPHID MSG in the extended form, over NFC in either.
//
//	command       INS  P1       data of the request                    data of the response
//	REGISTER      01   00       challenge, application                 05, public key, L, key handle, certificate, signature
//	AUTHENTICATE  02   control  challenge, application, L, key handle  presence, counter, signature
//	VERSION       03   00       none                                   "U2F_V2"
//
// Challenge and application are SHA-256 hashes, of the client data and of the
// application's identity: an AppID or an RP ID. L is one byte, the length of
// the key handle.
//
// There is no way to wait: a key that wants a touch says so at once, and is
// asked again until it was touched. The status words mean:
//
//	9000  done
//	6985  the user must touch the key; to check-only: the key handle is known
//	6A80  the key handle is not this key's, or for another application
//	6700  wrong length; some keys say it of a key handle that they don't know
//	6986  U2F is switched off, because the key always verifies the user
//	6D00  no such command
//	6E00  no such class: it must be 00
//
// Package ctap2 maps CTAP2 requests to U2F for keys that know nothing else.
package u2f
