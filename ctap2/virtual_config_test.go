package ctap2_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// settingsKey has every setting.
func settingsKey(vendor func([]byte) error) virtual.Config {
	return virtual.Config{
		Enterprise:     &virtual.Enterprise{SerialNumber: []byte("no. 1")},
		PINComplexity:  &virtual.PINComplexity{},
		VendorCommands: map[uint64]func([]byte) error{1 << 40: vendor},
	}
}

// Every setting of a key, with a PIN and without one, where the token is nil.
func TestSettingsOfSoftwareKey(t *testing.T) {
	for _, pin := range []string{"", "135790"} {
		for _, protocol := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
			var vendor []byte
			config := settingsKey(func(params []byte) error { vendor = params; return nil })
			config.Protocols = []pinuv.Protocol{protocol}
			key, c := connect(t, config, nil)
			var token *pinuv.Token
			verify := func() {
				t.Helper()
				if pin == "" {
					return
				}
				var err error
				if token, err = c.PINToken(t.Context(), []byte(pin), ctap2.PermissionACFG, ""); err != nil {
					t.Fatal(err)
				}
			}
			if pin != "" {
				if err := key.SetPIN([]byte(pin)); err != nil {
					t.Fatal(err)
				}
				for _, err := range []error{c.ToggleAlwaysUv(t.Context(), nil), c.VendorPrototype(t.Context(), nil, 1<<40, nil)} {
					if !errors.Is(err, ctap2.StatusPUATRequired) {
						t.Errorf("without a token: %v", err)
					}
				}
			}
			verify()
			info := func() *ctap2.GetInfoResponse {
				t.Helper()
				r, err := c.Info(t.Context()) // a setting makes the client ask again
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			do := func(what string, err error, done bool) {
				t.Helper()
				if err != nil || !done {
					t.Errorf("PIN %q, %v, %s: %v, done %v", pin, protocol, what, err, done)
				}
			}
			for range 2 {
				do("ep", c.EnableEnterpriseAttestation(t.Context(), token), info().Options[ctap2.OptionEP])
			}
			do("long touch", c.EnableLongTouchForReset(t.Context(), token), *info().LongTouchForReset)
			do("vendor", c.VendorPrototype(t.Context(), token, 1<<40, map[uint64]any{2: true}), string(vendor) == "\xa2\x01\x1b\x00\x00\x01\x00\x00\x00\x00\x00\x02\xf5")
			err := c.SetMinPINLength(t.Context(), token, &ctap2.SetMinPINLengthParams{NewMinPINLength: 6, MinPinLengthRPIDs: []string{"example.com"}, PinComplexityPolicy: true})
			do("minimum", err, info().MinPINLength == 6 && *info().PinComplexityPolicy && !info().ForcePINChange)

			r := registration("ada")
			r.Options.RK, r.EnterpriseAttestation = nil, 2
			r.Extensions.RequestMinPINLength()
			r.Extensions.RequestPINComplexityPolicy()
			made, err := c.MakeCredential(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			least, err := made.AuthData.Extensions.MinPINLength()
			enforced, err2 := made.AuthData.Extensions.PINComplexityPolicy()
			do("told", errors.Join(err, err2), least == 6 && enforced != nil && *enforced)
			result, err := attestation.Verify(made.Fmt, made.AttStmt, made.AuthData.Raw, r.ClientDataHash)
			do("attestation", err, made.EpAtt && string(result.EnterpriseSerial) == "no. 1")

			verify() // the touch has spent the token
			do("always verify", c.ToggleAlwaysUv(t.Context(), token), info().Options[ctap2.OptionAlwaysUv])
			if _, err := c.MakeCredential(t.Context(), r); !errors.Is(err, ctap2.StatusPUATRequired) {
				t.Errorf("PIN %q: not verified: %v", pin, err)
			}
			do("no longer", c.ToggleAlwaysUv(t.Context(), token), !info().Options[ctap2.OptionAlwaysUv])

			err = c.SetMinPINLength(t.Context(), token, &ctap2.SetMinPINLengthParams{ForceChangePin: true})
			if pin == "" {
				if !errors.Is(err, ctap2.StatusPINNotSet) {
					t.Errorf("force without a PIN: %v", err)
				}
				continue
			}
			do("force", err, info().ForcePINChange)
			if err := c.ToggleAlwaysUv(t.Context(), token); !errors.Is(err, ctap2.StatusPINAuthInvalid) {
				t.Errorf("with a token of the old PIN: %v", err)
			}
			e, ok := errors.AsType[*ctap2.PINError](second(c.PINToken(t.Context(), []byte(pin), ctap2.PermissionACFG, "")))
			if !ok || e.Status != ctap2.StatusPINPolicyViolation || e.Retries != -1 || key.PINRetries() != 8 {
				t.Errorf("the old PIN: %v", e)
			}
		}
	}
}

// A key that verifies always and has no PIN yet: nil for a token switches that off.
func TestAlwaysUVOffWithoutPIN(t *testing.T) {
	_, c := connect(t, virtual.Config{AlwaysUV: true}, nil)
	if err := c.EnableLongTouchForReset(t.Context(), nil); !errors.Is(err, ctap2.StatusPUATRequired) {
		t.Errorf("another setting: %v", err)
	}
	if err := c.ToggleAlwaysUv(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if info, err := c.Info(t.Context()); err != nil || info.Options[ctap2.OptionAlwaysUv] {
		t.Errorf("options %v, %v", info, err)
	}
	_, c = connect(t, virtual.Config{AlwaysUV: true, AlwaysUVStays: true}, nil)
	if err := c.ToggleAlwaysUv(t.Context(), nil); !errors.Is(err, ctap2.StatusOperationDenied) {
		t.Errorf("a key that stays so: %v", err)
	}
}

// What a key lacks costs a getInfo and nothing else.
func TestSettingsThatAreMissing(t *testing.T) {
	for name, config := range map[string]virtual.Config{
		"CTAP 2.0":   {Profile: virtual.FIDO20},
		"no command": {WithoutCommands: []ctap2.Command{ctap2.CommandConfig}},
		"no feature": {WithoutPIN: true, WithoutLongTouch: true},
	} {
		key, c := connect(t, config, nil)
		for _, err := range []error{
			c.EnableEnterpriseAttestation(t.Context(), nil), c.ToggleAlwaysUv(t.Context(), nil), c.SetMinPINLength(t.Context(), nil, nil),
			c.EnableLongTouchForReset(t.Context(), nil), c.VendorPrototype(t.Context(), nil, 1, nil),
		} {
			if _, ok := errors.AsType[*ctap2.UnsupportedError](err); !ok {
				t.Errorf("%s: %v", name, err)
			}
		}
		if sent := key.Commands(); len(sent) != 1 {
			t.Errorf("%s: %d commands", name, len(sent))
		}
		// One that sends it all the same hears it from the key.
		err := c.Config(t.Context(), &ctap2.ConfigRequest{SubCommand: ctap2.SetMinPINLength, SubCommandParams: cbor.RawMessage{0xa0}})
		if !errors.Is(err, ctap2.StatusInvalidSubcommand) && !errors.Is(err, ctap2.StatusInvalidCommand) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A setting is one command, and the token of one PIN prompt does for all.
func TestWireCostOfSettings(t *testing.T) {
	key, c := connect(t, settingsKey(nil), nil)
	if err := key.SetPIN([]byte("135790")); err != nil {
		t.Fatal(err)
	}
	token, err := c.PINToken(t.Context(), []byte("135790"), ctap2.PermissionACFG, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.EnableEnterpriseAttestation(t.Context(), token), c.EnableLongTouchForReset(t.Context(), token)); err != nil {
		t.Fatal(err)
	}
	var sent []ctap2.Command
	for _, r := range key.Commands() {
		sent = append(sent, r.Command())
	}
	// The second getInfo is there because the first setting may have changed any
	// member of it.
	if want := []ctap2.Command{4, 6, 6, 0x0d, 4, 0x0d}; !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
}

// How a reset ends, and what a person is told.
func TestResetOfSoftwareKey(t *testing.T) {
	long := virtual.Script(virtual.Step{After: 6 * time.Second, Touch: virtual.LongTouch})
	for _, test := range []struct {
		name   string
		config virtual.Config
		wait   time.Duration
		want   error
	}{
		{"touched", virtual.Config{}, 0, nil},
		{"too late", virtual.Config{}, 11 * time.Second, ctap2.StatusNotAllowed},
		{"declined", virtual.Config{User: virtual.Deny()}, 0, ctap2.StatusOperationDenied},
		{"not touched", virtual.Config{User: virtual.NeverTouch()}, 0, ctap2.StatusUserActionTimeout},
		{"short touch", virtual.Config{LongTouchForReset: true}, 0, ctap2.StatusOperationDenied},
		{"long touch", virtual.Config{LongTouchForReset: true, User: long}, 0, nil},
		{"wrong transport", virtual.Config{TransportsForReset: []string{"nfc"}}, 0, ctap2.StatusOperationDenied},
		{"no such command", virtual.Config{WithoutCommands: []ctap2.Command{ctap2.CommandReset}}, 0, ctap2.StatusInvalidCommand},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key, c := connect(t, test.config, nil)
				if err := c.SetPIN(t.Context(), []byte("1234")); err != nil {
					t.Fatal(err)
				}
				if info, err := c.Info(t.Context()); err != nil || !info.Options[ctap2.OptionClientPIN] {
					t.Errorf("%+v, %v", info, err)
				}
				time.Sleep(test.wait)
				err := c.Reset(t.Context())
				if !errors.Is(err, test.want) || test.want == nil && err != nil {
					t.Errorf("%v, want %v", err, test.want)
				}
				info, err := c.Info(t.Context())
				if err != nil || info.Options[ctap2.OptionClientPIN] != (test.want != nil) || key.HasPIN() != (test.want != nil) {
					t.Errorf("%+v, %v", info, err)
				}
			})
		})
	}
}
