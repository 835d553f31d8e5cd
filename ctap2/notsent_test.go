package ctap2_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// What no key can have for a PIN, and requests for nothing, are not sent.
func TestNotSent(t *testing.T) {
	const mc, cm = ctap2.PermissionMC, ctap2.PermissionCM
	for _, test := range []struct {
		name        string
		pin         string
		permissions ctap2.Permissions
		rpID        string
		rule        pinuv.PINRule // zero: a parameter is missing
		text        string
	}{
		{"empty", "", cm, "", pinuv.PINTooShort, "too short"},
		{"three digits", "123", cm, "", pinuv.PINTooShort, "too short"},
		{"three bytes when normalised", "a\u0308b", cm, "", pinuv.PINTooShort, "too short"},
		{"64 bytes", strings.Repeat("\u00e4", 32), cm, "", pinuv.PINTooManyBytes, "64 bytes"},
		{"NUL at the end", "1234\x00", cm, "", pinuv.PINTrailingNUL, "NUL"},
		{"not UTF-8", "1234\xff", cm, "", pinuv.PINNotUTF8, "UTF-8"},
		{"no permissions", "1234", 0, "example.com", 0, "at least one permission"},
		{"no RP ID", "1234", mc | cm, "", 0, "RP ID, which the permissions mc need"},
	} {
		for _, asTyped := range []bool{false, true} {
			if asTyped && strings.Contains(test.pin, "\u0308") {
				continue
			}
			k := newFakeKey(t, "1234", pinuv.Two)
			c := ctap2.NewClient(k, &ctap2.ClientConfig{PINAsTyped: asTyped})
			if _, err := c.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.took()
			_, tokenErr := c.PINToken(t.Context(), []byte(test.pin), test.permissions, test.rpID)
			errs := []error{tokenErr}
			if test.rule != 0 {
				errs = append(errs, c.ChangePIN(t.Context(), []byte(test.pin), []byte("4321")), c.ChangePIN(t.Context(), []byte("1234"), []byte(test.pin)))
			}
			for i, err := range errs {
				command, named := errors.AsType[*ctap2.CommandError](err)
				pin, ok := errors.AsType[*pinuv.PINError](err)
				if !named || command.Command != ctap2.CommandClientPIN || command.SubCommand == 0 || !strings.Contains(err.Error(), test.text) {
					t.Errorf("%s, %d: %v, want %q", test.name, i, err, test.text)
				}
				if test.rule != 0 && (!ok || pin.Rule != test.rule) || test.rule == 0 && !errors.Is(err, ctap2.StatusMissingParameter) {
					t.Errorf("%s, %d: %v", test.name, i, err)
				}
			}
			if sent := k.took(); len(sent) != 0 {
				t.Errorf("%s: sent %q", test.name, sent)
			}
		}
	}
	k := newFakeKey(t, "", pinuv.Two)
	k.info.Options[ctap2.OptionUV] = true
	c := ctap2.NewClient(k, nil)
	for _, err := range []error{second(c.UVToken(t.Context(), 0, "a")), second(c.UVToken(t.Context(), mc, ""))} {
		if !errors.Is(err, ctap2.StatusMissingParameter) || len(k.took()) != 0 {
			t.Error(err)
		}
	}
}
