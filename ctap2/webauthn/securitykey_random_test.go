package webauthn_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// dice throw options and keys.
type dice struct{ *rand.Rand }

func (d dice) one(in int) bool { return d.IntN(in) == 0 }

func oneOf[T any](d dice, of ...T) T { return of[d.IntN(len(of))] }

func (d dice) key() virtual.Config {
	c := virtual.Config{
		Profile: oneOf(d, virtual.FIDO23, virtual.FIDO21, virtual.FIDO20, virtual.U2FOnly),
		UV:      oneOf(d, virtual.WithoutUV, virtual.WithoutUV, virtual.ConfiguredUV, virtual.FingerprintUV),

		AlwaysUV: d.one(6), UVForEverything: d.one(4), WithoutRK: d.one(6), WithoutPIN: d.one(8), NoPINForMcGa: d.one(8),
		WithoutU2F: d.one(3), LargeBlobExtension: d.one(3),
		MaxMsgSize: oneOf(d, 0, 1024, 7609), MaxCredentials: oneOf(d, 0, 2, 1), MaxCredentialCountInList: oneOf(d, 0, 1, 2),
		User: virtual.TouchAfter(time.Second),
	}
	c.WithoutU2F = c.WithoutU2F && c.Profile != virtual.U2FOnly
	c.NoPINForMcGa = c.NoPINForMcGa && c.UV != virtual.WithoutUV
	return c
}

func (d dice) prf(list []ctap2.PublicKeyCredentialDescriptor) *webauthn.PRFInputs {
	if d.one(2) {
		return nil
	}
	in := &webauthn.PRFInputs{EvalByCredential: map[string]webauthn.PRFValues{}}
	if d.one(2) {
		in.Eval = &webauthn.PRFValues{First: []byte("a"), Second: oneOf(d, nil, []byte("b"))}
	}
	for _, c := range list {
		if d.one(3) {
			in.EvalByCredential[string(c.ID)] = webauthn.PRFValues{First: c.ID}
		}
	}
	return in
}

func (d dice) creation(list []ctap2.PublicKeyCredentialDescriptor) *webauthn.CreationOptions {
	name := func() string { return strings.Repeat("x", oneOf(d, 0, 20, 128)) }
	o := &webauthn.CreationOptions{
		RP:        ctap2.PublicKeyCredentialRPEntity{ID: site, Name: name()},
		User:      ctap2.PublicKeyCredentialUserEntity{ID: make([]byte, 1+d.IntN(64)), Name: name(), DisplayName: name()},
		Challenge: make([]byte, 16), ExcludeCredentials: list,
		AuthenticatorSelection: webauthn.AuthenticatorSelection{
			ResidentKey:      oneOf(d, "", webauthn.ResidentKeyRequired, webauthn.ResidentKeyPreferred, webauthn.ResidentKeyDiscouraged),
			UserVerification: oneOf(d, "", webauthn.UserVerificationRequired, webauthn.UserVerificationPreferred, webauthn.UserVerificationDiscouraged),
		},
		Attestation: oneOf(d, "", webauthn.AttestationNone, webauthn.AttestationDirect, webauthn.AttestationEnterprise),
		Extensions: webauthn.CreationExtensions{
			PRF: d.prf(nil), CredProps: d.one(2), MinPINLength: d.one(2), PINComplexityPolicy: d.one(2), AppIDExclude: oneOf(d, "", "https://"+site),
			CredProtect: ctap2.CredProtect(d.IntN(4)), EnforceCredProtect: d.one(4), CredBlob: oneOf(d, nil, make([]byte, d.IntN(40))),
			LargeBlob: oneOf(d, "", "", ctap2.LargeBlobPreferred, ctap2.LargeBlobRequired),
		},
	}
	for range d.IntN(12) {
		o.PubKeyCredParams = append(o.PubKeyCredParams, ctap2.PublicKeyCredentialParameters{Alg: oneOf(d, cose.ES256, cose.EdDSA, cose.ES384, -300)})
	}
	return o
}

func (d dice) request(list []ctap2.PublicKeyCredentialDescriptor) *webauthn.RequestOptions {
	o := &webauthn.RequestOptions{
		RPID: site, Challenge: make([]byte, 16), AllowCredentials: list,
		UserVerification: oneOf(d, "", webauthn.UserVerificationRequired, webauthn.UserVerificationPreferred, webauthn.UserVerificationDiscouraged),
		Extensions: webauthn.RequestExtensions{
			PRF: d.prf(list), AppID: oneOf(d, "", "https://"+site), GetCredBlob: d.one(3),
			LargeBlob: oneOf(d, nil, &webauthn.LargeBlobInputs{Read: true}),
		},
	}
	if len(list) == 1 && d.one(2) {
		o.Extensions.LargeBlob = &webauthn.LargeBlobInputs{Write: make([]byte, d.IntN(2000))}
	}
	return o
}

// Whatever a site asks of whatever key, with a user who knows the PIN and touches
// the key: it is done, or the error says which of the things that a person can do
// something about is in the way, and no PIN is asked for twice.
func TestWhateverSitesAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strangers := others(t, 40)
		for seed := range uint64(400) {
			d := dice{rand.New(rand.NewPCG(seed, 0))}
			config, secret := d.key(), ""
			if d.one(2) && !config.WithoutPIN && config.Profile != virtual.U2FOnly {
				secret = pin
			}
			p := new(person)
			_, k := plugIn(t, config, secret, p)
			client := webauthn.NewClient(k, nil)
			var own [][]byte
			for step := range 5 {
				p.pins = []string{pin, pin, pin}
				ids := append([][]byte{}, strangers[:oneOf(d, 0, 0, 1, 3, 40)]...)
				if d.one(2) {
					ids = append(ids, own...)
				}
				var err error
				if step == 0 || d.one(2) {
					var r *webauthn.RegistrationResponse
					if r, err = client.Create(t.Context(), "https://"+site, d.creation(listOf(ids...))); err == nil {
						own = append(own, r.ID)
					}
				} else {
					_, err = client.Get(t.Context(), "https://"+site, d.request(listOf(ids...)))
				}
				seen := p.took()
				if err != nil && !errors.Is(err, webauthn.ErrNoPasskey) && !errors.Is(err, webauthn.ErrAlreadyRegistered) && !errors.Is(err, webauthn.ErrUnsuitable) {
					t.Errorf("seed %d, step %d: %s: %v", seed, step, seen, err)
				}
				// A key of CTAP 2.0 does not tell before that it is full.
				if strings.Count(seen, "PIN") > 1 && config.Profile != virtual.FIDO20 {
					t.Errorf("seed %d, step %d: %s (%v)", seed, step, seen, err)
				}
			}
		}
	})
}
