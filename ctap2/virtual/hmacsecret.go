package virtual

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// hmacSecret is CTAP 2.3 section 12.7.
var hmacSecret = &extension{
	id: ctap2.ExtensionHMACSecret,
	create: func(_ *Key, _ *creation, input cbor.RawMessage) (cbor.RawMessage, error) {
		if wanted, err := decodeTrue(input); err != nil || !wanted {
			return nil, err
		}
		return input, nil // nothing to keep: the secrets follow from the credential ID
	},
	get: func(k *Key, a *assertion, c *credential, _ *ctap2.GetAssertionResponse, input cbor.RawMessage) (cbor.RawMessage, error) {
		s, err := k.openSalts(input, !a.touched())
		if err != nil {
			return nil, err
		}
		defer s.wipe()
		return k.answerSalts(s, c, a.flags)
	},
}

// hmacSecretMC is CTAP 2.3 section 12.8: hmac-secret's outputs when the
// credential is made. They depend on its ID, which comes last.
var hmacSecretMC = &extension{
	id: ctap2.ExtensionHMACSecretMC,
	create: func(k *Key, c *creation, input cbor.RawMessage) (_ cbor.RawMessage, err error) {
		in, ok := c.request.Extensions[ctap2.ExtensionHMACSecret]
		if !ok {
			return nil, ctap2.StatusMissingParameter
		}
		if wanted, err := decodeTrue(in); err != nil || !wanted {
			return nil, cmp.Or[error](err, ctap2.StatusMissingParameter)
		}
		c.salts, err = k.openSalts(input, false)
		return nil, err
	},
	named: func(k *Key, c *creation) (cbor.RawMessage, error) {
		return k.answerSalts(c.salts, c.credential, c.flags)
	},
}

// salts are one or two salts, and what the answer is encrypted with.
type salts struct {
	secret *pinuv.SharedSecret
	plain  []byte
}

func (s *salts) wipe() {
	if s != nil {
		s.secret.Wipe()
		clear(s.plain)
	}
}

// openSalts checks the input, in the order of the specification, and decrypts
// the salts. Silent says that no user presence is tested. The caller wipes what
// it gets.
func (k *Key) openSalts(input cbor.RawMessage, silent bool) (*salts, error) {
	in, err := ctap2.ParseHMACSecretInput(input)
	if err != nil {
		return nil, err
	}
	protocol := pinuv.One
	if in.PinUvAuthProtocol != nil {
		protocol = *in.PinUvAuthProtocol
	}
	switch {
	case !slices.Contains(k.config.Protocols, protocol):
		if in.PinUvAuthProtocol == nil {
			return nil, ctap2.StatusPINAuthInvalid
		}
		return nil, ctap2.StatusInvalidParameter
	case silent:
		return nil, ctap2.StatusUnsupportedOption
	}
	secret, err := k.decapsulate(protocol, in.KeyAgreement)
	if err != nil {
		return nil, err
	}
	if !secret.Verify(in.SaltEnc, in.SaltAuth) {
		secret.Wipe()
		return nil, ctap2.StatusPINAuthInvalid
	}
	plain, err := secret.Decrypt(in.SaltEnc)
	s := &salts{secret, plain}
	if err != nil || len(plain) != ctap2.HMACSaltSize && len(plain) != 2*ctap2.HMACSaltSize {
		s.wipe()
		return nil, ctap2.StatusInvalidParameter
	}
	return s, nil
}

// answerSalts answers the salts with HMACs under a secret of the credential.
func (k *Key) answerSalts(s *salts, c *credential, flags ctap2.Flags) (cbor.RawMessage, error) {
	random := k.credRandom(c, flags&ctap2.FlagUV != 0)
	defer clear(random)
	outputs := make([]byte, 0, len(s.plain))
	defer func() { clear(outputs) }()
	for salt := range slices.Chunk(s.plain, ctap2.HMACSaltSize) {
		h := hmac.New(sha256.New, random)
		h.Write(salt)
		outputs = h.Sum(outputs)
	}
	encrypted, err := s.secret.Encrypt(k.config.Rand, outputs)
	if err != nil {
		return nil, err
	}
	return cbor.Marshal(encrypted)
}

// credRandom returns the credential's CredRandomWithUV or CredRandomWithoutUV,
// which the caller wipes: one for a verified user and another for one who was
// not. It follows from the credential ID unless a test has put others there.
func (k *Key) credRandom(c *credential, verified bool) []byte {
	purpose, i := "hmac-secret without user verification", 0
	if verified {
		purpose, i = "hmac-secret with user verification", 1
	}
	var injected [2][]byte // as [NewCredential] has them
	if b, ok := c.extensions[ctap2.ExtensionHMACSecret]; ok && cbor.Unmarshal(b, &injected) == nil && injected[i] != nil {
		return injected[i]
	}
	return k.derive(purpose, c.id)
}
