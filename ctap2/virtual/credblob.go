package virtual

import (
	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// The outputs that are one byte, as CBOR.
var (
	outputFalse = cbor.RawMessage{0xf4}
	outputTrue  = cbor.RawMessage{0xf5}
)

// credBlob is CTAP 2.3 section 12.2: a few bytes that are kept with the
// credential, also in the ID of one that is not stored.
var credBlob = &extension{
	id: ctap2.ExtensionCredBlob,
	create: func(k *Key, c *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		var blob []byte
		if err := decodeInput(input, &blob); err != nil {
			return nil, err
		}
		// With the blob, an ID may become too long, and then it takes a place.
		if len(blob) > k.config.MaxCredBlobLength || k.full(c.credential) {
			return outputFalse, nil
		}
		c.credential.keep(ctap2.ExtensionCredBlob, input)
		return outputTrue, nil
	},
	get: func(_ *Key, _ *assertion, c *credential, _ *ctap2.GetAssertionResponse, input cbor.RawMessage) (cbor.RawMessage, error) {
		if wanted, err := decodeTrue(input); err != nil || !wanted {
			return nil, err
		}
		if blob := c.extensions[ctap2.ExtensionCredBlob]; blob != nil {
			return blob, nil
		}
		return cbor.RawMessage{0x40}, nil // no bytes
	},
}

// credBlob returns the bytes that are kept with the credential, or nil.
func (c *credential) credBlob() (blob []byte) {
	if b := c.extensions[ctap2.ExtensionCredBlob]; b != nil {
		_ = cbor.Unmarshal(b, &blob) // it is what makeCredential has decoded
	}
	return blob
}
