package virtual

import (
	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// thirdPartyPayment is CTAP 2.3 section 12.9: a mark that is set when the
// credential is made, and that credentialManagement lists.
var thirdPartyPayment = &extension{
	id: ctap2.ExtensionThirdPartyPayment,
	create: func(_ *Key, c *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		wanted, err := decodeTrue(input)
		if wanted {
			c.credential.keep(ctap2.ExtensionThirdPartyPayment, input)
		}
		return nil, err
	},
	get: func(_ *Key, _ *assertion, c *credential, _ *ctap2.GetAssertionResponse, input cbor.RawMessage) (cbor.RawMessage, error) {
		if wanted, err := decodeTrue(input); err != nil || !wanted {
			return nil, err
		}
		return cbor.Marshal(c.forPayments())
	},
}

// forPayments reports whether the credential is for payments that others than
// its relying party start.
func (c *credential) forPayments() bool {
	_, ok := c.extensions[ctap2.ExtensionThirdPartyPayment]
	return ok
}
