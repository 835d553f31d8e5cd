package virtual_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// A request with everything wrong, repaired fault by fault, shows the order of
// the checks: each answer names the first fault that is left.
func TestMakeCredentialOrder(t *testing.T) {
	h := newHost(t, virtual.Config{MaxCredentials: 1, MaxCredentialCountInList: 2})
	excluded := h.discoverable(rp, grace)
	h.setPIN("1234")

	h.key.SetUser(virtual.Deny())
	yes, no := new(true), new(false)
	r := h.complete(&ctap2.MakeCredentialRequest{
		ClientDataHash:        make([]byte, 31),
		PubKeyCredParams:      []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256K, Type: ctap2.TypePublicKey}, {Alg: cose.ES256, Type: "other"}},
		ExcludeList:           allow(excluded, excluded, excluded),
		Options:               ctap2.Options{RK: yes, UP: no, UV: yes},
		PinUvAuthParam:        []byte{},
		EnterpriseAttestation: 1,
	})
	for _, step := range []struct {
		name   string
		want   ctap2.Status
		repair func()
	}{
		{"the probe, declined", ctap2.StatusOperationDenied, func() { h.key.SetUser(virtual.AlwaysTouch()) }},
		{"the probe, touched", ctap2.StatusPINInvalid, func() { r.PinUvAuthParam = make([]byte, 32) }},
		{"no protocol", ctap2.StatusMissingParameter, func() { r.PinUvAuthProtocol = 3 }},
		{"unknown protocol", ctap2.StatusInvalidParameter, func() { r.PinUvAuthProtocol = h.protocol }},
		{"no algorithm", ctap2.StatusUnsupportedAlgorithm, func() { r.PubKeyCredParams = es256 }},
		{"short hash", ctap2.StatusInvalidLength, func() { r.ClientDataHash = hash[:] }},
		{"option up false", ctap2.StatusInvalidOption, func() { r.Options.UP = yes }},
		{"long excludeList", ctap2.StatusLimitExceeded, func() { r.ExcludeList = allow(excluded) }},
		{"enterprise attestation", ctap2.StatusInvalidParameter, func() { r.EnterpriseAttestation = 0 }},
		{"wrong MAC", ctap2.StatusPINAuthInvalid, func() { r.Authorize(h.token(ctap2.PermissionMC, other.ID)) }},
		{"token for another RP", ctap2.StatusPINAuthInvalid, func() { r.Authorize(h.token(ctap2.PermissionGA, rp.ID)) }},
		{"token without mc", ctap2.StatusPINAuthInvalid, func() {
			r.Authorize(h.token(ctap2.PermissionMC, rp.ID))
			h.key.SetUser(virtual.Deny())
		}},
		{"excluded", ctap2.StatusCredentialExcluded, func() { r.ExcludeList = nil }},
		{"touch declined", ctap2.StatusOperationDenied, func() { h.key.SetUser(virtual.AlwaysTouch()) }},
		{"key store full", ctap2.StatusKeyStoreFull, func() {
			r.Options.RK = no
			r.Authorize(h.token(ctap2.PermissionMC, rp.ID))
		}},
		{"nothing wrong", ctap2.StatusSuccess, func() {}},
	} {
		got, _ := h.send(r)
		if got != step.want {
			t.Fatalf("%s: answered %v, want %v", step.name, got, step.want)
		}
		step.repair()
	}
	if n := len(h.key.Credentials()); n != 1 {
		t.Errorf("%d credentials stored, want 1", n)
	}
}

func TestMakeCredentialParameters(t *testing.T) {
	yes, no := new(true), new(false)
	for _, test := range []struct {
		name   string
		want   ctap2.Status
		config virtual.Config
		pin    string
		change func(r *ctap2.MakeCredentialRequest)
	}{
		{"nothing special", 0, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) {}},
		{"empty user ID", 0, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.User.ID = []byte{} }},
		{"user ID of 64 bytes", 0, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.User.ID = make([]byte, 64) }},
		{"user ID of 65 bytes", ctap2.StatusInvalidLength, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.User.ID = make([]byte, 65) }},
		{"hash of 33 bytes", ctap2.StatusInvalidLength, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.ClientDataHash = make([]byte, 33) }},
		{"no RP ID", ctap2.StatusCBORUnexpectedType, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.RP.ID = "" }},
		{"empty algorithm list", ctap2.StatusUnsupportedAlgorithm, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{} }},
		{"option up true", 0, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.UP = yes }},
		{"option uv false without uv", 0, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.UV = no }},
		{"option uv without uv", ctap2.StatusInvalidOption, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.UV = yes }},
		{"option uv, not configured", ctap2.StatusInvalidOption, virtual.Config{UV: virtual.UnconfiguredUV}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.UV = yes }},
		{"option uv, configured", 0, virtual.Config{UV: virtual.ConfiguredUV}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.UV = yes }},
		{"option uv, not recognised", ctap2.StatusOperationDenied, virtual.Config{UV: virtual.ConfiguredUV, User: fingers(virtual.NotVerified)}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.UV = yes }},
		{"option uv, not recognised, last try", ctap2.StatusPINBlocked, virtual.Config{UV: virtual.ConfiguredUV, UVRetries: 1, User: fingers(virtual.NotVerified)}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.UV = yes }},
		{"option uv, not recognised, PIN set", ctap2.StatusPUATRequired, virtual.Config{UV: virtual.ConfiguredUV, User: fingers(virtual.NotVerified)}, "1234", func(r *ctap2.MakeCredentialRequest) { r.Options.UV = yes }},
		{"option uv, recognised at the second attempt", 0, virtual.Config{UV: virtual.ConfiguredUV, UVAttempts: 2, User: fingers(virtual.NotVerified, virtual.Verified)}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.UV = yes }},
		{"option uv, declined", ctap2.StatusOperationDenied, virtual.Config{UV: virtual.ConfiguredUV, User: fingers(virtual.VerifyDeclined)}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.UV = yes }},
		{"PIN set", 0, virtual.Config{}, "1234", func(r *ctap2.MakeCredentialRequest) {}},
		{"PIN set, discoverable", ctap2.StatusPUATRequired, virtual.Config{}, "1234", func(r *ctap2.MakeCredentialRequest) { r.Options.RK = yes }},
		{"PIN set, uv for everything", ctap2.StatusPUATRequired, virtual.Config{UVForEverything: true}, "1234", func(r *ctap2.MakeCredentialRequest) {}},
		{"PIN not for mc and ga, discoverable", ctap2.StatusOperationDenied, virtual.Config{NoPINForMcGa: true, UV: virtual.UnconfiguredUV}, "1234", func(r *ctap2.MakeCredentialRequest) { r.Options.RK = yes }},
		{"uv configured, discoverable, no PIN", ctap2.StatusOperationDenied, virtual.Config{UV: virtual.ConfiguredUV}, "", func(r *ctap2.MakeCredentialRequest) { r.Options.RK = yes }},
		{"alwaysUv, nothing set up", ctap2.StatusPUATRequired, virtual.Config{AlwaysUV: true}, "", func(r *ctap2.MakeCredentialRequest) {}},
		{"alwaysUv, nothing set up, no PIN possible", ctap2.StatusOperationDenied, virtual.Config{AlwaysUV: true, WithoutPIN: true, UV: virtual.UnconfiguredUV}, "", func(r *ctap2.MakeCredentialRequest) {}},
		{"alwaysUv, PIN", ctap2.StatusPUATRequired, virtual.Config{AlwaysUV: true}, "1234", func(r *ctap2.MakeCredentialRequest) {}},
		{"alwaysUv, built in", 0, virtual.Config{AlwaysUV: true, UV: virtual.ConfiguredUV}, "", func(r *ctap2.MakeCredentialRequest) {}},
		{"a token where nothing is set up", 0, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.PinUvAuthParam, r.PinUvAuthProtocol = make([]byte, 32), 2 }},
		{"the probe without a PIN", ctap2.StatusPINNotSet, virtual.Config{}, "", func(r *ctap2.MakeCredentialRequest) { r.PinUvAuthParam = []byte{} }},
		{"protocol that the key does not have", ctap2.StatusInvalidParameter, virtual.Config{Protocols: protocolOne}, "", func(r *ctap2.MakeCredentialRequest) { r.PinUvAuthParam, r.PinUvAuthProtocol = make([]byte, 32), 2 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, test.config)
			if test.pin != "" {
				h.setPIN(test.pin)
			}
			r := h.complete(&ctap2.MakeCredentialRequest{})
			r.RP = rp
			test.change(r)
			h.want(test.want, r)
			if !slices.Contains(h.info().Versions, ctap2.VersionFIDO20) {
				t.Error("getInfo is wrong afterwards")
			}
		})
	}
}

var protocolOne = []pinuv.Protocol{pinuv.One}

// fingers is a user who touches at once, and identifies as told.
func fingers(vs ...virtual.Verification) virtual.User {
	var steps []virtual.Step
	for _, v := range vs {
		steps = append(steps, virtual.Step{Touch: virtual.Touch, Verify: v})
	}
	return virtual.Script(steps...)
}

// What a credential says of itself, in every algorithm and kind.
func TestMakeCredentialResponse(t *testing.T) {
	for _, alg := range []cose.Algorithm{cose.ES256, cose.ES384, cose.EdDSA, cose.RS256} {
		for _, rk := range []bool{false, true} {
			name := alg.String()
			if rk {
				name += " discoverable"
			}
			t.Run(name, func(t *testing.T) {
				h := newHost(t, virtual.Config{})
				r := h.create(&ctap2.MakeCredentialRequest{
					PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: -1, Type: ctap2.TypePublicKey}, {Alg: alg, Type: ctap2.TypePublicKey}, {Alg: cose.ES256, Type: ctap2.TypePublicKey}},
					Options:          ctap2.Options{RK: &rk},
				})
				a := &r.AuthData
				if a.RPIDHash != sha256.Sum256([]byte(rp.ID)) || a.Flags != ctap2.FlagUP|ctap2.FlagAT || a.SignCount != 1 {
					t.Errorf("authenticator data %x %v %d", a.RPIDHash, a.Flags, a.SignCount)
				}
				d := a.AttestedCredentialData
				if d.AAGUID != virtual.DefaultAAGUID || d.PublicKey.Alg != alg {
					t.Errorf("AAGUID %v, algorithm %v", d.AAGUID, d.PublicKey.Alg)
				}
				if len(d.CredentialID) != 92 {
					t.Errorf("credential ID has %d bytes: its length tells its kind", len(d.CredentialID))
				}
				verifyAttestation(t, r, attestation.Basic)

				list := allow(d.CredentialID)
				got := h.assert(&ctap2.GetAssertionRequest{AllowList: list})
				if err := d.PublicKey.Verify(append(got.AuthData.Raw, hash[:]...), got.Signature); err != nil {
					t.Error(err)
				}
				if (got.User != nil) != rk {
					t.Errorf("user %v", got.User)
				}
				h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{RPID: other.ID, AllowList: list}))
				h.key.PowerCycle()
				h.assert(&ctap2.GetAssertionRequest{AllowList: list})
				h.want(0, reset)
				h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{AllowList: list}))
			})
		}
	}
}

func verifyAttestation(t *testing.T, r *ctap2.MakeCredentialResponse, want attestation.Type) {
	t.Helper()
	result, err := attestation.Verify(r.Fmt, r.AttStmt, r.AuthData.Raw, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	if result.Type != want || len(result.Deviations) > 0 {
		t.Errorf("attestation %v, deviations %v; want %v", result.Type, result.Deviations, want)
	}
}

func TestAttestation(t *testing.T) {
	aaguid := ctap2.AAGUID{1, 2, 3}
	failing := func(virtual.AttestationInput) (string, any, error) { return "", nil, errTest }
	for _, test := range []struct {
		name       string
		config     virtual.Config
		preference []string
		format     string
		want       attestation.Type
		status     ctap2.Status
	}{
		{"built in", virtual.Config{}, nil, "packed", attestation.Basic, 0},
		{"built in for an AAGUID", virtual.Config{AAGUID: aaguid}, nil, "packed", attestation.Basic, 0},
		{"self", virtual.Config{Attestation: virtual.AttestSelf}, nil, "packed", attestation.Self, 0},
		{"none", virtual.Config{Attestation: virtual.AttestNone}, nil, "none", attestation.None, 0},
		{"none preferred", virtual.Config{}, []string{"none"}, "none", attestation.None, 0},
		{"none among others", virtual.Config{}, []string{"none", "packed"}, "packed", attestation.Basic, 0},
		{"unknown preferred", virtual.Config{}, []string{"tpm"}, "packed", attestation.Basic, 0},
		{"failing", virtual.Config{Attestation: failing}, nil, "", 0, ctap2.StatusOther},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, test.config)
			request := h.complete(&ctap2.MakeCredentialRequest{AttestationFormatsPreference: test.preference, Options: ctap2.Options{RK: new(true)}})
			if test.status != 0 {
				h.want(test.status, request)
				if n := len(h.key.Credentials()); n > 0 {
					t.Errorf("%d credentials stored", n)
				}
				return
			}
			r := h.create(request)
			if r.Fmt != test.format {
				t.Errorf("format %q, want %q", r.Fmt, test.format)
			}
			verifyAttestation(t, r, test.want)
		})
	}
}

func TestAttestationRoot(t *testing.T) {
	h := newHost(t, virtual.Config{})
	r := h.create(&ctap2.MakeCredentialRequest{})
	result, err := attestation.Verify(r.Fmt, r.AttStmt, r.AuthData.Raw, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	root, err := virtual.AttestationRoot()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	if _, err := result.TrustPath[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Error(err)
	}
	again := newHost(t, virtual.Config{}).create(&ctap2.MakeCredentialRequest{})
	second, err := attestation.Verify(again.Fmt, again.AttStmt, again.AuthData.Raw, hash[:])
	if err != nil || !second.TrustPath[0].Equal(result.TrustPath[0]) {
		t.Errorf("two keys have different certificates: %v", err)
	}
}

func TestCredentialStore(t *testing.T) {
	h := newHost(t, virtual.Config{MaxCredentials: 2})
	remaining := func(want uint) {
		t.Helper()
		if got := h.info().RemainingDiscoverableCredentials; got == nil || *got != want {
			t.Errorf("remainingDiscoverableCredentials %v, want %d", got, want)
		}
	}
	remaining(2)
	first := h.discoverable(rp, ada)
	remaining(1)
	second := h.discoverable(rp, ada) // the same account: replaces the first
	remaining(1)
	if bytes.Equal(first, second) {
		t.Error("the new credential has the old one's ID")
	}
	h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{AllowList: allow(first)}))
	h.discoverable(other, ada)
	remaining(0)
	h.want(ctap2.StatusKeyStoreFull, h.complete(&ctap2.MakeCredentialRequest{User: grace, Options: ctap2.Options{RK: new(true)}}))
	third := h.discoverable(rp, ada) // replacing needs no room
	h.assert(&ctap2.GetAssertionRequest{AllowList: allow(third)})
	h.assert(&ctap2.GetAssertionRequest{RPID: other.ID})
	h.create(&ctap2.MakeCredentialRequest{User: grace}) // not stored: needs none either
	if got := h.key.Credentials(); len(got) != 2 || !bytes.Equal(got[1].ID, third) || got[0].RP.ID != other.ID {
		t.Errorf("credentials %v", got)
	}
}

// A private key that does not fit in an ID is stored, discoverable or not.
func TestShortCredentialIDs(t *testing.T) {
	h := newHost(t, virtual.Config{MaxCredentialIDLength: 16, MaxCredentials: 1})
	r := h.create(&ctap2.MakeCredentialRequest{})
	id := r.AuthData.AttestedCredentialData.CredentialID
	if len(id) != 16 {
		t.Errorf("ID of %d bytes, want 16", len(id))
	}
	if got := h.assert(&ctap2.GetAssertionRequest{AllowList: allow(id)}); got.User != nil {
		t.Errorf("user %v of a credential that is not discoverable", got.User)
	}
	h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{}))
	h.want(ctap2.StatusKeyStoreFull, h.complete(&ctap2.MakeCredentialRequest{}))
}

func TestExcludeList(t *testing.T) {
	h := newHost(t, virtual.Config{})
	stored := h.discoverable(rp, ada)
	sealed := h.create(&ctap2.MakeCredentialRequest{}).AuthData.AttestedCredentialData.CredentialID
	for _, test := range []struct {
		name string
		want ctap2.Status
		rp   ctap2.PublicKeyCredentialRPEntity
		list []ctap2.PublicKeyCredentialDescriptor
	}{
		{"stored", ctap2.StatusCredentialExcluded, rp, allow(stored)},
		{"sealed", ctap2.StatusCredentialExcluded, rp, allow(sealed)},
		{"the last of several", ctap2.StatusCredentialExcluded, rp, allow(make([]byte, 92), []byte{}, sealed)},
		{"of another RP", 0, other, allow(stored, sealed)},
		{"of another type", 0, rp, []ctap2.PublicKeyCredentialDescriptor{{ID: stored, Type: "other"}}},
		{"longer than any", 0, rp, allow(make([]byte, 1000))},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			h := *h
			h.t, h.waiting = t, func(byte) { asked++ }
			h.want(test.want, h.complete(&ctap2.MakeCredentialRequest{RP: test.rp, ExcludeList: test.list}))
			if asked != 1 {
				t.Errorf("the user was asked %d times", asked)
			}
		})
	}
}

func TestNamesAreCut(t *testing.T) {
	for _, shift := range []int{0, 1, 2} {
		name := strings.Repeat("x", shift) + strings.Repeat("€", 30) // three bytes each
		h := newHost(t, virtual.Config{})
		h.discoverable(ctap2.PublicKeyCredentialRPEntity{ID: rp.ID, Name: name}, ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: name, DisplayName: name})
		c := h.key.Credentials()[0]
		for _, got := range []string{c.RP.Name, c.User.Name, c.User.DisplayName} {
			if !utf8.ValidString(got) || !strings.HasPrefix(name, got) || len(got) > 64 || len(got) < 62 {
				t.Errorf("%q cut to %q, %d bytes", name, got, len(got))
			}
		}
	}
}

// Each required member left out, and each member of the wrong type.
func TestMakeCredentialMalformed(t *testing.T) {
	h := newHost(t, virtual.Config{})
	r := h.complete(&ctap2.MakeCredentialRequest{
		ExcludeList: allow(make([]byte, 32)), Options: ctap2.Options{RK: new(true)},
		Extensions: ctap2.Extensions{"credProtect": {1}}, PinUvAuthParam: make([]byte, 32), PinUvAuthProtocol: 2,
	})
	malformed(t, h, ctap2.CommandMakeCredential, encode(t, r)[1:], []uint64{1, 2, 3, 4})
}

// malformed sends the parameters without each required member, and with each
// member replaced by items of every other type.
func malformed(t *testing.T, h *host, c ctap2.Command, parameters []byte, required []uint64) {
	t.Helper()
	var members map[uint64]cbor.RawMessage
	if err := cbor.Unmarshal(parameters, &members); err != nil {
		t.Fatal(err)
	}
	send := func(members map[uint64]cbor.RawMessage) ctap2.Status {
		b, err := cbor.Append([]byte{byte(c)}, members)
		if err != nil {
			t.Fatal(err)
		}
		status, _ := h.send(raw(b))
		return status
	}
	for n, value := range members {
		delete(members, n)
		if status := send(members); slices.Contains(required, n) && status != ctap2.StatusMissingParameter {
			t.Errorf("without member %d: %v", n, status)
		}
		for _, wrong := range [][]byte{{0x01}, {0x20}, {0x41, 0x00}, {0x61, 'x'}, {0x81, 0x00}, {0xa1, 0x00, 0x00}, {0xf5}, {0xf6}} {
			if wrong[0]>>5 == value[0]>>5 {
				continue
			}
			members[n] = wrong
			if status := send(members); status != ctap2.StatusCBORUnexpectedType && status != ctap2.StatusInvalidCBOR {
				t.Errorf("member %d is %x: %v", n, wrong, status)
			}
		}
		members[n] = value
	}
	for name, b := range map[string][]byte{
		"trailing byte": append(slices.Clone(parameters), 0),
		"cut short":     parameters[:len(parameters)-1],
		"not a map":     {0x80},
	} {
		if status, _ := h.send(raw(append([]byte{byte(c)}, b...))); status != ctap2.StatusInvalidCBOR && status != ctap2.StatusCBORUnexpectedType {
			t.Errorf("%s: %v", name, status)
		}
	}
	if status, _ := h.send(raw{byte(c)}); status != ctap2.StatusMissingParameter {
		t.Errorf("no parameters: %v", status)
	}
}
