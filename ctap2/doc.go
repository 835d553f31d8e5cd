// Package ctap2 is the client to authenticator protocol (CTAP 2.3): every
// command as a request and a response with the specification's names, and a
// [Client] that sends them to a security key.
//
// # Layers
//
// A [Client] stands on a [Transport], which carries one request and its reply:
// a *ctaphid.Conn for a key on USB, an *nfc.Conn for one on a card reader, or
// a software key of package virtual called directly.
//
// The request and response types are codecs for both ends. Append encodes a
// request for the wire; the Parse functions decode one, which is what an
// authenticator needs, and report a [Status] when it is not as it should be.
//
// # What a key sends
//
// Requests are sent in CTAP2 canonical CBOR. Real keys are not that strict, so
// replies are decoded leniently and what was forgiven is reported: see
// [Reply]. ClientConfig.Strict refuses such replies instead.
package ctap2
