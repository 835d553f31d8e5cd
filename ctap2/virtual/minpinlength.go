package virtual

import (
	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// minPinLength is CTAP 2.3 section 12.5.
var minPinLength = &extension{
	id: ctap2.ExtensionMinPINLength,
	create: func(k *Key, c *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		return k.tell(c, input, k.state.policy.MinPINLength)
	},
}

// pinComplexityPolicy is CTAP 2.3 section 12.6.
var pinComplexityPolicy = &extension{
	id: ctap2.ExtensionPINComplexityPolicy,
	create: func(k *Key, c *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		return k.tell(c, input, k.state.policy.PINComplexity)
	},
}

// tell returns what the key demands of PINs, for a relying party that asks and
// may know. Others learn nothing, not even that they may not.
func (k *Key) tell(c *creation, input cbor.RawMessage, demand any) (cbor.RawMessage, error) {
	if asked, err := decodeTrue(input); err != nil || !asked || !k.told(c.request.RP.ID) {
		return nil, err
	}
	return cbor.Marshal(demand)
}
