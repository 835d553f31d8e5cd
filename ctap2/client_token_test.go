package ctap2_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

func TestToken(t *testing.T) {
	const left, uvLeft, agree = "getPINRetries", "getUVRetries", "getKeyAgreement"
	const usingPIN, usingUV = "getPinUvAuthTokenUsingPinWithPermissions", "getPinUvAuthTokenUsingUvWithPermissions"
	uv := func(k *fakeKey) { k.info.Options[ctap2.OptionUV] = true }
	uvAnswers := func(s ctap2.Status) func(*fakeKey) {
		return func(k *fakeKey) { uv(k); k.pins[ctap2.GetPinUvAuthTokenUsingUvWithPermissions] = []byte{byte(s)} }
	}
	for _, test := range []struct {
		name        string
		change      func(*fakeKey)
		permissions ctap2.Permissions
		pins        []string // what the user enters, in turn
		usePIN      bool     // instead of the key's own verification
		sent        []string // after getInfo
		prompts     []string
		want        error
	}{
		{name: "PIN", pins: []string{"1234"}, sent: []string{left, agree, usingPIN}, prompts: []string{"PIN 8"}},
		{name: "PIN of a key without permissions", change: func(k *fakeKey) { delete(k.info.Options, ctap2.OptionPinUvAuthToken) }, pins: []string{"1234"},
			sent: []string{left, agree, "getPinToken"}, prompts: []string{"PIN 8"}},
		{name: "wrong, then right", pins: []string{"4321", "1234"}, sent: []string{left, agree, usingPIN, left, agree, usingPIN}, prompts: []string{"PIN 8", "PIN 7 again"}},
		{name: "wrong until it is blocked", pins: []string{"1111", "2222", "3333", "4444"}, sent: []string{left, agree, usingPIN, left, agree, usingPIN, left, agree, usingPIN, left},
			prompts: []string{"PIN 8", "PIN 7 again", "PIN 6 again"}, want: ctap2.StatusPINAuthBlocked},
		{name: "one that no key can have, then right", pins: []string{"12", "1234"}, sent: []string{left, agree, usingPIN}, prompts: []string{"PIN 8", "PIN 8 again"}},
		{name: "to be changed first", change: func(k *fakeKey) { k.info.ForcePINChange = true }, sent: []string{left, "authenticatorGetInfo"}, want: ctap2.StatusPINPolicyViolation},
		{name: "blocked already", change: func(k *fakeKey) { k.misses = 3 }, sent: []string{left}, want: ctap2.StatusPINAuthBlocked},
		{name: "blocked for good", change: func(k *fakeKey) { k.retries = 0 }, sent: []string{left}, want: ctap2.StatusPINBlocked},
		{name: "no PIN set", change: func(k *fakeKey) { k.info.Options[ctap2.OptionClientPIN] = false }, sent: []string{left, "authenticatorGetInfo"}, want: ctap2.StatusPINNotSet},
		{name: "user gives up", sent: []string{left}, prompts: []string{"PIN 8"}, want: context.Canceled},
		{name: "verification", change: uv, sent: []string{uvLeft, agree, usingUV}, prompts: []string{"UV 5"}},
		{name: "verification, the user wants the PIN", change: uv, usePIN: true, pins: []string{"1234"}, sent: []string{uvLeft, left, agree, usingPIN}, prompts: []string{"UV 5", "PIN 8"}},
		{name: "verification fails for ever", change: uvAnswers(ctap2.StatusUVInvalid), want: ctap2.StatusUVInvalid,
			sent: slices.Repeat([]string{uvLeft, agree, usingUV}, 25), prompts: append([]string{"UV 5"}, slices.Repeat([]string{"UV 5 again"}, 24)...)},
		{name: "verification gets blocked", change: uvAnswers(ctap2.StatusUVBlocked), pins: []string{"1234"},
			sent: []string{uvLeft, agree, usingUV, left, agree, usingPIN}, prompts: []string{"UV 5", "PIN 8"}},
		{name: "verification is blocked", change: func(k *fakeKey) { uv(k); k.pins[ctap2.GetUVRetries] = reply(k.t, map[uint64]any{5: 0}) }, pins: []string{"1234"},
			sent: []string{uvLeft, left, agree, usingPIN}, prompts: []string{"PIN 8"}},
		{name: "verification declined", change: uvAnswers(ctap2.StatusOperationDenied), sent: []string{uvLeft, agree, usingUV}, prompts: []string{"UV 5"}, want: ctap2.StatusOperationDenied},
		{name: "verification does not give the permission", change: func(k *fakeKey) { uv(k); k.info.Options[ctap2.OptionBioEnroll] = true }, permissions: ctap2.PermissionBE,
			pins: []string{"1234"}, sent: []string{left, agree, usingPIN}, prompts: []string{"PIN 8"}},
		{name: "the PIN does not give the permission", change: func(k *fakeKey) {
			uv(k)
			k.info.Options[ctap2.OptionNoMcGaPermissionsWithClientPin] = true
			k.pins[ctap2.GetUVRetries] = reply(k.t, map[uint64]any{5: 0})
		}, sent: []string{uvLeft}, want: ctap2.StatusUVBlocked},
		{name: "neither gives the permission", permissions: ctap2.PermissionBE, want: errors.ErrUnsupported},
		{name: "persistent", change: func(k *fakeKey) { k.info.Options[ctap2.OptionPerCredMgmtRO] = true }, permissions: ctap2.PermissionPCMR,
			pins: []string{"1234"}, sent: []string{left, agree, usingPIN}, prompts: []string{"PIN 8"}},
		{name: "persistent and more", change: func(k *fakeKey) { k.info.Options[ctap2.OptionPerCredMgmtRO] = true },
			permissions: ctap2.PermissionPCMR | ctap2.PermissionGA, want: errors.ErrUnsupported},
	} {
		k := newFakeKey(t, "1234", pinuv.Two)
		if test.change != nil {
			test.change(k)
		}
		if test.permissions == 0 {
			test.permissions = ctap2.PermissionGA
		}
		var prompts []string
		var given [][]byte
		again := func(last error) string {
			if last == nil {
				return ""
			}
			return " again"
		}
		c := ctap2.NewClient(k, nil)
		token, err := c.Token(t.Context(), test.permissions, "a", ctap2.TokenPrompt{
			PIN: func(_ context.Context, left ctap2.PINRetries, last error) ([]byte, error) {
				prompts = append(prompts, fmt.Sprintf("PIN %d%s", left.Retries, again(last)))
				if len(given) == len(test.pins) {
					return nil, context.Canceled
				}
				given = append(given, []byte(test.pins[len(given)]))
				return given[len(given)-1], second(c.Info(t.Context())) // the client may be used
			},
			UV: func(_ context.Context, left uint, last error) error {
				prompts = append(prompts, fmt.Sprintf("UV %d%s", left, again(last)))
				if test.usePIN {
					return ctap2.ErrUsePIN
				}
				return nil
			},
		})
		if (token == nil) != (test.want != nil) || !errors.Is(err, test.want) || err != nil && test.want == nil {
			t.Errorf("%s: %v, %v", test.name, token, err)
		}
		if token != nil && k.granted != test.permissions && k.info.Options[ctap2.OptionPinUvAuthToken] {
			t.Errorf("%s: asked for %v", test.name, k.granted)
		}
		if sent := k.took()[1:]; !slices.Equal(sent, test.sent) {
			t.Errorf("%s: sent %q, want %q", test.name, sent, test.sent)
		}
		if !slices.Equal(prompts, test.prompts) {
			t.Errorf("%s: prompts %q, want %q", test.name, prompts, test.prompts)
		}
		for _, pin := range given {
			if strings.Trim(string(pin), "\x00") != "" {
				t.Errorf("%s: PIN %q is not wiped", test.name, pin)
			}
		}
	}
}

func TestTokenWithoutPrompts(t *testing.T) {
	k := newFakeKey(t, "1234", pinuv.Two)
	if _, err := ctap2.NewClient(k, nil).Token(t.Context(), ctap2.PermissionGA, "a", ctap2.TokenPrompt{}); !errors.Is(err, errors.ErrUnsupported) || len(k.took()) != 1 {
		t.Errorf("a PIN, and nobody to ask: %v", err)
	}
	k.info.Options[ctap2.OptionUV] = true
	if _, err := ctap2.NewClient(k, nil).Token(t.Context(), ctap2.PermissionGA, "a", ctap2.TokenPrompt{}); err != nil {
		t.Errorf("verification needs no prompt: %v", err)
	}
}

func TestPermissionsOfKey(t *testing.T) {
	const mcGa = ctap2.PermissionMC | ctap2.PermissionGA
	for _, test := range []struct {
		options string // of getInfo; "-" in front for false
		pin, uv ctap2.Permissions
	}{
		{"", 0, 0},
		{"-clientPin", mcGa, 0},
		{"clientPin pinUvAuthToken credMgmt largeBlobs", mcGa | ctap2.PermissionCM | ctap2.PermissionLBW, 0},
		{"clientPin credentialMgmtPreview -userVerificationMgmtPreview", mcGa | ctap2.PermissionCM | ctap2.PermissionBE, 0},
		{"clientPin uv", mcGa, 0},
		{"clientPin -uv pinUvAuthToken", mcGa, 0},
		{"uv pinUvAuthToken", 0, mcGa},
		{"clientPin uv pinUvAuthToken noMcGaPermissionsWithClientPin -bioEnroll authnrCfg", ctap2.PermissionBE | ctap2.PermissionACFG, mcGa},
		{"clientPin uv pinUvAuthToken bioEnroll uvBioEnroll authnrCfg uvAcfg perCredMgmtRO",
			mcGa | ctap2.PermissionBE | ctap2.PermissionACFG | ctap2.PermissionPCMR, mcGa | ctap2.PermissionBE | ctap2.PermissionACFG | ctap2.PermissionPCMR},
	} {
		info := &ctap2.GetInfoResponse{Options: ctap2.InfoOptions{}}
		for name := range strings.FieldsSeq(test.options) {
			info.Options[strings.TrimPrefix(name, "-")] = name[0] != '-'
		}
		if pin, uv := info.PINPermissions(), info.UVPermissions(); pin != test.pin || uv != test.uv {
			t.Errorf("%q: PIN %v, want %v; UV %v, want %v", test.options, pin, test.pin, uv, test.uv)
		}
	}
}

func TestEncryptedMembersKnownAnswers(t *testing.T) {
	token, err := pinuv.NewToken(pinuv.Two, vector(t, "two: pinUvAuthToken"))
	if err != nil {
		t.Fatal(err)
	}
	info := &ctap2.GetInfoResponse{EncIdentifier: vector(t, "encIdentifier (32 bytes)"), EncCredStoreState: vector(t, "encCredStoreState (32 bytes)")}
	want := [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	if id, err := info.DeviceIdentifier(token); id != want || err != nil {
		t.Errorf("identifier %x, %v", id, err)
	}
	if state, err := info.CredentialStoreState(token); state != want || err != nil {
		t.Errorf("state %x, %v", state, err)
	}
	info.EncIdentifier, info.EncCredStoreState = info.EncIdentifier[:31], nil
	if _, err := info.DeviceIdentifier(token); err == nil {
		t.Error("31 bytes are decrypted")
	}
	if _, err := info.CredentialStoreState(token); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("absent: %v", err)
	}
}
