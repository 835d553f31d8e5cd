package u2f_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"time"

	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

// memoryKey is a U2F key in memory, and the Transport to it. It is written with
// the codecs of the authenticator's side, and shows how they are used.
type memoryKey struct {
	attestation *ecdsa.PrivateKey
	certificate []byte
	accounts    []account
	counter     uint32

	refusals int                // how often a touch is missing before there is one; less than zero: always
	answer   iso7816.StatusWord // to everything, if not zero
	requests [][]byte           // what came
}

// account is a key pair.
type account struct {
	handle      []byte
	application [32]byte
	private     *ecdsa.PrivateKey
}

// newMemoryKey returns a key that is touched at the first request.
func newMemoryKey() (*memoryKey, error) {
	attestation, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "Key in Memory"},
		NotBefore:    time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, attestation.Public(), attestation)
	return &memoryKey{attestation: attestation, certificate: certificate}, err
}

// MSG implements u2f.Transport.
func (k *memoryKey) MSG(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k.requests = append(k.requests, slices.Clone(apdu))
	if k.answer != 0 {
		return k.answer.Append(dst), nil
	}
	reply, err := k.reply(dst, apdu)
	if sw, ok := errors.AsType[iso7816.StatusWord](err); ok {
		return sw.Append(dst), nil
	}
	return iso7816.SWNoError.Append(reply), err
}

// reply appends the data of the response. The error may be a status word.
func (k *memoryKey) reply(dst, apdu []byte) ([]byte, error) {
	request, err := u2f.ParseRequest(apdu)
	if err != nil {
		return nil, err
	}
	switch r := request.(type) {
	case *u2f.RegisterRequest:
		return k.register(dst, r)
	case *u2f.AuthenticateRequest:
		return k.authenticate(dst, r)
	}
	return append(dst, u2f.Version2...), nil
}

func (k *memoryKey) touched() bool {
	if k.refusals != 0 {
		k.refusals--
		return false
	}
	return true
}

func (k *memoryKey) register(dst []byte, r *u2f.RegisterRequest) ([]byte, error) {
	if !k.touched() {
		return nil, iso7816.SWConditionsOfUseNotSatisfied
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	handle := sha256.Sum256(point)
	k.accounts = append(k.accounts, account{handle[:], r.Application, private})
	response := &u2f.RegisterResponse{UserPublicKey: [65]byte(point), KeyHandle: handle[:], Certificate: k.certificate}
	if response.Signature, err = sign(k.attestation, response.AppendSigned(nil, r)); err != nil {
		return nil, err
	}
	return response.Append(dst)
}

func (k *memoryKey) authenticate(dst []byte, r *u2f.AuthenticateRequest) ([]byte, error) {
	i := slices.IndexFunc(k.accounts, func(a account) bool {
		return slices.Equal(a.handle, r.KeyHandle) && a.application == r.Application
	})
	if i < 0 {
		return nil, iso7816.SWWrongData
	}
	response := new(u2f.AuthenticateResponse)
	switch {
	case r.Control == u2f.CheckOnly:
		return nil, iso7816.SWConditionsOfUseNotSatisfied
	case r.Control == u2f.EnforceUserPresence && !k.touched():
		return nil, iso7816.SWConditionsOfUseNotSatisfied
	case r.Control == u2f.EnforceUserPresence:
		response.UserPresence = 1
	}
	k.counter++
	response.Counter = k.counter
	signature, err := sign(k.accounts[i].private, response.AppendSigned(nil, r))
	response.Signature = signature
	return response.Append(dst), err
}

func sign(key *ecdsa.PrivateKey, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return ecdsa.SignASN1(rand.Reader, key, digest[:])
}
