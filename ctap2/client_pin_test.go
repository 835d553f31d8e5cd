package ctap2_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// The published exchanges, byte for byte: a client with the published random
// bytes sends the published requests and finds the published tokens.
func TestPINExchangeKnownAnswers(t *testing.T) {
	v := func(name string) []byte { return vector(t, name) }
	iv := func(b byte) []byte { return bytes.Repeat([]byte{b}, 16) }
	private := v("one: platform_private_key")
	point := func(owner string) map[int]any {
		return map[int]any{1: 2, 3: -25, -1: 1, -2: v("one: " + owner + "_x"), -3: v("one: " + owner + "_y")}
	}
	for _, test := range []struct {
		name     string
		protocol pinuv.Protocol
		tokens   bool // getInfo has pinUvAuthToken
		random   []byte
		reply    map[uint64]any
		call     func(*ctap2.Client) ([]byte, error)
		request  map[uint64]any
		result   []byte
	}{
		{"one getPinToken", pinuv.One, false, private, map[uint64]any{2: v("one: encrypted pinToken (16 bytes)")},
			func(c *ctap2.Client) ([]byte, error) { return exposed(c.PINToken(t.Context(), []byte("1234"), 3, "a")) },
			map[uint64]any{2: 5, 6: v("one: pinHashEnc")}, v("one: pinToken")},
		{"one setPIN", pinuv.One, false, private, nil,
			func(c *ctap2.Client) ([]byte, error) { return nil, c.SetPIN(t.Context(), []byte("1234")) },
			map[uint64]any{2: 3, 4: v("one: setPIN pinUvAuthParam"), 5: v("one: setPIN newPinEnc")}, nil},
		{"one changePIN", pinuv.One, false, private, nil,
			func(c *ctap2.Client) ([]byte, error) {
				return nil, c.ChangePIN(t.Context(), []byte("1234"), []byte("4321"))
			},
			map[uint64]any{2: 4, 4: v("one: changePIN pinUvAuthParam"), 5: v(`one: changePIN newPinEnc ("4321")`), 6: v("one: pinHashEnc")}, nil},
		{"two getPinUvAuthTokenUsingPinWithPermissions", pinuv.Two, true, slices.Concat(private, iv(0xa2)),
			map[uint64]any{2: v("two: encrypted pinUvAuthToken, IV a3*16 (48 bytes)")},
			func(c *ctap2.Client) ([]byte, error) {
				return exposed(c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionMC|ctap2.PermissionGA, "example.com"))
			},
			map[uint64]any{2: 9, 6: v(`two: pinHashEnc("1234"), IV a2*16 (32 bytes)`), 9: 3, 10: "example.com"}, v("two: pinUvAuthToken")},
		{"two getPinUvAuthTokenUsingUvWithPermissions", pinuv.Two, true, private,
			map[uint64]any{2: v("two: encrypted pinUvAuthToken, IV a3*16 (48 bytes)")},
			func(c *ctap2.Client) ([]byte, error) {
				return exposed(c.UVToken(t.Context(), ctap2.PermissionCM, ""))
			},
			map[uint64]any{2: 6, 9: 4}, v("two: pinUvAuthToken")},
		{"two setPIN", pinuv.Two, true, slices.Concat(private, iv(0xa0)), nil,
			func(c *ctap2.Client) ([]byte, error) { return nil, c.SetPIN(t.Context(), []byte("1234")) },
			map[uint64]any{2: 3, 4: v("two: setPIN pinUvAuthParam (32 bytes)"), 5: v(`two: newPinEnc("1234") (80 bytes)`)}, nil},
		{"two changePIN", pinuv.Two, true, slices.Concat(private, iv(0xa1), iv(0xa2)), nil,
			func(c *ctap2.Client) ([]byte, error) {
				return nil, c.ChangePIN(t.Context(), []byte("1234"), []byte("4321"))
			},
			map[uint64]any{2: 4, 4: v("two: changePIN pinUvAuthParam"), 5: v(`two: newPinEnc("4321"), IV a1*16`),
				6: v(`two: pinHashEnc("1234"), IV a2*16 (32 bytes)`)}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			info := reply(t, map[uint64]any{1: []string{"FIDO_2_1"}, 3: make([]byte, 16),
				4: map[string]bool{"clientPin": true, "uv": true, "pinUvAuthToken": test.tokens}, 6: []uint{uint(test.protocol)}})
			last := []byte{0}
			if test.reply != nil {
				last = reply(t, test.reply)
			}
			s := &script{replies: [][]byte{info, reply(t, map[uint64]any{1: point("authenticator")}), last}}
			c := ctap2.NewClient(s, &ctap2.ClientConfig{Rand: bytes.NewReader(test.random)})
			result, err := test.call(c)
			if err != nil || !bytes.Equal(result, test.result) {
				t.Errorf("result %x, %v, want %x", result, err, test.result)
			}
			test.request[1] = uint(test.protocol)
			test.request[3] = point("platform")
			want, err := cbor.Append([]byte{6}, test.request)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.requests) != 3 || !bytes.Equal(s.requests[0], []byte{4}) ||
				!bytes.Equal(s.requests[1], []byte{6, 0xa2, 1, byte(test.protocol), 2, 2}) || !bytes.Equal(s.requests[2], want) {
				t.Errorf("requests %x\nwant %x last", s.requests, want)
			}
		})
	}
}

func exposed(token *pinuv.Token, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return token.ExposeSecret(), nil
}

// What each verb sends, once getInfo is known.
func TestWireCost(t *testing.T) {
	const agree, usingPIN, usingUV = "getKeyAgreement", "getPinUvAuthTokenUsingPinWithPermissions", "getPinUvAuthTokenUsingUvWithPermissions"
	assertion := func([]byte) []byte { return vector(t, "getAssertion reply") }
	for _, test := range []struct {
		name   string
		change func(*fakeKey)
		fresh  bool // getInfo is not known yet
		call   func(*ctap2.Client) error
		want   []string
	}{
		{name: "PINToken", call: func(c *ctap2.Client) error {
			_, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionMC, "a")
			return err
		}, want: []string{agree, usingPIN}},
		{name: "PINToken of a key without permissions", change: func(k *fakeKey) { delete(k.info.Options, ctap2.OptionPinUvAuthToken) },
			call: func(c *ctap2.Client) error {
				_, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionMC, "a")
				return err
			}, want: []string{agree, "getPinToken"}},
		{name: "wrong PIN", call: func(c *ctap2.Client) error {
			if _, err := c.PINToken(t.Context(), []byte("4321"), ctap2.PermissionMC, "a"); !errors.Is(err, ctap2.StatusPINInvalid) {
				return fmt.Errorf("wrong PIN: %w", err)
			}
			return nil
		}, want: []string{agree, usingPIN, "getPINRetries"}},
		{name: "UVToken", change: func(k *fakeKey) { k.info.Options[ctap2.OptionUV] = true }, call: func(c *ctap2.Client) error {
			_, err := c.UVToken(t.Context(), ctap2.PermissionGA, "a")
			return err
		}, want: []string{agree, usingUV}},
		{name: "SetPIN", change: func(k *fakeKey) { k.pin = "" }, call: func(c *ctap2.Client) error {
			return c.SetPIN(t.Context(), []byte("1234"))
		}, want: []string{agree, "setPIN"}},
		{name: "ChangePIN", call: func(c *ctap2.Client) error {
			return c.ChangePIN(t.Context(), []byte("1234"), []byte("12345"))
		}, want: []string{agree, "changePIN"}},
		{name: "SetPIN, then Info", change: func(k *fakeKey) { k.pin = "" }, call: func(c *ctap2.Client) error {
			_, err := c.Info(t.Context())
			return errors.Join(err, c.SetPIN(t.Context(), []byte("1234")), second(c.Info(t.Context())))
		}, want: []string{agree, "setPIN", "authenticatorGetInfo"}},
		{name: "PINRetries", fresh: true, call: func(c *ctap2.Client) error { return second(c.PINRetries(t.Context())) }, want: []string{"getPINRetries"}},
		{name: "UVRetries", fresh: true, call: func(c *ctap2.Client) error { return second(c.UVRetries(t.Context())) }, want: []string{"getUVRetries"}},
		{name: "Selection", call: func(c *ctap2.Client) error { return c.Selection(t.Context()) }, want: []string{"authenticatorSelection"}},
		{name: "Reset", fresh: true, call: func(c *ctap2.Client) error { return c.Reset(t.Context()) }, want: []string{"authenticatorReset"}},
		{name: "login with PIN", fresh: true, change: func(k *fakeKey) { k.answers[ctap2.CommandGetAssertion] = assertion }, call: func(c *ctap2.Client) error {
			token, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA, "a")
			if err != nil {
				return err
			}
			r := &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash}
			r.Authorize(token)
			return second(c.GetAssertion(t.Context(), r))
		}, want: []string{"authenticatorGetInfo", agree, usingPIN, "authenticatorGetAssertion"}},
	} {
		k := newFakeKey(t, "1234", pinuv.Two, pinuv.One)
		if test.change != nil {
			test.change(k)
		}
		c := ctap2.NewClient(k, nil)
		if !test.fresh {
			if _, err := c.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.took()
		}
		if err := test.call(c); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := k.took(); !slices.Equal(got, test.want) {
			t.Errorf("%s sends %q, want %q", test.name, got, test.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestWrongPIN(t *testing.T) {
	for _, protocol := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		k := newFakeKey(t, "1234", protocol)
		c := ctap2.NewClient(k, nil)
		for i, want := range []struct {
			status  ctap2.Status
			retries int
			cycle   bool
			text    string
		}{
			{ctap2.StatusPINInvalid, 7, false, "the PIN is wrong; 7 tries left"},
			{ctap2.StatusPINInvalid, 6, false, "the PIN is wrong; 6 tries left"},
			{ctap2.StatusPINAuthBlocked, 5, true, "too many wrong PINs in a row: unplug the key and plug it in, or take it off the reader, then try again; 5 tries left"},
			{ctap2.StatusPINAuthBlocked, 5, true, "too many wrong PINs in a row: unplug the key and plug it in, or take it off the reader, then try again; 5 tries left"},
			{ctap2.StatusPINInvalid, 4, false, "the PIN is wrong; 4 tries left"},
			{ctap2.StatusPINInvalid, 3, false, "the PIN is wrong; 3 tries left"},
			{ctap2.StatusPINAuthBlocked, 2, true, "too many wrong PINs in a row: unplug the key and plug it in, or take it off the reader, then try again; 2 tries left"},
			{ctap2.StatusPINInvalid, 1, false, "the PIN is wrong; 1 try left, after that only a reset helps, and it erases the key"},
			{ctap2.StatusPINBlocked, 0, false, "the PIN is blocked after too many wrong tries: only a reset helps, and it erases the key"},
		} {
			if i == 4 || i == 7 {
				k.misses = 0 // a power cycle
			}
			_, err := c.PINToken(t.Context(), []byte("4321"), ctap2.PermissionMC, "a")
			e, ok := errors.AsType[*ctap2.PINError](err)
			if !ok {
				t.Fatalf("try %d: %v", i, err)
			}
			if e.Status != want.status || e.Retries != want.retries || e.PowerCycleNeeded != want.cycle || e.Error() != want.text {
				t.Errorf("try %d: %+v: %v\nwant %+v", i, e, e, want)
			}
			command, ok := errors.AsType[*ctap2.CommandError](err)
			if !ok || command.SubCommand != uint(ctap2.GetPinUvAuthTokenUsingPinWithPermissions) || !errors.Is(err, want.status) {
				t.Errorf("try %d: wraps %v", i, command)
			}
		}
	}
}

func TestPINErrors(t *testing.T) {
	token := func(pin string) func(*ctap2.Client) error {
		return func(c *ctap2.Client) error {
			return second(c.PINToken(t.Context(), []byte(pin), ctap2.PermissionGA, "a"))
		}
	}
	setPIN := func(pin string) func(*ctap2.Client) error {
		return func(c *ctap2.Client) error { return c.SetPIN(t.Context(), []byte(pin)) }
	}
	const composed, decomposed = "\u00e4bcd", "a\u0308bcd"
	for _, test := range []struct {
		name   string
		pin    string
		change func(*fakeKey)
		config ctap2.ClientConfig
		call   func(*ctap2.Client) error
		want   error
		text   string // part of the message
		sent   int    // commands other than getInfo
	}{
		{name: "no PIN is set", call: token("1234"), want: ctap2.StatusPINNotSet, text: "set one first", sent: 2},
		{name: "a PIN is set already", pin: "1234", call: setPIN("1234"), want: ctap2.StatusPINAuthInvalid, text: "a PIN is set on the key already", sent: 2},
		{name: "the key's policy", change: func(k *fakeKey) { k.pins[ctap2.SetPIN] = []byte{0x37} }, call: setPIN("1234"),
			want: ctap2.StatusPINPolicyViolation, text: "choose another", sent: 2},
		{name: "must be changed, as getInfo says", pin: "1234", change: func(k *fakeKey) { k.info.ForcePINChange = true }, call: token("1234"),
			want: ctap2.StatusPINPolicyViolation, text: "change the PIN"},
		{name: "must be changed, as the key says", pin: "1234", change: func(k *fakeKey) { k.pins[ctap2.GetPinUvAuthTokenUsingPinWithPermissions] = []byte{0x37} },
			call: token("1234"), want: ctap2.StatusPINPolicyViolation, text: "change the PIN", sent: 2},
		{name: "must be changed and is", pin: "1234", change: func(k *fakeKey) { k.info.ForcePINChange = true },
			call: func(c *ctap2.Client) error { return c.ChangePIN(t.Context(), []byte("1234"), []byte("4321")) }, sent: 2},
		{name: "the key can't have one", change: func(k *fakeKey) { delete(k.info.Options, ctap2.OptionClientPIN) }, call: token("1234"),
			want: errors.ErrUnsupported, text: "a PIN"},
		{name: "no known protocol", pin: "1234", change: func(k *fakeKey) { k.info.PinUvAuthProtocols = []pinuv.Protocol{7} }, call: token("1234"),
			want: errors.ErrUnsupported, text: "protocol"},
		{name: "no verification of its own", pin: "1234", want: errors.ErrUnsupported, text: "user verification",
			call: func(c *ctap2.Client) error { return second(c.UVToken(t.Context(), ctap2.PermissionGA, "a")) }},
		{name: "verification failed", pin: "1234", change: func(k *fakeKey) {
			k.info.Options[ctap2.OptionUV] = true
			k.pins[ctap2.GetPinUvAuthTokenUsingUvWithPermissions] = []byte{0x3f}
		}, call: func(c *ctap2.Client) error { return second(c.UVToken(t.Context(), ctap2.PermissionGA, "a")) },
			want: ctap2.StatusUVInvalid, text: "try again", sent: 2},
		{name: "permission refused", pin: "1234", change: func(k *fakeKey) { k.pins[ctap2.GetPinUvAuthTokenUsingPinWithPermissions] = []byte{0x40} },
			call: token("1234"), want: ctap2.StatusUnauthorizedPermission, sent: 2},
		{name: "nothing typed", pin: "1234", call: token(""), text: "too short"},
		{name: "new one too short", call: setPIN("123"), text: "at least 4"},
		{name: "new one too short for the key", change: func(k *fakeKey) { k.info.MinPINLength = 8 }, call: setPIN("1234567"), text: "at least 8"},
		{name: "new one too long for the key", change: func(k *fakeKey) { k.info.MaxPINLength = 8 }, call: setPIN("123456789"), text: "at most 8"},
		{name: "new one of 64 bytes", call: setPIN(strings.Repeat("ä", 32)), text: "64 bytes"},
		{name: "new one of 63 bytes", call: setPIN(strings.Repeat("€", 21)), sent: 2},
		{name: "new one not UTF-8", call: setPIN("123\xff"), text: "UTF-8"},
		{name: "new one normalised", change: func(k *fakeKey) {
			k.t.Cleanup(func() {
				if k.pin != composed {
					k.t.Errorf("the PIN that was set is %+q", k.pin)
				}
			})
		}, call: setPIN(decomposed), sent: 2},
		{name: "typed decomposed, set composed", pin: composed, call: token(decomposed), sent: 2},
		{name: "typed decomposed, set decomposed", pin: decomposed, call: token(decomposed), want: ctap2.StatusPINInvalid, text: "another Unicode form", sent: 3},
		{name: "typed decomposed, set decomposed, sent as typed", pin: decomposed, config: ctap2.ClientConfig{PINAsTyped: true}, call: token(decomposed), sent: 2},
		{name: "typed composed, wrong", pin: "1234", call: token(composed), want: ctap2.StatusPINInvalid, text: "7 tries left", sent: 3},
		{name: "key agreement key missing", pin: "1234", change: func(k *fakeKey) { k.pins[ctap2.GetKeyAgreement] = []byte{0} }, call: token("1234"), text: "keyAgreement is missing", sent: 1},
		{name: "key agreement key not on the curve", pin: "1234", change: func(k *fakeKey) {
			k.pins[ctap2.GetKeyAgreement] = reply(k.t, map[uint64]any{1: map[int]any{1: 2, 3: -25, -1: 1, -2: bytes.Repeat([]byte{1}, 32), -3: bytes.Repeat([]byte{1}, 32)}})
		}, call: token("1234"), text: "makes no sense", sent: 1},
		{name: "token missing", pin: "1234", change: func(k *fakeKey) { k.pins[ctap2.GetPinUvAuthTokenUsingPinWithPermissions] = []byte{0, 0xa0} },
			call: token("1234"), text: "pinUvAuthToken is missing", sent: 2},
		{name: "token of 16 bytes", pin: "1234", change: func(k *fakeKey) {
			k.pins[ctap2.GetPinUvAuthTokenUsingPinWithPermissions] = reply(k.t, map[uint64]any{2: make([]byte, 32)})
		}, call: token("1234"), text: "makes no sense", sent: 2},
		{name: "token of 7 bytes", pin: "1234", change: func(k *fakeKey) {
			k.pins[ctap2.GetPinUvAuthTokenUsingPinWithPermissions] = reply(k.t, map[uint64]any{2: make([]byte, 7)})
		}, call: token("1234"), text: "makes no sense", sent: 2},
		{name: "retries missing", call: func(c *ctap2.Client) error { return second(c.PINRetries(t.Context())) },
			change: func(k *fakeKey) { k.pins[ctap2.GetPINRetries] = []byte{0} }, text: "pinRetries is missing", sent: 1},
		{name: "tries can't be told", pin: "1234", change: func(k *fakeKey) { k.pins[ctap2.GetPINRetries] = []byte{1} }, call: token("4321"),
			want: ctap2.StatusPINInvalid, text: "the PIN is wrong", sent: 3},
		{name: "no random bytes", pin: "1234", config: ctap2.ClientConfig{Rand: bytes.NewReader(nil)}, call: token("1234"), want: io.EOF, sent: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := newFakeKey(t, test.pin, pinuv.Two)
			if test.change != nil {
				test.change(k)
			}
			err := test.call(ctap2.NewClient(k, &test.config))
			switch {
			case test.want == nil && test.text == "":
				if err != nil {
					t.Errorf("got %v", err)
				}
			case err == nil, test.want != nil && !errors.Is(err, test.want), !strings.Contains(err.Error(), test.text):
				t.Errorf("got %v, want %v with %q", err, test.want, test.text)
			}
			if sent := slices.DeleteFunc(k.took(), func(s string) bool { return s == "authenticatorGetInfo" }); len(sent) != test.sent {
				t.Errorf("sent %q, want %d commands", sent, test.sent)
			}
		})
	}
}

// Another program may have changed the PIN since getInfo said that it must be
// changed.
func TestForcePINChangeIsAskedAgain(t *testing.T) {
	k := newFakeKey(t, "1234", pinuv.Two)
	k.info.ForcePINChange = true
	c := ctap2.NewClient(k, nil)
	if _, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA, "a"); !errors.Is(err, ctap2.StatusPINPolicyViolation) {
		t.Fatal(err)
	}
	k.info.ForcePINChange = false
	k.took()
	if _, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA, "a"); err != nil {
		t.Error(err)
	}
}

func TestTokenAuthorizes(t *testing.T) {
	k := newFakeKey(t, "1234", pinuv.One)
	token, err := ctap2.NewClient(k, nil).PINToken(t.Context(), []byte("1234"), ctap2.PermissionMC, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	if k.granted != ctap2.PermissionMC || k.rpID != "example.com" || !token.Equal(k.token) {
		t.Errorf("permissions %v for %q", k.granted, k.rpID)
	}
	mc := &ctap2.MakeCredentialRequest{ClientDataHash: clientDataHash}
	ga := &ctap2.GetAssertionRequest{ClientDataHash: clientDataHash}
	mc.Authorize(token)
	ga.Authorize(token)
	if mc.PinUvAuthProtocol != pinuv.One || !k.token.Verify(clientDataHash, mc.PinUvAuthParam) ||
		ga.PinUvAuthProtocol != pinuv.One || !k.token.Verify(clientDataHash, ga.PinUvAuthParam) {
		t.Error("the requests do not carry the MAC of the client data hash")
	}
}

// A key that was blocked until it is unplugged need not say so twice.
func TestPowerCycleNeededWithoutPowerCycleState(t *testing.T) {
	k := newFakeKey(t, "1234", pinuv.Two)
	k.pins[ctap2.GetPinUvAuthTokenUsingPinWithPermissions] = []byte{0x34}
	k.pins[ctap2.GetPINRetries] = reply(t, map[uint64]any{3: 5})
	_, err := ctap2.NewClient(k, nil).PINToken(t.Context(), []byte("4321"), ctap2.PermissionGA, "a")
	if e, ok := errors.AsType[*ctap2.PINError](err); !ok || !e.PowerCycleNeeded || e.Retries != 5 {
		t.Errorf("%+v", e)
	}
}

func TestPINErrorText(t *testing.T) {
	for _, test := range []struct {
		e    ctap2.PINError
		want string
	}{
		{ctap2.PINError{Status: ctap2.StatusPINInvalid}, "the PIN is blocked after too many wrong tries: only a reset helps, and it erases the key"},
		{ctap2.PINError{Status: ctap2.StatusPINInvalid, Retries: -1}, "the PIN is wrong"},
		{ctap2.PINError{Status: ctap2.StatusPINInvalid, Retries: 5, PowerCycleNeeded: true},
			"the PIN is wrong; 5 tries left; before the next try unplug the key and plug it in, or take it off the reader"},
		{ctap2.PINError{Status: ctap2.StatusPINInvalid, Retries: 5, Normalized: true},
			"the PIN is wrong; 5 tries left; if it is the right one, other software set it in another Unicode form"},
		{ctap2.PINError{Status: ctap2.StatusPINPolicyViolation, SubCommand: ctap2.ChangePIN}, "the key's rules do not allow the new PIN: choose another"},
		{ctap2.PINError{Status: ctap2.StatusPINPolicyViolation, SubCommand: ctap2.GetPINToken}, "the key wants a new PIN before it accepts this one: change the PIN"},
		{ctap2.PINError{Status: ctap2.StatusNotAllowed, SubCommand: ctap2.SetPIN}, "a PIN is set on the key already: change it, or reset the key"},
		{ctap2.PINError{Status: ctap2.StatusOther}, "the key failed and gives no reason: unplug it and plug it in, or take it off the reader, then try again (CTAP1_ERR_OTHER)"},
	} {
		if test.e.Error() != test.want {
			t.Errorf("%+v\ngot  %s\nwant %s", test.e.Status, test.e.Error(), test.want)
		}
		if !errors.Is(&test.e, test.e.Status) {
			t.Errorf("%v is not found", test.e.Status)
		}
	}
}
