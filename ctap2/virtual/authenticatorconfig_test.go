package virtual_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// setting is a request for authenticatorConfig, with a token if a PIN is set.
func (h *host) setting(sub ctap2.ConfigSubCommand, params any) *ctap2.ConfigRequest {
	h.t.Helper()
	r := &ctap2.ConfigRequest{SubCommand: sub}
	if params != nil {
		b, err := cbor.Marshal(params)
		if err != nil {
			h.t.Fatal(err)
		}
		r.SubCommandParams = b
	}
	if h.pin != "" {
		r.Authorize(h.token(ctap2.PermissionACFG, ""))
	}
	return r
}

// set changes a setting.
func (h *host) set(sub ctap2.ConfigSubCommand, params any) {
	h.t.Helper()
	if b := h.want(0, h.setting(sub, params)); len(b) != 0 {
		h.t.Errorf("answered %x", b)
	}
}

// everySetting is a key that has every subcommand.
func everySetting() virtual.Config {
	return virtual.Config{
		Enterprise:     &virtual.Enterprise{},
		PINComplexity:  &virtual.PINComplexity{},
		VendorCommands: map[uint64]func([]byte) error{1: func([]byte) error { return nil }},
	}
}

// getInfo lists the subcommands that work, and no others do.
func TestConfigCommands(t *testing.T) {
	for _, test := range []struct {
		name   string
		config virtual.Config
		want   []uint
	}{
		{"everything", everySetting(), []uint{1, 2, 3, 4, 0xff}},
		{"plain", virtual.Config{}, []uint{2, 3, 4}},
		{"no long touch", virtual.Config{WithoutLongTouch: true}, []uint{2, 3}},
		{"no PIN", virtual.Config{WithoutPIN: true}, []uint{4}},
		{"no PIN, built-in user verification", virtual.Config{WithoutPIN: true, UV: virtual.UnconfiguredUV}, []uint{2, 4}},
		{"no PIN, but always verify", virtual.Config{WithoutPIN: true, AlwaysUV: true}, []uint{2, 4}},
		{"nothing", virtual.Config{WithoutPIN: true, WithoutLongTouch: true}, []uint{}},
		{"CTAP 2.1", virtual.Config{Profile: virtual.FIDO21, Enterprise: &virtual.Enterprise{}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, test.config)
			info := h.info()
			if got := info.AuthenticatorConfigCommands; (got == nil) != (test.want == nil) || !slices.Equal(got, test.want) || !info.Options["authnrCfg"] {
				t.Errorf("getInfo lists %v, want %v", got, test.want)
			}
			want := test.want
			if want == nil {
				want = []uint{1, 2, 3}
			}
			for sub := range uint(0x100) {
				r := &ctap2.ConfigRequest{SubCommand: ctap2.ConfigSubCommand(sub)}
				if r.SubCommand == ctap2.VendorPrototype {
					r.SubCommandParams = cbor.RawMessage{0xa1, 1, 1}
				}
				status, _ := h.send(r)
				switch offered := slices.Contains(want, sub); {
				case sub == 0 && status != ctap2.StatusMissingParameter: // zero is left out
					t.Errorf("no subcommand: %v", status)
				case sub != 0 && (status != ctap2.StatusInvalidSubcommand) != offered:
					t.Errorf("subcommand %d: %v", sub, status)
				case r.SubCommand == ctap2.ToggleAlwaysUv && h.info().Options["alwaysUv"]: // off again
					h.want(0, r)
				}
			}
		})
	}
	for _, c := range []virtual.Config{{Profile: virtual.FIDO20}, {WithoutCommands: []ctap2.Command{ctap2.CommandConfig}}} {
		h := newHost(t, c)
		h.want(ctap2.StatusInvalidCommand, &ctap2.ConfigRequest{SubCommand: ctap2.SetMinPINLength})
		if info := h.info(); info.Options["authnrCfg"] || info.Options["setMinPINLength"] || slices.Contains(info.Extensions, "minPinLength") {
			t.Errorf("getInfo %+v", info)
		}
	}
}

// What authenticatorConfig wants to be proven, in the order in which it is
// checked. Nothing of it is wanted of a key that verifies nobody.
func TestConfigAuthorization(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		bare := &ctap2.ConfigRequest{SubCommand: ctap2.EnableLongTouchForReset}
		h.want(0, bare)
		h.want(0, &ctap2.ConfigRequest{SubCommand: ctap2.EnableLongTouchForReset, PinUvAuthParam: []byte("ignored")})
		h.setPIN("1234")
		for _, test := range []struct {
			name   string
			want   ctap2.Status
			change func(r *ctap2.ConfigRequest)
		}{
			{"good", 0, func(*ctap2.ConfigRequest) {}},
			{"no subcommand", ctap2.StatusMissingParameter, func(r *ctap2.ConfigRequest) { r.SubCommand = 0 }},
			{"unknown subcommand", ctap2.StatusInvalidSubcommand, func(r *ctap2.ConfigRequest) { *r = ctap2.ConfigRequest{SubCommand: 0x7f} }},
			{"no proof", ctap2.StatusPUATRequired, func(r *ctap2.ConfigRequest) { r.PinUvAuthParam, r.PinUvAuthProtocol = nil, 9 }},
			{"no protocol", ctap2.StatusMissingParameter, func(r *ctap2.ConfigRequest) { r.PinUvAuthProtocol = 0 }},
			{"unknown protocol", ctap2.StatusInvalidParameter, func(r *ctap2.ConfigRequest) { r.PinUvAuthProtocol = 3 }},
			{"other protocol", ctap2.StatusPINAuthInvalid, func(r *ctap2.ConfigRequest) { r.PinUvAuthProtocol = 3 - r.PinUvAuthProtocol }},
			{"wrong MAC", ctap2.StatusPINAuthInvalid, func(r *ctap2.ConfigRequest) { r.PinUvAuthParam[0] ^= 1 }},
			{"empty MAC", ctap2.StatusPINAuthInvalid, func(r *ctap2.ConfigRequest) { r.PinUvAuthParam = []byte{} }},
			{"MAC of another subcommand", ctap2.StatusPINAuthInvalid, func(r *ctap2.ConfigRequest) { r.SubCommand = ctap2.ToggleAlwaysUv }},
			{"MAC of other parameters", ctap2.StatusPINAuthInvalid, func(r *ctap2.ConfigRequest) { r.SubCommandParams = cbor.RawMessage{0xa0} }},
			{"parameters not a map", ctap2.StatusCBORUnexpectedType, func(r *ctap2.ConfigRequest) { r.SubCommandParams = cbor.RawMessage{0x80} }},
		} {
			r := h.setting(ctap2.EnableLongTouchForReset, nil)
			test.change(r)
			if got, _ := h.send(r); got != test.want {
				t.Errorf("%s: answered %v, want %v", test.name, got, test.want)
			}
		}
		for _, p := range []ctap2.Permissions{ctap2.PermissionMC, ctap2.PermissionGA} {
			r := &ctap2.ConfigRequest{SubCommand: ctap2.EnableLongTouchForReset}
			r.Authorize(h.token(p, rp.ID))
			h.want(ctap2.StatusPINAuthInvalid, r)
		}
		// One token does for a whole piece of work.
		token := h.token(ctap2.PermissionACFG, "")
		for range 3 {
			r := &ctap2.ConfigRequest{SubCommand: ctap2.SetMinPINLength, SubCommandParams: cbor.RawMessage{0xa1, 1, 4}}
			r.Authorize(token)
			h.want(0, r)
		}
	})
}

// A token through built-in user verification changes settings if the key says so.
func TestConfigThroughUV(t *testing.T) {
	for _, acfg := range []bool{false, true} {
		h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV, UVAcfg: acfg})
		h.want(ctap2.StatusPUATRequired, &ctap2.ConfigRequest{SubCommand: ctap2.EnableLongTouchForReset})
		r, secret := h.uvRequest(ctap2.PermissionACFG, "")
		if h.info().Options["uvAcfg"] != acfg {
			t.Errorf("options %v", h.info().Options)
		}
		if !acfg {
			h.want(ctap2.StatusUnauthorizedPermission, r)
			continue
		}
		set := &ctap2.ConfigRequest{SubCommand: ctap2.EnableLongTouchForReset}
		set.Authorize(h.receive(r, secret))
		h.want(0, set)
	}
}

// alwaysUv takes makeCredUvNotRqd with it, and gives it back.
func TestToggleAlwaysUv(t *testing.T) {
	h := newHost(t, virtual.Config{})
	h.setPIN("1234")
	always := func(on bool) {
		t.Helper()
		o := h.info().Options
		if o["alwaysUv"] != on || o["makeCredUvNotRqd"] == on {
			t.Errorf("options %v", o)
		}
		want := ctap2.StatusSuccess
		if on {
			want = ctap2.StatusPUATRequired
		}
		h.want(want, h.complete(&ctap2.MakeCredentialRequest{}))
	}
	always(false)
	h.set(ctap2.ToggleAlwaysUv, nil)
	always(true)
	h.key.PowerCycle()
	always(true)
	h.set(ctap2.ToggleAlwaysUv, nil)
	always(false)

	// What was not optional before does not become it.
	strict := newHost(t, virtual.Config{UVForEverything: true})
	strict.set(ctap2.ToggleAlwaysUv, nil)
	strict.set(ctap2.ToggleAlwaysUv, nil)
	if o := strict.info().Options; o["alwaysUv"] || o["makeCredUvNotRqd"] {
		t.Errorf("options %v", o)
	}
}

func TestAlwaysUVStays(t *testing.T) {
	h := newHost(t, virtual.Config{AlwaysUVStays: true})
	toggle := &ctap2.ConfigRequest{SubCommand: ctap2.ToggleAlwaysUv}
	h.want(0, toggle)
	h.want(ctap2.StatusOperationDenied, toggle)
	h.setPIN("1234")
	h.want(ctap2.StatusPUATRequired, toggle)
	h.want(ctap2.StatusOperationDenied, h.setting(ctap2.ToggleAlwaysUv, nil))
	if !h.info().Options["alwaysUv"] {
		t.Error("switched off")
	}
}

// A key that verifies always, and has nothing yet to verify with, can be brought
// out of that without a proof, but nothing else.
func TestAlwaysUVWithoutUV(t *testing.T) {
	for name, c := range map[string]virtual.Config{
		"PIN not set":   {AlwaysUV: true},
		"no PIN at all": {AlwaysUV: true, WithoutPIN: true},
		"UV not set up": {AlwaysUV: true, WithoutPIN: true, UV: virtual.UnconfiguredUV},
		"with a proof":  {AlwaysUV: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, c)
			h.want(ctap2.StatusPUATRequired, &ctap2.ConfigRequest{SubCommand: ctap2.EnableLongTouchForReset})
			r := &ctap2.ConfigRequest{SubCommand: ctap2.ToggleAlwaysUv}
			if name == "with a proof" {
				r.PinUvAuthProtocol, r.PinUvAuthParam = 2, []byte("of nothing")
			}
			h.want(0, r)
			if h.info().Options["alwaysUv"] {
				t.Error("still on")
			}
			h.want(0, &ctap2.ConfigRequest{SubCommand: ctap2.EnableLongTouchForReset})
		})
	}
	h := newHost(t, virtual.Config{AlwaysUV: true})
	h.setPIN("1234")
	h.want(ctap2.StatusPUATRequired, &ctap2.ConfigRequest{SubCommand: ctap2.ToggleAlwaysUv})
}

// policy describes what setMinPINLength can change, and what it ends.
func (h *host) policy() string {
	h.t.Helper()
	i := h.info()
	_, token := h.key.Token()
	s := fmt.Sprintf("least %d, force %v, token %v, told", i.MinPINLength, i.ForcePINChange, token)
	if i.PinComplexityPolicy != nil && *i.PinComplexityPolicy {
		s = "complex, " + s
	}
	for _, id := range []string{"a", "b", "c", "vendor"} {
		if h.told(id, ctap2.ExtensionMinPINLength) != nil {
			s += " " + id
		}
	}
	return s
}

// told is what a relying party is told when it asks in a makeCredential.
func (h *host) told(rpID, extension string) cbor.RawMessage {
	h.t.Helper()
	r := h.create(&ctap2.MakeCredentialRequest{
		RP: ctap2.PublicKeyCredentialRPEntity{ID: rpID}, Extensions: ctap2.Extensions{extension: {0xf5}},
	})
	return r.AuthData.Extensions[extension]
}

func TestSetMinPINLength(t *testing.T) {
	complexity := virtual.Config{PINComplexity: &virtual.PINComplexity{}}
	type params = map[int]any
	for _, test := range []struct {
		name   string
		config virtual.Config
		pin    string
		params any
		want   ctap2.Status
		policy string // "": as it was
	}{
		{"no parameters", virtual.Config{}, "123456", nil, 0, ""},
		{"nothing", virtual.Config{}, "123456", params{}, 0, ""},
		{"unknown member", virtual.Config{}, "123456", params{9: "x"}, 0, ""},
		{"the same", virtual.Config{MinPINLength: 6}, "123456", params{1: 6}, 0, ""},
		{"longer, PIN long enough", virtual.Config{}, "123456", params{1: 6}, 0, "least 6, force false, token true, told"},
		{"longer, PIN too short", virtual.Config{}, "123456", params{1: 7}, 0, "least 7, force true, token false, told"},
		{"longer, PIN too short in code points", virtual.Config{}, "äöüß", params{1: 5}, 0, "least 5, force true, token false, told"},
		{"longer, no PIN", virtual.Config{}, "", params{1: 7}, 0, "least 7, force false, token false, told"},
		{"longest", virtual.Config{}, "", params{1: 63}, 0, "least 63, force false, token false, told"},
		{"longer than a PIN can be", virtual.Config{}, "", params{1: 64}, ctap2.StatusPINPolicyViolation, ""},
		{"longer than this key's can be", virtual.Config{MaxPINLength: 10}, "", params{1: 11}, ctap2.StatusPINPolicyViolation, ""},
		{"shorter", virtual.Config{MinPINLength: 6}, "123456", params{1: 5, 3: true}, ctap2.StatusPINPolicyViolation, ""},
		{"zero", virtual.Config{}, "123456", params{1: 0}, ctap2.StatusPINPolicyViolation, ""},
		{"enormous", virtual.Config{}, "", params{1: uint64(1<<64 - 1)}, ctap2.StatusPINPolicyViolation, ""},
		{"negative", virtual.Config{}, "", params{1: -1}, ctap2.StatusCBORUnexpectedType, ""},
		{"text", virtual.Config{}, "", params{1: "6"}, ctap2.StatusCBORUnexpectedType, ""},
		{"force", virtual.Config{}, "123456", params{3: true}, 0, "least 4, force true, token false, told"},
		{"do not force", virtual.Config{}, "123456", params{3: false}, 0, ""},
		{"force, no PIN", virtual.Config{}, "", params{1: 6, 3: true}, ctap2.StatusPINNotSet, ""},
		{"force, number", virtual.Config{}, "123456", params{3: 1}, ctap2.StatusCBORUnexpectedType, ""},
		{"relying parties", virtual.Config{}, "123456", params{2: []string{"a", "b"}}, 0, "least 4, force false, token true, told a b"},
		{"no relying parties", virtual.Config{}, "123456", params{2: []string{}}, 0, ""},
		{"in addition to the vendor's", virtual.Config{MinPINLengthRPIDs: []string{"vendor"}}, "123456", params{2: []string{"c"}}, 0,
			"least 4, force false, token true, told c vendor"},
		{"as many as there is room for", virtual.Config{MaxRPIDsForSetMinPINLength: 2}, "123456", params{2: []string{"a", "b"}}, 0,
			"least 4, force false, token true, told a b"},
		{"too many", virtual.Config{MaxRPIDsForSetMinPINLength: 2}, "123456", params{1: 8, 2: []string{"a", "b", "c"}, 3: true}, ctap2.StatusKeyStoreFull, ""},
		{"none allowed", virtual.Config{MaxRPIDsForSetMinPINLength: -1}, "123456", params{2: []string{"a"}}, ctap2.StatusKeyStoreFull, ""},
		{"relying parties, not a list", virtual.Config{}, "123456", params{2: "a"}, ctap2.StatusCBORUnexpectedType, ""},
		{"relying parties, not text", virtual.Config{}, "123456", params{2: []any{[]byte("a")}}, ctap2.StatusCBORUnexpectedType, ""},
		{"complexity", complexity, "123456", params{4: true}, 0, "complex, least 4, force false, token true, told"},
		{"complexity, not asked for", complexity, "123456", params{4: false}, 0, ""},
		{"complexity, unknown to the key", virtual.Config{}, "123456", params{4: true}, 0, ""},
		{"complexity, CTAP 2.1", virtual.Config{Profile: virtual.FIDO21, PINComplexity: &virtual.PINComplexity{}}, "123456", params{4: true}, 0, ""},
		{"everything", complexity, "123456", params{1: 8, 2: []string{"b"}, 3: true, 4: true}, 0, "complex, least 8, force true, token false, told b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, test.config)
			if test.pin != "" {
				h.setPIN(test.pin)
			}
			r := h.setting(ctap2.SetMinPINLength, test.params)
			// Asking about relying parties would spend the token.
			before := strings.ReplaceAll(newHost(t, test.config).policy(), "token false", fmt.Sprintf("token %v", test.pin != ""))
			h.want(test.want, r)
			want := test.policy
			if want == "" {
				want = before
			}
			for range 2 {
				if got := h.policy(); got != want {
					t.Errorf("%s; want %s", got, want)
				}
				h.key.PowerCycle()
				want = strings.Replace(want, "token true", "token false", 1)
			}
		})
	}
}

// A list takes the place of the one before.
func TestSetMinPINLengthReplacesTheList(t *testing.T) {
	h := newHost(t, virtual.Config{MinPINLengthRPIDs: []string{"vendor"}})
	for _, test := range []struct {
		list []string
		want string
	}{{[]string{"a", "b"}, " a b vendor"}, {[]string{"c"}, " c vendor"}, {nil, " c vendor"}} {
		h.set(ctap2.SetMinPINLength, &ctap2.SetMinPINLengthParams{MinPinLengthRPIDs: test.list})
		if got := h.policy(); !strings.HasSuffix(got, "told"+test.want) {
			t.Errorf("%v: %s", test.list, got)
		}
	}
}

// Without an extension to tell them, a list of relying parties makes no sense.
func TestSetMinPINLengthWithoutExtension(t *testing.T) {
	list := &ctap2.SetMinPINLengthParams{MinPinLengthRPIDs: []string{"a"}}
	without := virtual.Config{WithoutExtensions: []string{ctap2.ExtensionMinPINLength}}
	h := newHost(t, without)
	h.want(ctap2.StatusInvalidParameter, h.setting(ctap2.SetMinPINLength, list))
	h.want(ctap2.StatusInvalidParameter, h.setting(ctap2.SetMinPINLength, map[int]any{1: 3, 2: []string{}}))
	without.PINComplexity = &virtual.PINComplexity{}
	h = newHost(t, without)
	h.set(ctap2.SetMinPINLength, list)
	if h.told("a", ctap2.ExtensionPINComplexityPolicy) == nil {
		t.Error("the relying party is not told")
	}
}

func TestPINExtensions(t *testing.T) {
	h := newHost(t, virtual.Config{PINComplexity: &virtual.PINComplexity{}, MinPINLength: 30, MinPINLengthRPIDs: []string{"vendor"}})
	for _, id := range []string{ctap2.ExtensionMinPINLength, ctap2.ExtensionPINComplexityPolicy} {
		if !slices.Contains(h.info().Extensions, id) {
			t.Errorf("%s is not listed", id)
		}
		if got := h.told(rp.ID, id); got != nil {
			t.Errorf("%s tells a stranger %x", id, got)
		}
		for input, want := range map[string]ctap2.Status{"\xf5": 0, "\xf4": 0, "\x01": ctap2.StatusCBORUnexpectedType, "\xf6": ctap2.StatusCBORUnexpectedType} {
			for _, rpID := range []string{"vendor", rp.ID} {
				r := &ctap2.MakeCredentialRequest{RP: ctap2.PublicKeyCredentialRPEntity{ID: rpID}, Extensions: ctap2.Extensions{id: cbor.RawMessage(input)}}
				if got, _ := h.send(h.complete(r)); got != want {
					t.Errorf("%s, input %x: %v, want %v", id, input, got, want)
				}
			}
		}
		off := h.create(&ctap2.MakeCredentialRequest{RP: ctap2.PublicKeyCredentialRPEntity{ID: "vendor"}, Extensions: ctap2.Extensions{id: {0xf4}}})
		if off.AuthData.Extensions != nil {
			t.Errorf("%s answers false with %v", id, off.AuthData.Extensions)
		}
	}
	if got := h.told("vendor", ctap2.ExtensionMinPINLength); string(got) != "\x18\x1e" {
		t.Errorf("minPinLength %x", got)
	}
	for _, want := range []string{"\xf4", "\xf5"} {
		if got := h.told("vendor", ctap2.ExtensionPINComplexityPolicy); string(got) != want {
			t.Errorf("pinComplexityPolicy %x, want %x", got, want)
		}
		h.set(ctap2.SetMinPINLength, &ctap2.SetMinPINLengthParams{PinComplexityPolicy: true})
	}
	for name, c := range map[string]virtual.Config{
		"no policy": {}, "no PIN": {WithoutPIN: true, PINComplexity: &virtual.PINComplexity{}},
		"CTAP 2.1": {Profile: virtual.FIDO21, PINComplexity: &virtual.PINComplexity{}},
	} {
		if info := newHost(t, c).info(); slices.Contains(info.Extensions, ctap2.ExtensionPINComplexityPolicy) || info.PinComplexityPolicy != nil {
			t.Errorf("%s: getInfo %+v", name, info)
		}
	}
}

// A forced change ends every token, and PINs give no more until it is done.
func TestForcedChange(t *testing.T) {
	both(t, virtual.Config{UV: virtual.ConfiguredUV}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		h.set(ctap2.SetMinPINLength, &ctap2.SetMinPINLengthParams{ForceChangePin: true})
		if s, ok := h.key.Token(); ok {
			t.Errorf("token %+v", s)
		}
		r, _ := h.tokenRequest("1234", ctap2.PermissionGA, rp.ID)
		h.want(ctap2.StatusPINPolicyViolation, r)
		r, _ = h.legacyRequest("1234")
		h.want(ctap2.StatusPINInvalid, r)
		h.retries(8, false)
		h.receive(h.uvRequest(ctap2.PermissionGA, rp.ID)) // fingers are not PINs
		h.want(ctap2.StatusPINPolicyViolation, h.changePINRequest("1234", "1234"))
		h.want(0, h.changePINRequest("1234", "5678"))
		h.pin = "5678"
		h.token(ctap2.PermissionGA, rp.ID)
		h.want(0, h.changePINRequest("5678", "5678"))
	})
}

// An enforced policy judges new PINs; the one that is set stays good.
func TestPINComplexity(t *testing.T) {
	refuse := errors.New("")
	for _, test := range []struct {
		name   string
		policy virtual.PINComplexity
		pin    string
		want   error
	}{
		{"not enforced", virtual.PINComplexity{}, "1111", nil},
		{"too simple", virtual.PINComplexity{Enforced: true}, "1111", refuse},
		{"not too simple", virtual.PINComplexity{Enforced: true}, "1379", nil},
		{"of its own, good", virtual.PINComplexity{Enforced: true, Allows: func(pin []byte) bool { return string(pin) == "1111" }}, "1111", nil},
		{"of its own, bad", virtual.PINComplexity{Enforced: true, Allows: func(pin []byte) bool { return string(pin) == "1111" }}, "1379", refuse},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, virtual.Config{PINComplexity: &test.policy})
			want := ctap2.StatusSuccess
			if test.want != nil {
				want = ctap2.StatusPINPolicyViolation
			}
			h.want(want, h.setPINRequest(test.pin))
			if h.key.HasPIN() != (test.want == nil) {
				t.Error("the PIN is set, or is not")
			}
			if want != 0 {
				return
			}
			h.pin = test.pin
			h.want(0, h.changePINRequest(test.pin, test.pin))
			h.set(ctap2.SetMinPINLength, &ctap2.SetMinPINLengthParams{PinComplexityPolicy: true})
			h.token(ctap2.PermissionGA, rp.ID)
		})
	}
	h := newHost(t, virtual.Config{PINComplexity: &virtual.PINComplexity{URL: "https://example.com/pin"}})
	h.setPIN("1111")
	h.set(ctap2.SetMinPINLength, &ctap2.SetMinPINLengthParams{PinComplexityPolicy: true})
	h.want(ctap2.StatusPINPolicyViolation, h.changePINRequest("1111", "2222"))
	h.want(0, h.changePINRequest("1111", "2468"))
	if info := h.info(); !*info.PinComplexityPolicy || string(info.PinComplexityPolicyURL) != "https://example.com/pin" {
		t.Errorf("getInfo %+v", info)
	}
}

func TestNotTooSimple(t *testing.T) {
	for pin, want := range map[string]bool{
		"": false, "1": false, "1111": false, "1234": false, "4321": false, "dcba": false, "αβγδ": false, "ääää": false,
		"1112": true, "1235": true, "1357": true, "12341": true, "2580": true, "correct horse": true,
	} {
		if got := virtual.NotTooSimple([]byte(pin)); got != want {
			t.Errorf("%q: %v", pin, got)
		}
	}
}

func TestMaxPINLength(t *testing.T) {
	h := newHost(t, virtual.Config{MaxPINLength: 8})
	if n := h.info().MaxPINLength; n != 8 {
		t.Errorf("maxPINLength %d", n)
	}
	h.want(ctap2.StatusPINPolicyViolation, h.setPINRequest("123456789"))
	if _, ok := errors.AsType[*pinuv.PINError](h.key.SetPIN([]byte("123456789"))); !ok {
		t.Error("SetPIN takes it")
	}
	h.setPIN("äöüßäöüß") // 16 bytes
	h.want(ctap2.StatusPINPolicyViolation, h.changePINRequest(h.pin, "123456789"))
}

func TestVendorPrototype(t *testing.T) {
	var got []byte
	h := newHost(t, virtual.Config{VendorCommands: map[uint64]func([]byte) error{
		7:       func(params []byte) error { got = params; return nil },
		1 << 63: func([]byte) error { return ctap2.StatusLimitExceeded },
		3:       func([]byte) error { return errTest },
	}})
	if ids := h.info().VendorPrototypeConfigCommands; !slices.Equal(ids, []uint64{3, 7, 1 << 63}) {
		t.Errorf("getInfo lists %v", ids)
	}
	for _, test := range []struct {
		name   string
		params any
		want   ctap2.Status
	}{
		{"works", map[int]any{1: 7, 2: "x"}, 0},
		{"answers a status", map[int]any{1: uint64(1 << 63)}, ctap2.StatusLimitExceeded},
		{"fails", map[int]any{1: 3}, ctap2.StatusOther},
		{"unknown", map[int]any{1: 8}, ctap2.StatusInvalidParameter},
		{"no ID", map[int]any{2: 7}, ctap2.StatusMissingParameter},
		{"no parameters", nil, ctap2.StatusMissingParameter},
		{"ID is text", map[int]any{1: "7"}, ctap2.StatusCBORUnexpectedType},
	} {
		if s, _ := h.send(h.setting(ctap2.VendorPrototype, test.params)); s != test.want {
			t.Errorf("%s: answered %v, want %v", test.name, s, test.want)
		}
	}
	if string(got) != "\xa2\x01\x07\x02\x61x" {
		t.Errorf("the vendor gets %x", got)
	}
	h.setPIN("1234")
	h.want(ctap2.StatusPUATRequired, &ctap2.ConfigRequest{SubCommand: ctap2.VendorPrototype, SubCommandParams: cbor.RawMessage{0xa1, 1, 7}})
	h.set(ctap2.VendorPrototype, map[int]any{1: 7})
}

func TestCertifications(t *testing.T) {
	certifications := map[string]uint{"FIDO": 3, "CC-EAL": 5}
	h := newHost(t, virtual.Config{Certifications: certifications, FirmwareVersion: 0x50403})
	certifications["FIDO"] = 6
	if info := h.info(); info.Certifications["FIDO"] != 3 || info.Certifications["CC-EAL"] != 5 || *info.FirmwareVersion != 0x50403 {
		t.Errorf("getInfo %+v", info)
	}
}
