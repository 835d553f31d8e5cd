package ctap2

import (
	"fmt"

	"github.com/gofido/fido/cbor"
)

// Extensions are extension inputs or outputs by identifier (CTAP 2.3 section
// 12), each in encoded form: unknown ones are kept as they came.
//
// For each extension of the specification there are methods that set the input
// and read the output. Those that set make the map if it is nil, as in
//
//	request.Extensions.SetCredProtect(ctap2.CredProtectUVRequired)
//
// Outputs stand in AuthenticatorData.Extensions, but for those of largeBlob,
// which a key does not sign: UnsignedExtensionOutputs.
type Extensions map[string]cbor.RawMessage

// Set encodes v as the input or output of the extension id.
func (e Extensions) Set(id string, v any) error {
	b, err := cbor.Marshal(v)
	if err != nil {
		return fmt.Errorf("ctap2: extension %s: %w", id, err)
	}
	e[id] = b
	return nil
}

// set is Set for values that can always be encoded; it makes the map.
func (e *Extensions) set(id string, v any) {
	if *e == nil {
		*e = Extensions{}
	}
	if err := e.Set(id, v); err != nil {
		panic(err) // a value of a type that is not fit for this method
	}
}

// Get decodes the input or output of the extension id into v and reports
// whether there is one.
func (e Extensions) Get(id string, v any) (bool, error) {
	b, ok := e[id]
	if !ok {
		return false, nil
	}
	if _, err := cbor.UnmarshalLenient(b, v); err != nil {
		return true, fmt.Errorf("ctap2: extension %s: %w", id, err)
	}
	return true, nil
}

// The extension identifiers of CTAP 2.3 section 12.
const (
	ExtensionCredProtect         = "credProtect"
	ExtensionCredBlob            = "credBlob"
	ExtensionHMACSecret          = "hmac-secret"
	ExtensionHMACSecretMC        = "hmac-secret-mc"
	ExtensionLargeBlobKey        = "largeBlobKey"
	ExtensionLargeBlob           = "largeBlob"
	ExtensionMinPINLength        = "minPinLength"
	ExtensionPINComplexityPolicy = "pinComplexityPolicy"
	ExtensionThirdPartyPayment   = "thirdPartyPayment"
)
