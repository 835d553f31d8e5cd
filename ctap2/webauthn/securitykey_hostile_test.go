package webauthn_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
)

// between is a transport that may answer in the key's place, or change what goes
// to it and comes from it.
type between struct {
	ctap2.Transport
	answer func(request []byte) []byte // nil: the key answers
	ask    func(request []byte) []byte
}

func (b between) CBOR(ctx context.Context, dst, request []byte, waiting func(byte)) ([]byte, error) {
	if b.answer != nil {
		if reply := b.answer(request); reply != nil {
			return append(dst, reply...), nil
		}
	}
	if b.ask != nil {
		request = b.ask(request)
	}
	return b.Transport.CBOR(ctx, dst, request, waiting)
}

func softKey(t testing.TB, c virtual.Config, pin string) *virtual.Key {
	t.Helper()
	key, _ := plugIn(t, c, pin, nil)
	return key
}

// A key that lies gets no answer through that the site would refuse as somebody's
// attack.
func TestLyingKey(t *testing.T) {
	hash := sha256.Sum256([]byte(site))
	for _, test := range []struct {
		name   string
		faults virtual.Faults
		uv     webauthn.UserVerification
		text   string
	}{
		{"another site", virtual.Faults{Mutate: func(_ ctap2.Command, reply []byte) []byte {
			return bytes.Replace(reply, hash[:], make([]byte, 32), 1)
		}}, webauthn.UserVerificationPreferred, "another site"},
		{"not verified", virtual.Faults{FlipFlags: ctap2.FlagUV}, webauthn.UserVerificationRequired, "without verifying"},
		{"not present", virtual.Faults{FlipFlags: ctap2.FlagUP}, webauthn.UserVerificationPreferred, "without a touch"},
		{"nothing", virtual.Faults{Mutate: func(c ctap2.Command, reply []byte) []byte {
			if c == ctap2.CommandMakeCredential || c == ctap2.CommandGetAssertion {
				return reply[:1]
			}
			return reply
		}}, webauthn.UserVerificationPreferred, "reply"},
	} {
		p := &person{pins: []string{pin, pin}}
		key, k := plugIn(t, virtual.Config{Faults: test.faults}, pin, p)
		c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.MakeCredential(t.Context(), creation(test.uv)); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: create: %v", test.name, err)
		}
		if _, err := k.GetAssertion(t.Context(), request(test.uv, c.ID)); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: get: %v", test.name, err)
		}
	}
	t.Run("another algorithm", func(t *testing.T) {
		transport := between{softKey(t, virtual.Config{}, "").Direct(), nil, func(request []byte) []byte {
			r, err := ctap2.ParseMakeCredentialRequest(request[1:])
			if err != nil {
				return request
			}
			r.PubKeyCredParams[0].Alg = cose.EdDSA
			b, err := r.Append(nil)
			if err != nil {
				t.Error(err)
			}
			return b
		}}
		k := webauthn.NewSecurityKey(ctap2.NewClient(transport, nil), new(person))
		if _, err := k.MakeCredential(t.Context(), creation(webauthn.UserVerificationPreferred)); err == nil || !strings.Contains(err.Error(), "does not take") {
			t.Error(err)
		}
	})
}

// What changes between getInfo and the command.
func TestKeyDemandsMore(t *testing.T) {
	get := func(request []byte) bool { return ctap2.Command(request[0]) == ctap2.CommandGetAssertion }
	for _, test := range []struct {
		name   string
		config virtual.Config
		pin    string
		answer func(key *virtual.Key) func(request []byte) []byte
		want   string
	}{
		{name: "it does not say that it always verifies", config: virtual.Config{AlwaysUV: true, Info: func(r *ctap2.GetInfoResponse) { delete(r.Options, ctap2.OptionAlwaysUv) }}, pin: pin, want: "PIN 8, touch: UV"},
		{name: "it does not say that it always verifies, and can't yet", config: virtual.Config{AlwaysUV: true, Info: func(r *ctap2.GetInfoResponse) { delete(r.Options, ctap2.OptionAlwaysUv) }}, want: "unsuitable"},
		{name: "another program sets a PIN and has the key always verify", want: "PIN 8, touch: UV", answer: func(key *virtual.Key) func([]byte) []byte {
			done := false
			return func(request []byte) []byte {
				if done || !get(request) {
					return nil
				}
				done = true
				if err := key.SetPIN([]byte(pin)); err != nil {
					t.Error(err)
				}
				return []byte{byte(ctap2.StatusPUATRequired)}
			}
		}},
		{name: "it says by another status that it verifies", pin: pin, want: "PIN 8, touch: UV", answer: func(*virtual.Key) func([]byte) []byte {
			done := false
			return func(request []byte) []byte {
				if done || !get(request) {
					return nil
				}
				done = true
				return []byte{byte(ctap2.StatusUnauthorizedPermission)}
			}
		}},
		{name: "another program gets a token", config: virtual.Config{AlwaysUV: true}, pin: pin, want: "PIN 8, PIN 8, touch: UV", answer: func(*virtual.Key) func([]byte) []byte {
			done := false
			return func(request []byte) []byte {
				if done || !get(request) {
					return nil
				}
				done = true
				return []byte{byte(ctap2.StatusPINAuthInvalid)}
			}
		}},
		{name: "no token is good", config: virtual.Config{AlwaysUV: true}, pin: pin, want: "PIN 8, PIN 8: error", answer: func(*virtual.Key) func([]byte) []byte {
			return func(request []byte) []byte {
				if !get(request) {
					return nil
				}
				return []byte{byte(ctap2.StatusPINAuthInvalid)}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := softKey(t, test.config, test.pin)
			c, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: site}, User: ada})
			if err != nil {
				t.Fatal(err)
			}
			transport := between{Transport: key.Direct()}
			if test.answer != nil {
				transport.answer = test.answer(key)
			}
			p := &person{pins: []string{pin, pin, pin}}
			k := webauthn.NewSecurityKey(ctap2.NewClient(transport, nil), p)
			got, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationDiscouraged, c.ID))
			if seen := ended(p, got, err); seen != test.want {
				t.Errorf("%s, want %s (%v)", seen, test.want, err)
			}
		})
	}
}

// What is sent for an attestation, and how it comes back.
func TestAttestation(t *testing.T) {
	enterprise := virtual.Config{Enterprise: &virtual.Enterprise{Enabled: true}}
	for _, test := range []struct {
		name       string
		config     virtual.Config
		preference webauthn.Attestation
		enterprise uint
		formats    []string
		sent       uint
		sentFormat int
		fmt        string
	}{
		{name: "none", preference: webauthn.AttestationNone, formats: []string{"none"}, sentFormat: 1, fmt: "none"},
		{name: "none, CTAP 2.1", config: virtual.Config{Profile: virtual.FIDO21}, preference: webauthn.AttestationNone, formats: []string{"none"}, fmt: "packed"},
		{name: "direct", preference: webauthn.AttestationDirect, formats: []string{"tpm", "packed", "none"}, sentFormat: 2, fmt: "packed"},
		{name: "direct, formats that the key does not have", preference: webauthn.AttestationDirect, formats: []string{"tpm", "apple"}, fmt: "packed"},
		{name: "direct, CTAP 2.1", config: virtual.Config{Profile: virtual.FIDO21}, preference: webauthn.AttestationDirect, formats: []string{"packed"}, fmt: "packed"},
		{name: "enterprise", config: enterprise, preference: webauthn.AttestationEnterprise, enterprise: 2, sent: 2, fmt: "packed"},
		{name: "enterprise, switched off", config: virtual.Config{Enterprise: new(virtual.Enterprise)}, preference: webauthn.AttestationEnterprise, enterprise: 2, fmt: "packed"},
		{name: "enterprise, key without", preference: webauthn.AttestationEnterprise, enterprise: 1, fmt: "packed"},
		{name: "U2F", config: virtual.Config{Profile: virtual.U2FOnly}, preference: webauthn.AttestationEnterprise, enterprise: 1, fmt: "fido-u2f"},
		{name: "key that attests nothing", config: virtual.Config{Attestation: virtual.AttestNone}, preference: webauthn.AttestationDirect, fmt: "none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, k := plugIn(t, test.config, "", new(person))
			r := creation(webauthn.UserVerificationPreferred)
			r.Attestation, r.EnterpriseAttestation, r.AttestationFormats = test.preference, test.enterprise, test.formats
			_, result := made(t, k, r)
			object, err := webauthn.ParseAttestationObject(result.AttestationObject)
			if err != nil || object.Fmt != test.fmt {
				t.Fatalf("%s, %v", object.Fmt, err)
			}
			if _, err := attestation.Verify(object.Fmt, object.AttStmt, object.AuthData.Raw, r.ClientDataHash()); err != nil {
				t.Error(err)
			}
			canonical, err := object.Append(nil)
			if err != nil || !bytes.Equal(canonical, result.AttestationObject) {
				t.Errorf("%x is not canonical, %v", result.AttestationObject, err)
			}
			sent := key.Commands()
			if parsed, err := sent[len(sent)-1].Parse(); test.fmt != "fido-u2f" && err == nil {
				r := parsed.(*ctap2.MakeCredentialRequest)
				if r.EnterpriseAttestation != test.sent || len(r.AttestationFormatsPreference) != test.sentFormat {
					t.Errorf("sent %d, %q", r.EnterpriseAttestation, r.AttestationFormatsPreference)
				}
			}
		})
	}
}

// CTAP 2.2 lets a key leave out the statement of the format none.
func TestAttestationWithoutStatement(t *testing.T) {
	for format, ok := range map[string]bool{"none": true, "packed": false} {
		key := softKey(t, virtual.Config{Attestation: virtual.AttestNone}, "")
		direct := key.Direct()
		transport := between{Transport: direct, answer: func(request []byte) []byte {
			if ctap2.Command(request[0]) != ctap2.CommandMakeCredential {
				return nil
			}
			reply, err := direct.CBOR(t.Context(), nil, request, nil)
			if err != nil {
				t.Fatal(err)
			}
			r, err := ctap2.ParseMakeCredentialResponse(reply[1:])
			if err != nil {
				t.Fatal(err)
			}
			r.Fmt, r.AttStmt = format, nil
			b, err := r.Append([]byte{0})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}}
		k := webauthn.NewSecurityKey(ctap2.NewClient(transport, nil), new(person))
		result, err := k.MakeCredential(t.Context(), creation(webauthn.UserVerificationPreferred))
		if (err == nil) != ok {
			t.Errorf("%s: %v", format, err)
		}
		if ok && !bytes.Contains(result.AttestationObject, []byte("attStmt\xa0")) {
			t.Errorf("%s: %x", format, result.AttestationObject)
		}
	}
}

// A prompt that fails, and a key that is gone.
func TestNothingToAsk(t *testing.T) {
	gone := errors.New("unplugged")
	k := webauthn.NewSecurityKey(ctap2.NewClient(goneTransport{gone}, nil), new(person))
	if _, err := k.MakeCredential(t.Context(), creation(webauthn.UserVerificationPreferred)); !errors.Is(err, gone) || errors.Is(err, webauthn.ErrUnsuitable) {
		t.Error(err)
	}
	if _, err := k.GetAssertion(t.Context(), request(webauthn.UserVerificationPreferred)); !errors.Is(err, gone) {
		t.Error(err)
	}
}

type goneTransport struct{ err error }

func (g goneTransport) CBOR(context.Context, []byte, []byte, func(byte)) ([]byte, error) {
	return nil, g.err
}

// flicker is a key that says several times that it waits, and for what.
type flicker struct {
	ctap2.Transport
	statuses []byte
	after    func(i int)
}

func (f flicker) CBOR(ctx context.Context, dst, request []byte, waiting func(byte)) ([]byte, error) {
	if waiting != nil && ctap2.Command(request[0]) == ctap2.CommandMakeCredential {
		for i, status := range f.statuses {
			waiting(status)
			f.after(i)
		}
		waiting = nil
	}
	return f.Transport.CBOR(ctx, dst, request, waiting)
}

// The prompt stays as long as the key waits for the touch, and comes again when it
// does.
func TestTouchPrompt(t *testing.T) {
	const up, busy = ctap2.WaitingUPNeeded, ctap2.WaitingProcessing
	p := new(person)
	shown := []bool{true, true, false, false, true, false}
	transport := flicker{softKey(t, virtual.Config{}, "").Direct(), []byte{up, up, busy, busy, up, 77}, func(i int) {
		if (p.touching.Err() == nil) != shown[i] {
			t.Errorf("after %d statuses the prompt is shown: %v", i+1, !shown[i])
		}
	}}
	k := webauthn.NewSecurityKey(ctap2.NewClient(transport, nil), p)
	made(t, k, creation(webauthn.UserVerificationPreferred))
	if got := p.took(); got != "touch, touch" {
		t.Error(got)
	}
}

// A key that never recognises its user is given up.
func TestVerificationWithoutEnd(t *testing.T) {
	for _, config := range []virtual.Config{{UV: virtual.ConfiguredUV}, {Profile: virtual.FIDO20, UV: virtual.ConfiguredUV}} {
		transport := between{Transport: softKey(t, config, "").Direct(), answer: func(request []byte) []byte {
			if r, err := ctap2.ParseClientPINRequest(request[1:]); ctap2.Command(request[0]) == ctap2.CommandClientPIN && err == nil && r.SubCommand != ctap2.GetPinUvAuthTokenUsingUvWithPermissions {
				return nil
			}
			if ctap2.Command(request[0]) == ctap2.CommandGetInfo {
				return nil
			}
			return []byte{byte(ctap2.StatusUVInvalid)}
		}}
		p := new(person)
		k := webauthn.NewSecurityKey(ctap2.NewClient(transport, nil), p)
		_, err := k.MakeCredential(t.Context(), creation(webauthn.UserVerificationRequired))
		if !errors.Is(err, ctap2.StatusUVInvalid) || len(p.seen) != 25 {
			t.Errorf("%d prompts, %v", len(p.seen), err)
		}
	}
}
