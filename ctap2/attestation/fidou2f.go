package attestation

import (
	"crypto"
	"fmt"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// SignFIDOU2F makes a fido-u2f statement for a credential with an ES256 key: it signs what a U2F registration signs
// with the private key of cert, a DER certificate for a key on P-256. Errors are those of [cose.Sign], or an [*Error]
// if the authenticator data holds no ES256 key.
func SignFIDOU2F(signer crypto.Signer, cert, authData, clientDataHash []byte) (*FIDOU2FStatement, error) {
	in, err := newInput(authData, clientDataHash)
	if err != nil {
		return nil, &Error{FormatFIDOU2F, AuthenticatorData, "", err}
	}
	message, err := in.u2fMessage()
	if err != nil {
		return nil, err
	}
	sig, err := cose.Sign(signer, cose.ES256, message)
	if err != nil {
		return nil, err
	}
	return &FIDOU2FStatement{sig, [][]byte{cert}}, nil
}

// verifyFIDOU2F is the verification procedure of WebAuthn Level 3 section 8.6.
func verifyFIDOU2F(in *input) (*Result, error) {
	s, deviations, err := ParseFIDOU2F(in.statement)
	if err != nil {
		return nil, err
	}
	r := &Result{Type: Basic, Alg: cose.ES256, Deviations: deviations}
	if r.TrustPath, err = parseChain(FormatFIDOU2F, s.X5C); err != nil {
		return nil, err
	}
	// New takes no key but one on P-256 for ES256.
	key, err := cose.New(r.TrustPath[0].PublicKey, cose.ES256)
	if err != nil {
		return nil, &Error{FormatFIDOU2F, Certificate, "the key is not an elliptic curve key on P-256", err}
	}
	if in.credential.AAGUID != (ctap2.AAGUID{}) {
		r.Deviations = append(r.Deviations, AAGUIDNotZero)
	}
	message, err := in.u2fMessage()
	if err != nil {
		return nil, err
	}
	if err := key.Verify(message, s.Sig); err != nil {
		return nil, &Error{FormatFIDOU2F, Signature, "", err}
	}
	return r, nil
}

// u2fMessage returns what a U2F registration signs (FIDO U2F Raw Message Formats section 4.3): a zero byte, the
// application parameter, the challenge parameter, the key handle and the public key as an uncompressed point.
func (in *input) u2fMessage() ([]byte, error) {
	k := in.credential.PublicKey
	if k.Kty != cose.EC2 || k.Crv != cose.CurveP256 || len(k.X) != 32 || len(k.Y) != 32 {
		reason := fmt.Sprintf("the credential's key is %v for %v, want one on P-256", k.Kty, k.Alg)
		return nil, &Error{FormatFIDOU2F, AuthenticatorData, reason, nil}
	}
	m := make([]byte, 0, 1+32+32+len(in.credential.CredentialID)+65)
	m = append(m, 0)
	m = append(m, in.authData.RPIDHash[:]...)
	m = append(m, in.clientDataHash...)
	m = append(m, in.credential.CredentialID...)
	m = append(m, 4)
	m = append(m, k.X...)
	return append(m, k.Y...), nil
}
