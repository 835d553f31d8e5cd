package virtual

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// hmacSecret is CTAP 2.3 section 12.7.
var hmacSecret = &extension{
	id: ctap2.ExtensionHMACSecret,
	create: func(_ *Key, _ *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		var wanted bool
		if err := decodeInput(input, &wanted); err != nil || !wanted {
			return nil, err
		}
		return input, nil // nothing to keep: the secrets follow from the credential ID
	},
	get: func(k *Key, a *assertion, c *credential, _ *ctap2.GetAssertionResponse, input cbor.RawMessage) (cbor.RawMessage, error) {
		return k.hmacSecret(a, c, input)
	},
}

// hmacSecretInput holds one or two salts, encrypted.
type hmacSecretInput struct {
	KeyAgreement      *cose.Key       `cbor:"1,keyasint"`
	SaltEnc           []byte          `cbor:"2,keyasint"`
	SaltAuth          []byte          `cbor:"3,keyasint"`
	PinUvAuthProtocol *pinuv.Protocol `cbor:"4,keyasint"`
}

const saltSize = 32

// hmacSecret answers the salts with HMACs under a secret of the credential, one
// for a verified user and another for one who was not.
func (k *Key) hmacSecret(a *assertion, c *credential, input cbor.RawMessage) (cbor.RawMessage, error) {
	secret, salts, err := k.openSalts(a, input)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe()
	defer clear(salts)
	purpose := "hmac-secret without user verification"
	if a.flags&ctap2.FlagUV != 0 {
		purpose = "hmac-secret with user verification"
	}
	credRandom := k.derive(purpose, c.id)
	defer clear(credRandom)
	outputs := make([]byte, 0, len(salts))
	for salt := range slices.Chunk(salts, saltSize) {
		h := hmac.New(sha256.New, credRandom)
		h.Write(salt)
		outputs = h.Sum(outputs)
	}
	defer clear(outputs)
	encrypted, err := secret.Encrypt(k.config.Rand, outputs)
	if err != nil {
		return nil, err
	}
	return cbor.Marshal(encrypted)
}

// openSalts checks the input, in the order of the specification, and decrypts
// the salts.
func (k *Key) openSalts(a *assertion, input cbor.RawMessage) (*pinuv.SharedSecret, []byte, error) {
	var in hmacSecretInput
	if err := decodeInput(input, &in); err != nil {
		return nil, nil, err
	}
	if in.KeyAgreement == nil || in.SaltEnc == nil || in.SaltAuth == nil {
		return nil, nil, ctap2.StatusMissingParameter
	}
	protocol := pinuv.One
	if in.PinUvAuthProtocol != nil {
		protocol = *in.PinUvAuthProtocol
	}
	switch {
	case !slices.Contains(k.config.Protocols, protocol):
		if in.PinUvAuthProtocol == nil {
			return nil, nil, ctap2.StatusPINAuthInvalid
		}
		return nil, nil, ctap2.StatusInvalidParameter
	case !a.touched():
		return nil, nil, ctap2.StatusUnsupportedOption
	}
	secret, err := k.decapsulate(protocol, in.KeyAgreement)
	if err != nil {
		return nil, nil, err
	}
	if !secret.Verify(in.SaltEnc, in.SaltAuth) {
		secret.Wipe()
		return nil, nil, ctap2.StatusPINAuthInvalid
	}
	salts, err := secret.Decrypt(in.SaltEnc)
	if err != nil || len(salts) != saltSize && len(salts) != 2*saltSize {
		clear(salts)
		secret.Wipe()
		return nil, nil, ctap2.StatusInvalidParameter
	}
	return secret, salts, nil
}
