package ctap2_test

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

func TestConfig(t *testing.T) {
	type call = func(*ctap2.Client, *pinuv.Token) error
	setMin := func(p *ctap2.SetMinPINLengthParams) call {
		return func(c *ctap2.Client, token *pinuv.Token) error { return c.SetMinPINLength(t.Context(), token, p) }
	}
	var (
		enterprise call = func(c *ctap2.Client, token *pinuv.Token) error {
			return c.EnableEnterpriseAttestation(t.Context(), token)
		}
		always call = func(c *ctap2.Client, token *pinuv.Token) error { return c.ToggleAlwaysUv(t.Context(), token) }
		long   call = func(c *ctap2.Client, token *pinuv.Token) error { return c.EnableLongTouchForReset(t.Context(), token) }
		vendor call = func(c *ctap2.Client, token *pinuv.Token) error {
			return c.VendorPrototype(t.Context(), token, 1<<63, map[uint64]any{2: "x", 1: "ignored"})
		}
	)
	without := func(option string) func(*ctap2.GetInfoResponse) {
		return func(info *ctap2.GetInfoResponse) { delete(info.Options, option) }
	}
	for _, test := range []struct {
		name    string
		change  func(*ctap2.GetInfoResponse)
		call    call
		params  string // of the request, in hexadecimal; "none"
		problem string // of an *UnsupportedError: nothing is sent
	}{
		{"enterprise attestation", nil, enterprise, "none", ""},
		{"enterprise attestation, not capable", without(ctap2.OptionEP), enterprise, "", "enterprise attestation"},
		{"always verify", nil, always, "none", ""},
		{"always verify, unknown", without(ctap2.OptionAlwaysUv), always, "", "always verifying"},
		{"minimum length", nil, setMin(&ctap2.SetMinPINLengthParams{NewMinPINLength: 8}), "a10108", ""},
		{"minimum length as it is", nil, setMin(&ctap2.SetMinPINLengthParams{NewMinPINLength: 6}), "a10106", ""},
		{"minimum length shorter", nil, setMin(&ctap2.SetMinPINLengthParams{NewMinPINLength: 5}), "", "less than the present 6"},
		{"everything", nil, setMin(&ctap2.SetMinPINLengthParams{NewMinPINLength: 8, MinPinLengthRPIDs: []string{"a", "b"}, ForceChangePin: true, PinComplexityPolicy: true}),
			"a4010802826161616203f504f5", ""},
		{"nothing", nil, setMin(nil), "a0", ""},
		{"too many RP IDs", nil, setMin(&ctap2.SetMinPINLengthParams{MinPinLengthRPIDs: []string{"a", "b", "c"}}), "", "more than 2 relying parties"},
		{"minimum length, not capable", without(ctap2.OptionSetMinPINLength), setMin(nil), "", "minimum PIN length"},
		{"long touch", nil, long, "none", ""},
		{"long touch, unknown", func(info *ctap2.GetInfoResponse) { info.LongTouchForReset = nil }, long, "", "long touch"},
		{"vendor", nil, vendor, "a2011b8000000000000000026178", ""},
		{"vendor, unknown", func(info *ctap2.GetInfoResponse) { info.VendorPrototypeConfigCommands = []uint64{1} }, vendor, "", "0x8000000000000000"},
		{"no command at all", without(ctap2.OptionAuthnrCfg), enterprise, "", "changing settings"},
		{"listed", func(info *ctap2.GetInfoResponse) { info.AuthenticatorConfigCommands = []uint{2, 1} }, enterprise, "none", ""},
		{"not listed", func(info *ctap2.GetInfoResponse) { info.AuthenticatorConfigCommands = []uint{1} }, always, "", "toggleAlwaysUv"},
		{"list is empty", func(info *ctap2.GetInfoResponse) { info.AuthenticatorConfigCommands = []uint{} }, enterprise, "", "enableEnterpriseAttestation"},
	} {
		for _, token := range []*pinuv.Token{nil, someToken(t, pinuv.One), someToken(t, pinuv.Two)} {
			k := newFakeKey(t, "1234", pinuv.Two)
			for _, option := range []string{ctap2.OptionAuthnrCfg, ctap2.OptionEP, ctap2.OptionAlwaysUv, ctap2.OptionSetMinPINLength} {
				k.info.Options[option] = option == ctap2.OptionAuthnrCfg || option == ctap2.OptionSetMinPINLength
			}
			k.info.MinPINLength, k.info.MaxRPIDsForSetMinPINLength = 6, new(uint(2))
			k.info.LongTouchForReset, k.info.VendorPrototypeConfigCommands = new(false), []uint64{1 << 63}
			if test.change != nil {
				test.change(k.info)
			}
			var came *ctap2.ConfigRequest
			k.answers[ctap2.CommandConfig] = func(b []byte) []byte {
				var err error
				if came, err = ctap2.ParseConfigRequest(b[1:]); err != nil {
					t.Fatal(err)
				}
				return []byte{0}
			}
			c := ctap2.NewClient(k, nil)
			err := test.call(c, token)
			if test.problem != "" {
				if e, ok := errors.AsType[*ctap2.UnsupportedError](err); !ok || !strings.Contains(e.Feature, test.problem) || came != nil {
					t.Errorf("%s: %v", test.name, err)
				}
				continue
			}
			if err != nil || came == nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			want := test.params
			if want == "none" {
				want = ""
			}
			if got := hex.EncodeToString(came.SubCommandParams); got != want || came.Has(2) != (test.params != "none") {
				t.Errorf("%s: params %s, want %s", test.name, got, want)
			}
			if token == nil && (came.Has(3) || came.Has(4)) || token != nil && !token.Verify(came.Message(), came.PinUvAuthParam) {
				t.Errorf("%s: not authorised as it should be", test.name)
			}
			// A setting changes what getInfo says.
			k.took()
			if _, err := c.Info(t.Context()); err != nil || !slices.Equal(k.took(), []string{"authenticatorGetInfo"}) {
				t.Errorf("%s: getInfo is remembered: %v", test.name, err)
			}
		}
	}
	k := newFakeKey(t, "", pinuv.Two)
	k.answers[ctap2.CommandConfig] = status(ctap2.StatusInvalidSubcommand)
	err := ctap2.NewClient(k, nil).Config(t.Context(), &ctap2.ConfigRequest{SubCommand: 0x7f})
	if !errors.Is(err, ctap2.StatusInvalidSubcommand) || !strings.Contains(err.Error(), "authenticatorConfig subcommand 0x7f") || !slices.Equal(k.took(), []string{"subcommand 0x7f"}) {
		t.Errorf("as it is: %v", err)
	}
}
