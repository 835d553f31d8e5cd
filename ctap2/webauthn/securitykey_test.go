package webauthn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// A person answers the prompts of a test, and notes them.
type person struct {
	pins    []string // entered in turn; then the prompt is cancelled
	usePIN  bool     // rather than the finger
	account int      // that is chosen

	seen     []string
	given    [][]byte
	touching context.Context // of the last Touch or HoldToReader
	accounts []webauthn.Account
	last     error // of the last PIN or Fingerprint
}

func again(last error) string {
	if last == nil {
		return ""
	}
	return " again"
}

func (p *person) PIN(_ context.Context, q webauthn.PINPrompt) ([]byte, error) {
	p.seen, p.last = append(p.seen, fmt.Sprintf("PIN %d%s", q.Retries, again(q.Last))), q.Last
	if len(p.pins) == 0 {
		return nil, webauthn.ErrCancelled
	}
	pin := []byte(p.pins[0])
	p.pins, p.given = p.pins[1:], append(p.given, pin)
	return pin, nil
}

func (p *person) Touch(ctx context.Context, q webauthn.TouchPrompt) {
	p.seen, p.touching = append(p.seen, "touch"), ctx
}

func (p *person) HoldToReader(ctx context.Context, q webauthn.TouchPrompt) {
	p.seen, p.touching = append(p.seen, "hold"), ctx
}

func (p *person) Fingerprint(_ context.Context, q webauthn.FingerprintPrompt) error {
	p.seen, p.last = append(p.seen, fmt.Sprintf("finger %d%s", q.Retries, again(q.Last))), q.Last
	if p.usePIN {
		return ctap2.ErrUsePIN
	}
	return nil
}

func (p *person) ChooseAccount(_ context.Context, rpID string, accounts []webauthn.Account) (int, error) {
	p.seen, p.accounts = append(p.seen, fmt.Sprintf("choose of %d", len(accounts))), accounts
	if p.account < 0 {
		return 0, webauthn.ErrCancelled
	}
	return p.account, nil
}

// took returns the prompts since the last call.
func (p *person) took() string {
	seen := strings.Join(p.seen, ", ")
	p.seen = nil
	return seen
}

const (
	pin  = "correct horse"
	site = "example.com"
)

// plugIn returns a software key, with a PIN if there is one, and the
// authenticator over it.
func plugIn(t testing.TB, c virtual.Config, pin string, p *person) (*virtual.Key, *webauthn.SecurityKey) {
	t.Helper()
	key, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if pin != "" {
		if err := key.SetPIN([]byte(pin)); err != nil {
			t.Fatal(err)
		}
	}
	var transport ctap2.Transport = key.Direct()
	if c.Profile == virtual.U2FOnly {
		transport = ctap2.U2FMapping{U2FTransport: key.Direct()}
	}
	return key, webauthn.NewSecurityKey(ctap2.NewClient(transport, nil), p)
}

var ada = ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada"), Name: "ada@example.com", DisplayName: "Ada Lovelace"}

func creation(uv webauthn.UserVerification) *webauthn.MakeCredentialRequest {
	return &webauthn.MakeCredentialRequest{
		ClientDataJSON:   []byte(`{"type":"webauthn.create"}`),
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: site, Name: "Example"},
		User:             ada,
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		ResidentKey:      webauthn.ResidentKeyDiscouraged,
		UserVerification: uv,
		Attestation:      webauthn.AttestationNone,
	}
}

func request(uv webauthn.UserVerification, ids ...[]byte) *webauthn.GetAssertionRequest {
	return &webauthn.GetAssertionRequest{
		ClientDataJSON:   []byte(`{"type":"webauthn.get"}`),
		RPID:             site,
		AllowCredentials: listOf(ids...),
		UserVerification: uv,
	}
}

func listOf(ids ...[]byte) (list []ctap2.PublicKeyCredentialDescriptor) {
	for _, id := range ids {
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: id, Type: ctap2.TypePublicKey, Transports: []string{"usb"}})
	}
	return list
}

// made registers, and fails the test if that does.
func made(t testing.TB, k *webauthn.SecurityKey, r *webauthn.MakeCredentialRequest) (id []byte, result *webauthn.MakeCredentialResult) {
	t.Helper()
	result, err := k.MakeCredential(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return credentialOf(t, result).AttestedCredentialData.CredentialID, result
}

func credentialOf(t testing.TB, r *webauthn.MakeCredentialResult) *ctap2.AuthenticatorData {
	t.Helper()
	object, err := webauthn.ParseAttestationObject(r.AttestationObject)
	if err != nil {
		t.Fatal(err)
	}
	return &object.AuthData
}

// outcome is the prompts and what came of them: "UV" or "UP", or the error.
func outcome(p *person, flags ctap2.Flags, err error) string {
	result := "UP"
	switch {
	case err != nil:
		result = "error"
		for name, kind := range map[string]error{"none here": webauthn.ErrNoPasskey, "excluded": webauthn.ErrAlreadyRegistered,
			"cancelled": webauthn.ErrCancelled, "time": webauthn.ErrTimeout, "unsuitable": webauthn.ErrUnsuitable} {
			if errors.Is(err, kind) {
				result = name
			}
		}
	case flags&ctap2.FlagUV != 0:
		result = "UV"
	}
	if seen := p.took(); seen != "" {
		return seen + ": " + result
	}
	return result
}

// Each kind of key in each mode of verification: which prompts appear, and whether
// the user comes out verified.
func TestVerification(t *testing.T) {
	const (
		byPIN      = "PIN 8, touch: UV"
		byFinger   = "finger 3: UV"
		byFinger20 = "finger -1: UV" // CTAP 2.0 does not tell how many tries are left
		unverified = "touch: UP"
		no         = "unsuitable"
	)
	modes := []webauthn.UserVerification{webauthn.UserVerificationRequired, webauthn.UserVerificationPreferred, webauthn.UserVerificationDiscouraged}
	for _, test := range []struct {
		name        string
		config      virtual.Config
		pin         bool
		create, get [3]string // required, preferred, discouraged
		passkey     [3]string // create with residentKey required; empty: as create
	}{
		{name: "2.3 without PIN",
			create: [3]string{no, unverified, unverified}, get: [3]string{no, unverified, unverified}},
		{name: "2.3 with PIN", pin: true,
			create: [3]string{byPIN, byPIN, unverified}, passkey: [3]string{byPIN, byPIN, byPIN}, get: [3]string{byPIN, byPIN, unverified}},
		{name: "2.3 with finger", config: virtual.Config{UV: virtual.ConfiguredUV},
			create: [3]string{byFinger, byFinger, unverified}, passkey: [3]string{byFinger, byFinger, byFinger}, get: [3]string{byFinger, byFinger, unverified}},
		{name: "2.3 with finger and PIN", config: virtual.Config{UV: virtual.ConfiguredUV}, pin: true,
			create: [3]string{byFinger, byFinger, unverified}, passkey: [3]string{byFinger, byFinger, byFinger}, get: [3]string{byFinger, byFinger, unverified}},
		{name: "2.3 with sensor, no finger, no PIN", config: virtual.Config{UV: virtual.FingerprintUV},
			create: [3]string{no, unverified, unverified}, get: [3]string{no, unverified, unverified}},
		{name: "2.3 with sensor, no finger, no PIN possible", config: virtual.Config{UV: virtual.FingerprintUV, WithoutPIN: true},
			create: [3]string{no, unverified, unverified}, get: [3]string{no, unverified, unverified}},
		{name: "2.3 that can't verify", config: virtual.Config{WithoutPIN: true},
			create: [3]string{no, unverified, unverified}, get: [3]string{no, unverified, unverified}},
		{name: "2.3 with PIN, always verifying", config: virtual.Config{AlwaysUV: true}, pin: true,
			create: [3]string{byPIN, byPIN, byPIN}, get: [3]string{byPIN, byPIN, byPIN}},
		{name: "2.3 without PIN, always verifying", config: virtual.Config{AlwaysUV: true},
			create: [3]string{no, no, no}, get: [3]string{no, no, no}},
		{name: "2.3 with PIN, verifying for everything", config: virtual.Config{UVForEverything: true}, pin: true,
			create: [3]string{byPIN, byPIN, byPIN}, get: [3]string{byPIN, byPIN, unverified}},
		{name: "2.3 with sensor, no finger, PIN not good for mc and ga", config: virtual.Config{NoPINForMcGa: true, UV: virtual.FingerprintUV}, pin: true,
			create: [3]string{no, unverified, unverified}, passkey: [3]string{no, no, no}, get: [3]string{no, unverified, unverified}},
		{name: "2.3 with finger, PIN not good for mc and ga", config: virtual.Config{NoPINForMcGa: true, UV: virtual.ConfiguredUV}, pin: true,
			create: [3]string{byFinger, byFinger, unverified}, passkey: [3]string{byFinger, byFinger, byFinger}, get: [3]string{byFinger, byFinger, unverified}},
		{name: "2.3 without rk, with PIN", config: virtual.Config{WithoutRK: true}, pin: true,
			create: [3]string{byPIN, byPIN, unverified}, passkey: [3]string{no, no, no}, get: [3]string{byPIN, byPIN, unverified}},
		{name: "2.1 with PIN", config: virtual.Config{Profile: virtual.FIDO21}, pin: true,
			create: [3]string{byPIN, byPIN, unverified}, passkey: [3]string{byPIN, byPIN, byPIN}, get: [3]string{byPIN, byPIN, unverified}},
		{name: "2.1 with finger", config: virtual.Config{Profile: virtual.FIDO21, UV: virtual.ConfiguredUV},
			create: [3]string{byFinger, byFinger, unverified}, passkey: [3]string{byFinger, byFinger, byFinger}, get: [3]string{byFinger, byFinger, unverified}},
		{name: "2.1 with finger, without tokens", config: virtual.Config{Profile: virtual.FIDO21, UV: virtual.ConfiguredUV, Info: func(r *ctap2.GetInfoResponse) { delete(r.Options, ctap2.OptionPinUvAuthToken) }},
			create: [3]string{byFinger, byFinger, unverified}, passkey: [3]string{byFinger, byFinger, byFinger}, get: [3]string{byFinger, byFinger, unverified}},
		{name: "2.0 without PIN", config: virtual.Config{Profile: virtual.FIDO20},
			create: [3]string{no, unverified, unverified}, get: [3]string{no, unverified, unverified}},
		{name: "2.0 with PIN", config: virtual.Config{Profile: virtual.FIDO20}, pin: true,
			create: [3]string{byPIN, byPIN, unverified}, passkey: [3]string{byPIN, byPIN, byPIN}, get: [3]string{byPIN, byPIN, unverified}},
		{name: "2.0 with PIN, without U2F", config: virtual.Config{Profile: virtual.FIDO20, WithoutU2F: true}, pin: true,
			create: [3]string{byPIN, byPIN, byPIN}, get: [3]string{byPIN, byPIN, unverified}},
		{name: "2.0 with finger", config: virtual.Config{Profile: virtual.FIDO20, UV: virtual.ConfiguredUV},
			create: [3]string{byFinger20, byFinger20, unverified}, get: [3]string{byFinger20, byFinger20, unverified}},
		{name: "2.0 with finger and PIN", config: virtual.Config{Profile: virtual.FIDO20, UV: virtual.ConfiguredUV}, pin: true,
			create: [3]string{byFinger20, byFinger20, unverified}, passkey: [3]string{byFinger20, byFinger20, byFinger20}, get: [3]string{byFinger20, byFinger20, unverified}},
		{name: "2.0 that can't verify", config: virtual.Config{Profile: virtual.FIDO20, WithoutPIN: true},
			create: [3]string{no, unverified, unverified}, get: [3]string{no, unverified, unverified}},
		{name: "U2F", config: virtual.Config{Profile: virtual.U2FOnly},
			create: [3]string{no, unverified, unverified}, passkey: [3]string{no, no, no}, get: [3]string{no, unverified, unverified}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.config.User = virtual.TouchAfter(time.Second)
				with := ""
				if test.pin {
					with = pin
				}
				if test.passkey == [3]string{} {
					test.passkey = test.create
				}
				var created, passkeys, got [3]string
				for i, mode := range modes {
					p := &person{pins: slices.Repeat([]string{pin}, 9)}
					key, k := plugIn(t, test.config, with, p)
					// The credential to sign with is one that another host made.
					other, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada})
					if err != nil {
						t.Fatal(err)
					}
					for _, into := range []*[3]string{&created, &passkeys} {
						r := creation(mode)
						if into == &passkeys {
							r.ResidentKey = webauthn.ResidentKeyRequired
						}
						result, err := k.MakeCredential(t.Context(), r)
						var flags ctap2.Flags
						if err == nil {
							flags = credentialOf(t, result).Flags
						}
						into[i] = outcome(p, flags, err)
					}
					result, err := k.GetAssertion(t.Context(), request(mode, []byte("another key's"), other.ID))
					var flags ctap2.Flags
					if err == nil {
						flags = ctap2.Flags(result.AuthenticatorData[32])
					}
					got[i] = outcome(p, flags, err)
					if len(p.given) > 0 && !bytes.Equal(p.given[0], make([]byte, len(pin))) {
						t.Errorf("%s: the PIN is not wiped", mode)
					}
					if p.touching != nil && p.touching.Err() == nil {
						t.Errorf("%s: a prompt stays although the key waits no longer", mode)
					}
				}
				if created != test.create || passkeys != test.passkey || got != test.get {
					t.Errorf("\ncreate:  [3]string{%q},\npasskey: [3]string{%q},\nget:     [3]string{%q},", created, passkeys, got)
				}
			})
		})
	}
}
