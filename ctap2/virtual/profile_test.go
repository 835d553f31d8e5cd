package virtual_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// old returns a key of CTAP 2.0 with a PIN.
func old(t *testing.T, c virtual.Config) *host {
	t.Helper()
	c.Profile = virtual.FIDO20
	h := newHost(t, c)
	h.protocol = pinuv.One
	h.setPIN("1234")
	return h
}

// legacyToken gets a token as CTAP 2.0 does.
func (h *host) legacyToken() *pinuv.Token {
	h.t.Helper()
	return h.receive(h.legacyRequest(h.pin))
}

// On a key of CTAP 2.0 there is one token until the power goes, of 16 bytes, good
// for everything, any number of times.
func TestTokenOfCTAP20(t *testing.T) {
	h := old(t, virtual.Config{})
	first, second := h.legacyToken(), h.legacyToken()
	a, b := first.ExposeSecret(), second.ExposeSecret()
	if len(a) != 16 || !bytes.Equal(a, b) {
		t.Errorf("tokens %x and %x", a, b)
	}
	for _, rp := range []ctap2.PublicKeyCredentialRPEntity{rp, other} {
		create := h.complete(&ctap2.MakeCredentialRequest{RP: rp, Options: ctap2.Options{RK: new(true)}})
		create.Authorize(first)
		if made := h.create(create); made.AuthData.Flags&ctap2.FlagUV == 0 {
			t.Errorf("flags %v", made.AuthData.Flags)
		}
		ask := h.ask(&ctap2.GetAssertionRequest{RPID: rp.ID})
		ask.Authorize(second)
		if got := h.assert(ask); got.AuthData.Flags&ctap2.FlagUV == 0 {
			t.Errorf("flags %v", got.AuthData.Flags)
		}
	}
	// A wrong PIN leaves it alone, a power cycle does not.
	wrong, _ := h.legacyRequest("4321")
	h.want(ctap2.StatusPINInvalid, wrong)
	ask := h.ask(&ctap2.GetAssertionRequest{})
	ask.Authorize(first)
	h.want(0, ask)
	h.key.PowerCycle()
	h.want(ctap2.StatusPINAuthInvalid, ask)
	if bytes.Equal(h.legacyToken().ExposeSecret(), a) {
		t.Error("the token outlives a power cycle")
	}
}

// What a key of CTAP 2.0 answers otherwise than later ones.
func TestStatusesOfCTAP20(t *testing.T) {
	h := old(t, virtual.Config{})
	h.want(ctap2.StatusInvalidCommand, selection)
	for _, c := range []ctap2.Command{
		ctap2.CommandBioEnrollment, ctap2.CommandCredentialManagement, ctap2.CommandLargeBlobs, ctap2.CommandConfig,
		ctap2.CommandBioEnrollmentPreview, ctap2.CommandCredentialManagementPreview,
	} {
		h.want(ctap2.StatusInvalidCommand, raw{byte(c), 0xa1, 1, 1})
	}
	for sub := range ctap2.ClientPINSubCommand(0x20) {
		if sub == 0 || sub >= ctap2.GetPINRetries && sub <= ctap2.GetPINToken {
			continue
		}
		h.want(ctap2.StatusInvalidParameter, &ctap2.ClientPINRequest{SubCommand: sub, PinUvAuthProtocol: 1})
	}
	b := h.want(0, &ctap2.ClientPINRequest{SubCommand: ctap2.GetPINRetries})
	if want := fromHex(t, "a10308"); !bytes.Equal(b, want) {
		t.Errorf("getPINRetries answers %x, want %x", b, want)
	}
	for _, protocol := range []pinuv.Protocol{0, 2, 3} {
		create := h.complete(&ctap2.MakeCredentialRequest{PinUvAuthParam: make([]byte, 16), PinUvAuthProtocol: protocol})
		want := ctap2.StatusPINAuthInvalid
		if protocol == 0 { // it is missing
			want = ctap2.StatusMissingParameter
		}
		h.want(want, create)
		h.want(want, h.ask(&ctap2.GetAssertionRequest{PinUvAuthParam: make([]byte, 16), PinUvAuthProtocol: protocol}))
	}
	h.want(ctap2.StatusPUATRequired, h.complete(&ctap2.MakeCredentialRequest{}))
	h.want(ctap2.StatusPINInvalid, h.complete(&ctap2.MakeCredentialRequest{PinUvAuthParam: []byte{}}))
}

// An assertion that there is no credential for takes a touch first, unless it is
// silent.
func TestTouchFirstOfCTAP20(t *testing.T) {
	for _, test := range []struct {
		profile virtual.Profile
		user    virtual.User
		up      bool
		want    ctap2.Status
	}{
		{virtual.FIDO20, virtual.Deny(), true, ctap2.StatusOperationDenied},
		{virtual.FIDO20, virtual.AlwaysTouch(), true, ctap2.StatusNoCredentials},
		{virtual.FIDO20, virtual.Deny(), false, ctap2.StatusNoCredentials},
		{virtual.FIDO21, virtual.Deny(), true, ctap2.StatusNoCredentials},
	} {
		h := newHost(t, virtual.Config{Profile: test.profile, User: test.user})
		for _, list := range [][]ctap2.PublicKeyCredentialDescriptor{nil, allow([]byte("of another key"))} {
			if got, _ := h.send(h.ask(&ctap2.GetAssertionRequest{AllowList: list, Options: ctap2.Options{UP: &test.up}})); got != test.want {
				t.Errorf("%+v, list %v: answered %v", test, list, got)
			}
		}
	}
}

// A PIN is what CTAP 2.0 demands of a new credential; built-in user verification
// is for the host to ask for.
func TestVerificationOfCTAP20(t *testing.T) {
	h := newHost(t, virtual.Config{Profile: virtual.FIDO20, UV: virtual.ConfiguredUV})
	for _, rk := range []bool{false, true} {
		if made := h.create(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: &rk}}); made.AuthData.Flags&ctap2.FlagUV != 0 {
			t.Errorf("flags %v", made.AuthData.Flags)
		}
		if made := h.create(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: &rk, UV: new(true)}}); made.AuthData.Flags&ctap2.FlagUV == 0 {
			t.Errorf("flags %v", made.AuthData.Flags)
		}
	}
}

// An assertion for which the user was verified takes no second touch before the
// key of CTAP 2.0 says that it has no credential.
func TestVerifiedIsTouchedOfCTAP20(t *testing.T) {
	h := newHost(t, virtual.Config{
		Profile: virtual.FIDO20, UV: virtual.ConfiguredUV,
		User: virtual.Script(virtual.Step{Verify: virtual.Verified}, virtual.Step{Touch: virtual.Decline}),
	})
	h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UV: new(true)}}))
}

// Members of makeCredential that later versions added mean nothing to a key of
// CTAP 2.0.
func TestLaterMembersOfCTAP20(t *testing.T) {
	h := newHost(t, virtual.Config{Profile: virtual.FIDO20, Enterprise: &virtual.Enterprise{Enabled: true}})
	for _, kind := range []uint{1, 2, 3} {
		made := h.create(&ctap2.MakeCredentialRequest{EnterpriseAttestation: kind, AttestationFormatsPreference: []string{"none"}})
		if made.EpAtt || made.Fmt != "packed" {
			t.Errorf("enterprise attestation %d: epAtt %v, %s", kind, made.EpAtt, made.Fmt)
		}
	}
}

// A key that knows only U2F has no command at all, and so no preview of one.
func TestPreviewsOfU2FOnly(t *testing.T) {
	h := newHost(t, virtual.Config{Profile: virtual.U2FOnly, Previews: true, UV: virtual.FingerprintUV})
	for command := range 256 {
		h.want(ctap2.StatusInvalidCommand, raw{byte(command), 0xa1, 6, 0xf5})
	}
	if versions := h.key.Info().Versions; !slices.Equal(versions, []string{ctap2.VersionU2F}) {
		t.Errorf("versions %q", versions)
	}
}

// The versions that getInfo lists are those whose mandatory features the key has
// (CTAP 2.3 section 9), whatever the Config takes away.
func TestMandatoryFeatures(t *testing.T) {
	for _, test := range []struct {
		name   string
		config virtual.Config
		want   bool // FIDO_2_1
	}{
		{"plain", virtual.Config{}, true},
		{"CTAP 2.1", virtual.Config{Profile: virtual.FIDO21}, true},
		{"CTAP 2.0", virtual.Config{Profile: virtual.FIDO20}, false},
		{"no hmac-secret", virtual.Config{WithoutExtensions: []string{ctap2.ExtensionHMACSecret}}, false},
		{"no credProtect", virtual.Config{WithoutExtensions: []string{ctap2.ExtensionCredProtect}}, false},
		{"no minPinLength", virtual.Config{WithoutExtensions: []string{ctap2.ExtensionMinPINLength}}, false},
		{"no minPinLength and no settings", virtual.Config{WithoutExtensions: []string{ctap2.ExtensionMinPINLength}, WithoutCommands: []ctap2.Command{ctap2.CommandConfig}}, true},
		{"no credBlob", virtual.Config{WithoutExtensions: []string{ctap2.ExtensionCredBlob}}, true},
		{"no clientPIN", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandClientPIN}}, false},
		{"no credentialManagement", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandCredentialManagement}}, false},
		{"a display instead of credentialManagement", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandCredentialManagement}, Display: true}, true},
		{"nothing verifies for passkeys", virtual.Config{WithoutPIN: true}, false},
		{"nothing verifies, no passkeys", virtual.Config{WithoutPIN: true, WithoutRK: true}, true},
		{"built-in user verification and no PIN", virtual.Config{WithoutPIN: true, UV: virtual.ConfiguredUV}, true},
		{"protocol one alone", virtual.Config{Protocols: []pinuv.Protocol{pinuv.One}}, false},
		{"protocol two alone", virtual.Config{Protocols: []pinuv.Protocol{pinuv.Two}}, true},
	} {
		if got := slices.Contains(newHost(t, test.config).info().Versions, ctap2.VersionFIDO21); got != test.want {
			t.Errorf("%s: FIDO_2_1 %v, want %v", test.name, got, test.want)
		}
	}
}

// Whatever Config New takes, getInfo keeps the rules of CTAP 2.3 sections 6.4 and
// 9.
func TestGetInfoRules(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	often := func() bool { return r.IntN(2) == 0 }
	seldom := func() bool { return r.IntN(6) == 0 }
	all := []string{
		ctap2.ExtensionCredProtect, ctap2.ExtensionCredBlob, ctap2.ExtensionHMACSecret, ctap2.ExtensionHMACSecretMC,
		ctap2.ExtensionLargeBlobKey, ctap2.ExtensionLargeBlob, ctap2.ExtensionMinPINLength,
		ctap2.ExtensionPINComplexityPolicy, ctap2.ExtensionThirdPartyPayment,
	}
	for range 2000 {
		c := virtual.Config{
			Profile: virtual.Profile(r.IntN(3)), Previews: seldom(), WithoutPIN: seldom(), WithoutRK: seldom(), WithoutU2F: often(),
			UV: virtual.UV(r.IntN(4)), AlwaysUV: seldom(), UVForEverything: seldom(), Display: seldom(), NoPINForMcGa: seldom(),
			UVAcfg: often(), UVBioEnroll: often(), LargeBlobExtension: seldom(), LongTouchForReset: seldom(), WithoutLongTouch: seldom(),
			MaxRPIDsForSetMinPINLength: r.IntN(3) - 1,
		}
		if often() {
			c.Enterprise = &virtual.Enterprise{Enabled: often()}
		}
		if often() {
			c.PINComplexity = &virtual.PINComplexity{Enforced: often()}
		}
		if often() {
			c.Protocols = [][]pinuv.Protocol{{1}, {2}, {1, 2}}[r.IntN(3)]
		}
		for _, id := range all {
			if seldom() {
				c.WithoutExtensions = append(c.WithoutExtensions, id)
			}
		}
		for _, command := range []ctap2.Command{6, 7, 8, 9, 10, 11, 12, 13} {
			if seldom() {
				c.WithoutCommands = append(c.WithoutCommands, command)
			}
		}
		key, err := virtual.New(c)
		if err != nil {
			continue
		}
		info := key.Info()
		for _, broken := range brokenRules(info) {
			t.Errorf("%s\n%+v\n%+v", broken, c, info)
		}
		if t.Failed() {
			return
		}
	}
}

// brokenRules are the rules that a getInfo response breaks.
func brokenRules(r *ctap2.GetInfoResponse) (broken []string) {
	o := r.Options
	present := func(option string) bool { _, ok := o[option]; return ok }
	has := func(id string) bool { return slices.Contains(r.Extensions, id) }
	version := func(v string) bool { return slices.Contains(r.Versions, v) }
	since21 := version(ctap2.VersionFIDO21) || version(ctap2.VersionFIDO23)
	pin, uv := present(ctap2.OptionClientPIN), present(ctap2.OptionUV)
	tokens := pin || o[ctap2.OptionPinUvAuthToken]
	managed := o[ctap2.OptionCredMgmt] || o[ctap2.OptionRK] // a display, which getInfo does not show, may stand in
	for rule, kept := range map[string]bool{
		"FIDO_2_3 without FIDO_2_1":                 !version(ctap2.VersionFIDO23) || version(ctap2.VersionFIDO21),
		"2.1: hmac-secret":                          !since21 || has(ctap2.ExtensionHMACSecret),
		"2.1: protocol two":                         !since21 || slices.Contains(r.PinUvAuthProtocols, pinuv.Two),
		"2.1: passkeys need verification":           !since21 || !o[ctap2.OptionRK] || pin || uv,
		"2.1: passkeys need management":             !since21 || !o[ctap2.OptionRK] || managed,
		"2.1: verification needs credProtect":       !since21 || !(pin || uv) || has(ctap2.ExtensionCredProtect),
		"2.1: verification needs pinUvAuthToken":    !since21 || !(pin || uv) || o[ctap2.OptionPinUvAuthToken],
		"2.1: setMinPINLength needs minPinLength":   !since21 || !o[ctap2.OptionSetMinPINLength] || has(ctap2.ExtensionMinPINLength),
		"minPinLength needs setMinPINLength":        !has(ctap2.ExtensionMinPINLength) || o[ctap2.OptionSetMinPINLength],
		"ep needs authnrCfg":                        !present(ctap2.OptionEP) || o[ctap2.OptionAuthnrCfg],
		"setMinPINLength needs authnrCfg":           !o[ctap2.OptionSetMinPINLength] || o[ctap2.OptionAuthnrCfg] && pin,
		"maxRPIDs with setMinPINLength":             (r.MaxRPIDsForSetMinPINLength != nil) == o[ctap2.OptionSetMinPINLength],
		"uvAcfg needs authnrCfg and uv":             !o[ctap2.OptionUVAcfg] || o[ctap2.OptionAuthnrCfg] && uv,
		"uvBioEnroll needs bioEnroll":               !o[ctap2.OptionUVBioEnroll] || present(ctap2.OptionBioEnroll),
		"perCredMgmtRO needs credMgmt":              !o[ctap2.OptionPerCredMgmtRO] || o[ctap2.OptionCredMgmt],
		"noMcGa needs clientPin":                    !o[ctap2.OptionNoMcGaPermissionsWithClientPin] || pin,
		"alwaysUv excludes makeCredUvNotRqd":        !o[ctap2.OptionAlwaysUv] || !o[ctap2.OptionMakeCredUvNotRqd],
		"alwaysUv excludes U2F":                     !o[ctap2.OptionAlwaysUv] || !version(ctap2.VersionU2F),
		"largeBlobs and its size":                   o[ctap2.OptionLargeBlobs] == (r.MaxSerializedLargeBlobArray > 0),
		"largeBlobKey needs largeBlobs":             !has(ctap2.ExtensionLargeBlobKey) || o[ctap2.OptionLargeBlobs],
		"largeBlob excludes largeBlobs":             !has(ctap2.ExtensionLargeBlob) || !o[ctap2.OptionLargeBlobs],
		"credBlob and its length":                   has(ctap2.ExtensionCredBlob) == (r.MaxCredBlobLength >= 32),
		"hmac-secret-mc needs hmac-secret":          !has(ctap2.ExtensionHMACSecretMC) || has(ctap2.ExtensionHMACSecret),
		"hmac-secret needs a protocol":              !has(ctap2.ExtensionHMACSecret) || len(r.PinUvAuthProtocols) > 0,
		"tokens need a protocol":                    !tokens || len(r.PinUvAuthProtocols) > 0,
		"pinComplexityPolicy needs its member":      !has(ctap2.ExtensionPINComplexityPolicy) || r.PinComplexityPolicy != nil,
		"minPINLength needs clientPin":              r.MinPINLength == 0 || pin,
		"maxPINLength needs clientPin":              r.MaxPINLength == 0 || pin,
		"room for passkeys needs rk":                r.RemainingDiscoverableCredentials == nil || o[ctap2.OptionRK],
		"uvModality needs uv":                       r.UvModality == nil || uv,
		"preferredPlatformUvAttempts needs uv":      r.PreferredPlatformUvAttempts == 0 || uv,
		"authenticatorConfigCommands and authnrCfg": r.AuthenticatorConfigCommands == nil || o[ctap2.OptionAuthnrCfg],
		"the identifier needs a persistent token":   (r.EncIdentifier != nil) == o[ctap2.OptionPerCredMgmtRO],
		"no version FIDO_2_2":                       !version("FIDO_2_2"),
	} {
		if !kept {
			broken = append(broken, rule)
		}
	}
	slices.Sort(broken)
	if r.Options[ctap2.OptionEP] && !slices.Contains(r.AuthenticatorConfigCommands, 1) && r.AuthenticatorConfigCommands != nil {
		broken = append(broken, fmt.Sprint("ep needs enableEnterpriseAttestation: ", r.AuthenticatorConfigCommands))
	}
	return broken
}
