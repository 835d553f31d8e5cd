package virtual

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

// u2fOffered reports whether getInfo lists U2F among the versions.
func (k *Key) u2fOffered() bool { return !k.config.WithoutU2F && !k.state.policy.AlwaysUV }

// MSG answers a U2F request APDU, of either form, and appends the response APDU
// to dst: all of it, whatever Le says (FIDO U2F Raw Message Formats). A key with
// Config.WithoutU2F answers every request with the status word 6D00, one whose
// option alwaysUv is true refuses to register and to authenticate with 6986
// (CTAP 2.3 section 7.2).
//
// Commands take turns with those of [Key.CBOR]. When ctx ends before it is the
// request's turn, the answer is 6F00. It never waits for the user: it answers
// 6985 until there was a touch, see [User].
func (k *Key) MSG(ctx context.Context, session uint64, dst, apdu []byte) []byte {
	if !k.takeTurn(ctx) {
		return iso7816.SWNoPreciseDiagnosis.Append(dst)
	}
	defer k.endTurn()
	k.mu.Lock()
	start := len(dst)
	response, err := k.runU2F(dst, apdu)
	if err != nil {
		dst = statusWordOf(err).Append(dst)
	} else {
		dst = iso7816.SWNoError.Append(response)
	}
	if k.faults.MutateU2F != nil {
		dst = append(dst[:start], k.faults.MutateU2F(bytes.Clone(apdu), bytes.Clone(dst[start:]))...)
	}
	k.history.addU2F(k.config.History, session, apdu, dst[start:])
	k.unlock()
	return dst
}

// runU2F carries out a request and appends the data of the response to dst. The
// error holds the status word to answer.
func (k *Key) runU2F(dst, apdu []byte) ([]byte, error) {
	switch {
	case k.config.WithoutU2F:
		return nil, iso7816.SWInstructionNotSupported
	case k.broken != nil:
		return nil, k.broken
	}
	request, err := u2f.ParseRequest(apdu)
	if err != nil {
		return nil, err
	}
	k.end()
	switch r := request.(type) {
	case *u2f.RegisterRequest:
		return k.registerU2F(r, dst)
	case *u2f.AuthenticateRequest:
		return k.authenticateU2F(r, dst)
	}
	return append(dst, u2f.Version2...), nil
}

// statusWordOf returns the status word to answer for an error.
func statusWordOf(err error) iso7816.StatusWord {
	if sw, ok := errors.AsType[iso7816.StatusWord](err); ok {
		return sw
	}
	if errors.Is(err, ctap2.StatusKeyStoreFull) {
		return iso7816.SWNotEnoughMemory
	}
	return iso7816.SWNoPreciseDiagnosis
}

// registerU2F is section 4 of the Raw Message Formats: a credential as
// makeCredential makes it without any option.
func (k *Key) registerU2F(r *u2f.RegisterRequest, dst []byte) ([]byte, error) {
	if k.state.policy.AlwaysUV {
		return nil, iso7816.SWCommandNotAllowed
	}
	if err := k.touchU2F(u2f.INSRegister); err != nil {
		return nil, err
	}
	c := &credential{rpIDHash: r.Application, alg: cose.ES256}
	var err error
	if c.private, err = algorithms[c.alg].generate(k.config.Rand); err != nil {
		return nil, err
	}
	if err := k.name(c); err != nil {
		return nil, err
	}
	signer, err := c.key()
	if err != nil {
		return nil, err
	}
	public, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("virtual: the public key is a %T", signer.Public())
	}
	point, err := public.Bytes()
	if err != nil {
		return nil, err
	}
	attestation, err := k.builtInAttestation(false)
	if err != nil {
		return nil, err
	}
	response := u2f.RegisterResponse{UserPublicKey: [65]byte(point), KeyHandle: c.id, Certificate: attestation.certificate}
	response.Signature, err = algorithms[cose.ES256].sign(attestation.key, response.AppendSigned(nil, r))
	if err != nil {
		return nil, err
	}
	if k.faults.BadSignature {
		spoil(response.Signature)
	}
	if dst, err = response.Append(dst); err != nil {
		return nil, err
	}
	if c.stored {
		if err := k.store(c); err != nil {
			return nil, err
		}
	}
	k.event(CredentialCreated, c)
	return dst, nil
}

// authenticateU2F is section 5 of the Raw Message Formats. Whether the key
// handle is the key's own comes before the touch: nobody is asked in vain.
func (k *Key) authenticateU2F(r *u2f.AuthenticateRequest, dst []byte) ([]byte, error) {
	if k.state.policy.AlwaysUV {
		return nil, iso7816.SWCommandNotAllowed
	}
	c := k.find(r.Application, r.KeyHandle)
	if c == nil || c.alg != cose.ES256 || c.hidden(false, true) {
		return nil, iso7816.SWWrongData
	}
	if r.Control == u2f.CheckOnly {
		return nil, iso7816.SWConditionsOfUseNotSatisfied
	}
	response := u2f.AuthenticateResponse{Counter: k.nextCounter()}
	if r.Control == u2f.EnforceUserPresence {
		if err := k.touchU2F(u2f.INSAuthenticate); err != nil {
			return nil, err
		}
		response.UserPresence = byte(ctap2.FlagUP)
	}
	response.UserPresence ^= byte(k.faults.FlipFlags)
	signer, err := c.key()
	if err != nil {
		return nil, err
	}
	response.Signature, err = algorithms[c.alg].sign(signer, response.AppendSigned(nil, r))
	if err != nil {
		return nil, err
	}
	if k.faults.BadSignature {
		spoil(response.Signature)
	}
	if err := k.commit(k.counterChange(response.Counter)...); err != nil {
		return nil, err
	}
	k.state.counter = response.Counter
	k.event(CredentialAsserted, c)
	return response.Append(dst), nil
}
