package virtual_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// both runs a test with each PIN/UV auth protocol.
func both(t *testing.T, c virtual.Config, test func(t *testing.T, h *host)) {
	for _, p := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
		t.Run(p.String(), func(t *testing.T) {
			h := newHost(t, c)
			h.protocol = p
			test(t, h)
		})
	}
}

func (h *host) retries(want uint, powerCycle bool) {
	h.t.Helper()
	r, err := ctap2.ParseClientPINResponse(h.want(0, &ctap2.ClientPINRequest{SubCommand: ctap2.GetPINRetries}))
	if err != nil {
		h.t.Fatal(err)
	}
	if *r.PINRetries != want || *r.PowerCycleState != powerCycle {
		h.t.Errorf("%d tries left, powerCycleState %v; want %d, %v", *r.PINRetries, *r.PowerCycleState, want, powerCycle)
	}
	if got := h.key.PINRetries(); got != int(want) {
		h.t.Errorf("PINRetries says %d", got)
	}
}

// try asks for a token with a PIN.
func (h *host) try(pin string, want ctap2.Status) {
	h.t.Helper()
	r, _ := h.tokenRequest(pin, ctap2.PermissionMC, rp.ID)
	h.want(want, r)
}

func TestNewPIN(t *testing.T) {
	for _, test := range []struct {
		name string
		min  int
		pin  string // as padded by the platform if it has less than 64 bytes
		want ctap2.Status
	}{
		{"three digits", 0, "123", ctap2.StatusPINPolicyViolation},
		{"four digits", 0, "1234", 0},
		{"three characters of three bytes", 0, "€€€", ctap2.StatusPINPolicyViolation},
		{"four characters of three bytes", 0, "€€€€", 0},
		{"five digits of six", 6, "12345", ctap2.StatusPINPolicyViolation},
		{"six digits of six", 6, "123456", 0},
		{"63 bytes", 0, strings.Repeat("x", 63), 0},
		{"64 bytes", 0, strings.Repeat("x", 64), ctap2.StatusPINPolicyViolation},
		{"empty", 0, "", ctap2.StatusPINPolicyViolation},
		{"not UTF-8", 0, "1234\xff", ctap2.StatusPINPolicyViolation},
		{"a NUL inside", 0, "12\x0034", 0},
		{"a NUL at the end", 0, "1234\x00", 0},
		{"padded to 80 bytes", 0, "1234" + strings.Repeat("\x00", 76), ctap2.StatusInvalidParameter},
		{"padded to 128 bytes", 0, "1234" + strings.Repeat("\x00", 124), ctap2.StatusInvalidParameter},
	} {
		t.Run(test.name, func(t *testing.T) {
			both(t, virtual.Config{MinPINLength: test.min}, func(t *testing.T, h *host) {
				h.want(test.want, h.setPINRequest(test.pin))
				if set := test.want == 0; h.info().Options[ctap2.OptionClientPIN] != set || h.key.HasPIN() != set {
					t.Errorf("PIN set: %v, want %v", !set, set)
				}
				if test.want == 0 {
					h.try(strings.TrimRight(test.pin, "\x00"), 0)
					h.try("wrong", ctap2.StatusPINInvalid)
					h.want(0, h.changePINRequest(strings.TrimRight(test.pin, "\x00"), "654321"))
					h.try("654321", 0)
					return
				}
				h.want(0, h.setPINRequest("654321"))
				h.want(test.want, h.changePINRequest("654321", test.pin))
				h.try("654321", 0)
			})
		})
	}
}

// The order of the checks of each subcommand; see TestMakeCredentialOrder.
func TestClientPINOrder(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		type step struct {
			name   string
			want   ctap2.Status
			change func(*ctap2.ClientPINRequest)
		}
		bad, err := cose.New(mustKey(t).Public(), cose.ES256)
		if err != nil {
			t.Fatal(err)
		}
		bad.Alg = cose.ECDHESHKDF256
		bad.Y = bytes.Clone(bad.X) // not on the curve
		run := func(r func() *ctap2.ClientPINRequest, steps ...step) {
			t.Helper()
			for _, s := range steps {
				request := r()
				s.change(request)
				if got, _ := h.send(request); got != s.want {
					t.Errorf("%v, %s: answered %v, want %v", request.SubCommand, s.name, got, s.want)
				}
			}
		}
		noProtocol := step{"no protocol", ctap2.StatusMissingParameter, func(r *ctap2.ClientPINRequest) { r.PinUvAuthProtocol = 0; r.KeyAgreement = bad }}
		noKey := step{"no key", ctap2.StatusMissingParameter, func(r *ctap2.ClientPINRequest) { r.KeyAgreement = nil; r.PinUvAuthProtocol = 7 }}
		noMAC := step{"no MAC", ctap2.StatusMissingParameter, func(r *ctap2.ClientPINRequest) { r.PinUvAuthParam = nil; r.PinUvAuthProtocol = 7 }}
		noNew := step{"no new PIN", ctap2.StatusMissingParameter, func(r *ctap2.ClientPINRequest) { r.NewPinEnc = nil }}
		noHash := step{"no hash", ctap2.StatusMissingParameter, func(r *ctap2.ClientPINRequest) { r.PinHashEnc = nil; r.PinUvAuthProtocol = 7 }}
		badProtocol := step{"unknown protocol", ctap2.StatusInvalidParameter, func(r *ctap2.ClientPINRequest) { r.PinUvAuthProtocol = 3 }}
		badKey := step{"bad key", ctap2.StatusInvalidParameter, func(r *ctap2.ClientPINRequest) { r.KeyAgreement = bad }}
		wrongAlg := step{"key for another algorithm", ctap2.StatusInvalidParameter, func(r *ctap2.ClientPINRequest) {
			r.KeyAgreement = &cose.Key{Kty: cose.EC2, Alg: cose.ES256, Crv: cose.CurveP256, X: r.KeyAgreement.X, Y: r.KeyAgreement.Y}
		}}
		badMAC := step{"wrong MAC", ctap2.StatusPINAuthInvalid, func(r *ctap2.ClientPINRequest) { r.PinUvAuthParam[3] ^= 1 }}
		altered := step{"altered new PIN", ctap2.StatusPINAuthInvalid, func(r *ctap2.ClientPINRequest) { r.NewPinEnc[20] ^= 1 }}
		cut := step{"MAC cut short", ctap2.StatusPINAuthInvalid, func(r *ctap2.ClientPINRequest) { r.PinUvAuthParam = r.PinUvAuthParam[:8] }}
		notSet := step{"no PIN", ctap2.StatusPINNotSet, func(r *ctap2.ClientPINRequest) { r.KeyAgreement = bad }}
		fine := step{"nothing wrong", 0, func(*ctap2.ClientPINRequest) {}}
		noRPID := step{"no RP ID", ctap2.StatusMissingParameter, func(r *ctap2.ClientPINRequest) { r.RPID = ""; r.PinUvAuthProtocol = 7 }}
		noPermissions := step{"no permissions", ctap2.StatusMissingParameter, func(r *ctap2.ClientPINRequest) { r.Permissions = 0 }}
		refused := step{"permission of a command that is not there", ctap2.StatusUnauthorizedPermission, func(r *ctap2.ClientPINRequest) { r.Permissions = ctap2.PermissionBE; r.KeyAgreement = bad }}
		undefined := step{"undefined permission", 0, func(r *ctap2.ClientPINRequest) { r.Permissions |= 0x100 }}

		set := func() *ctap2.ClientPINRequest { return h.setPINRequest("1234") }
		change := func() *ctap2.ClientPINRequest { return h.changePINRequest("1234", "1234") }
		token := func() *ctap2.ClientPINRequest {
			r, _ := h.tokenRequest("1234", ctap2.PermissionMC|ctap2.PermissionGA, rp.ID)
			return r
		}
		legacy := func() *ctap2.ClientPINRequest { r, _ := h.legacyRequest("1234"); return r }
		agreement := func() *ctap2.ClientPINRequest {
			return &ctap2.ClientPINRequest{SubCommand: ctap2.GetKeyAgreement, PinUvAuthProtocol: h.protocol}
		}
		uv := func() *ctap2.ClientPINRequest { r, _ := h.uvRequest(ctap2.PermissionMC, rp.ID); return r }

		run(agreement, noProtocol, badProtocol, fine)
		run(change, noProtocol, noKey, noMAC, noNew, noHash, badProtocol, notSet)
		run(token, noProtocol, noKey, noHash, noPermissions, noRPID, badProtocol, refused, notSet)
		run(legacy, noProtocol, noKey, noHash, badProtocol, notSet)
		run(set, noProtocol, noKey, noMAC, noNew, badProtocol, badKey, wrongAlg, badMAC, cut, altered, fine)
		run(set, step{"PIN is set", ctap2.StatusPINAuthInvalid, func(r *ctap2.ClientPINRequest) { r.KeyAgreement = bad }})
		run(change, badKey, wrongAlg, badMAC, cut, altered, fine)
		run(token, badKey, fine, undefined)
		run(legacy, badKey, fine,
			step{"permissions", ctap2.StatusInvalidParameter, func(r *ctap2.ClientPINRequest) { r.Permissions = 1; r.KeyAgreement = bad }},
			step{"RP ID", ctap2.StatusInvalidParameter, func(r *ctap2.ClientPINRequest) { r.RPID = rp.ID; r.KeyAgreement = bad }})
		run(uv, noProtocol, noKey, noPermissions, noRPID, badProtocol, refused,
			step{"no built-in verification", ctap2.StatusNotAllowed, func(r *ctap2.ClientPINRequest) { r.KeyAgreement = bad }})
		h.retries(8, false)
		h.want(ctap2.StatusInvalidSubcommand, &ctap2.ClientPINRequest{SubCommand: ctap2.GetUVRetries})
		h.want(ctap2.StatusInvalidSubcommand, &ctap2.ClientPINRequest{SubCommand: 0x08})
		h.want(ctap2.StatusMissingParameter, &ctap2.ClientPINRequest{PinUvAuthProtocol: 2})
		// Permissions of zero, which the request type does not send.
		b := encode(t, token())
		i := bytes.LastIndex(b, []byte{0x09, 0x03})
		b[i+1] = 0
		b[1]-- // and no RP ID, which is the last member
		h.want(ctap2.StatusInvalidParameter, raw(b[:i+2]))
	})
}

func TestClientPINMalformed(t *testing.T) {
	h := newHost(t, virtual.Config{})
	r, _ := h.tokenRequest("1234", ctap2.PermissionMC, rp.ID)
	r.PinUvAuthParam, r.NewPinEnc = make([]byte, 16), make([]byte, 64)
	malformed(t, h, ctap2.CommandClientPIN, encode(t, r)[1:], []uint64{2})
}

// A key that is none is found out when it is used, after other checks.
func TestClientPINBadKey(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		short := h.setPINRequest("1234").KeyAgreement
		short.X = short.X[1:]
		for _, test := range []struct {
			name string
			key  *cose.Key
			want ctap2.Status // where it is used
		}{
			{"empty", &cose.Key{Raw: fromHex(t, "a0")}, ctap2.StatusInvalidParameter},
			{"a coordinate of the wrong size", short, ctap2.StatusInvalidParameter},
			{"text for x", &cose.Key{Raw: fromHex(t, "a401022001216141224101")}, ctap2.StatusCBORUnexpectedType},
		} {
			want := func(name string, want ctap2.Status, r *ctap2.ClientPINRequest) {
				t.Helper()
				r.KeyAgreement = test.key
				if got, _ := h.send(r); got != want {
					t.Errorf("%s, %s: answered %v, want %v", test.name, name, got, want)
				}
			}
			token := func() *ctap2.ClientPINRequest {
				r, _ := h.tokenRequest("1234", ctap2.PermissionMC, rp.ID)
				return r
			}
			want("not used", 0, &ctap2.ClientPINRequest{SubCommand: ctap2.GetPINRetries})
			want("unknown subcommand", ctap2.StatusInvalidSubcommand, &ctap2.ClientPINRequest{SubCommand: 0x08})
			want("a parameter is missing", ctap2.StatusMissingParameter, &ctap2.ClientPINRequest{SubCommand: ctap2.SetPIN})
			want("setPIN", test.want, h.setPINRequest("1234"))
			want("no PIN", ctap2.StatusPINNotSet, h.changePINRequest("1234", "4321"))
			if err := h.key.SetPIN([]byte("1234")); err != nil {
				t.Fatal(err)
			}
			want("setPIN when there is one", ctap2.StatusPINAuthInvalid, h.setPINRequest("1234"))
			want("changePIN", test.want, h.changePINRequest("1234", "4321"))
			want("token", test.want, token())
			if err := h.key.SetRetries(0, 0); err != nil {
				t.Fatal(err)
			}
			want("changePIN when blocked", ctap2.StatusPINBlocked, h.changePINRequest("1234", "4321"))
			want("token when blocked", ctap2.StatusPINBlocked, token())
			h.want(0, reset)
		}
	})
}

// Three wrong PINs in a row, the power cycle, and the end.
func TestPINRetries(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		legacy := func(pin string, want ctap2.Status) { r, _ := h.legacyRequest(pin); h.want(want, r) }
		change := func(pin string, want ctap2.Status) { h.want(want, h.changePINRequest(pin, "4321")) }

		h.retries(8, false)
		h.try("0000", ctap2.StatusPINInvalid)
		legacy("0000", ctap2.StatusPINInvalid)
		h.retries(6, false)
		h.try("1234", 0)
		h.retries(8, false)

		h.try("0000", ctap2.StatusPINInvalid)
		change("0000", ctap2.StatusPINInvalid)
		legacy("0000", ctap2.StatusPINAuthBlocked)
		h.retries(5, true)
		for _, do := range []func(string, ctap2.Status){h.try, legacy, change} {
			do("1234", ctap2.StatusPINAuthBlocked)
		}
		h.retries(5, true)

		h.key.PowerCycle()
		h.retries(5, false)
		h.try("0000", ctap2.StatusPINInvalid)
		h.try("0000", ctap2.StatusPINInvalid)
		h.try("0000", ctap2.StatusPINAuthBlocked)
		h.key.PowerCycle()
		h.retries(2, false)
		h.try("0000", ctap2.StatusPINInvalid)
		h.try("0000", ctap2.StatusPINBlocked)
		h.retries(0, false)
		for _, do := range []func(string, ctap2.Status){h.try, legacy, change} {
			do("1234", ctap2.StatusPINBlocked)
		}
		h.key.PowerCycle()
		h.try("1234", ctap2.StatusPINBlocked)

		h.want(0, reset)
		h.retries(8, false)
		h.try("1234", ctap2.StatusPINNotSet)
		h.setPIN("1234")
		h.try("1234", 0)
	})
}

// A wrong PIN makes the key agree anew: what was agreed on before is void.
func TestKeyAgreementIsRenewed(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		agreement := func() []byte {
			return h.want(0, &ctap2.ClientPINRequest{SubCommand: ctap2.GetKeyAgreement, PinUvAuthProtocol: h.protocol})
		}
		before := agreement()
		good, _ := h.tokenRequest("1234", ctap2.PermissionMC, rp.ID)
		if !bytes.Equal(before, agreement()) {
			t.Error("the key changes without a reason")
		}
		h.try("0000", ctap2.StatusPINInvalid)
		if bytes.Equal(before, agreement()) {
			t.Error("the key is the same after a wrong PIN")
		}
		h.want(ctap2.StatusPINInvalid, good)
		before = agreement()
		h.key.PowerCycle()
		if bytes.Equal(before, agreement()) {
			t.Error("the key is the same after a power cycle")
		}
	})
}

// A ciphertext of the wrong length is a wrong PIN: only the shared secret could
// tell whether it is one.
func TestPINHashOfTheWrongLength(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		for i, length := range []int{0, 15, 48} {
			r, _ := h.tokenRequest("1234", ctap2.PermissionMC, rp.ID)
			r.PinHashEnc = make([]byte, length)
			if i < 2 {
				h.want(ctap2.StatusPINInvalid, r)
			} else {
				h.want(ctap2.StatusPINAuthBlocked, r)
			}
			h.retries(uint(7-i), i == 2)
		}
	})
}

func TestChangePIN(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		token := h.token(ctap2.PermissionMC, rp.ID)
		h.want(0, h.changePINRequest("1234", "123456"))
		r := h.complete(&ctap2.MakeCredentialRequest{})
		r.Authorize(token)
		h.want(ctap2.StatusPINAuthInvalid, r)
		h.try("1234", ctap2.StatusPINInvalid)
		h.try("123456", 0)
		h.want(ctap2.StatusPINPolicyViolation, h.changePINRequest("123456", "123"))
		h.retries(8, false)
		h.try("123456", 0)
	})
}

func TestForcePINChange(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		if err := h.key.ForcePINChange(); err != nil {
			t.Fatal(err)
		}
		if !h.info().ForcePINChange {
			t.Error("getInfo does not say forcePINChange")
		}
		h.try("1234", ctap2.StatusPINPolicyViolation)
		legacy, _ := h.legacyRequest("1234")
		h.want(ctap2.StatusPINInvalid, legacy)
		h.retries(8, false) // it was the right PIN
		h.want(ctap2.StatusPINPolicyViolation, h.changePINRequest("1234", "1234"))
		h.key.PowerCycle()
		h.want(0, h.changePINRequest("1234", "4321"))
		if h.info().ForcePINChange {
			t.Error("getInfo still says forcePINChange")
		}
		h.try("4321", 0)
	})
}

// The tokens of one protocol are of no use with the other, and there is one at a
// time.
func TestTokens(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		create := func(want ctap2.Status, token *pinuv.Token) {
			t.Helper()
			r := h.complete(&ctap2.MakeCredentialRequest{})
			r.Authorize(token)
			h.want(want, r)
		}
		mixed := h.complete(&ctap2.MakeCredentialRequest{})
		mixed.Authorize(h.token(ctap2.PermissionMC, rp.ID))
		mixed.PinUvAuthProtocol = 3 - h.protocol
		h.want(ctap2.StatusPINAuthInvalid, mixed)

		old := h.token(ctap2.PermissionMC, rp.ID)
		otherProtocol := h.on(h.session)
		otherProtocol.protocol = 3 - h.protocol
		fresh := otherProtocol.token(ctap2.PermissionMC, rp.ID)
		create(ctap2.StatusPINAuthInvalid, old)
		create(0, fresh)
		create(ctap2.StatusPINAuthInvalid, fresh) // spent

		create(ctap2.StatusPINAuthInvalid, h.token(ctap2.PermissionGA, rp.ID))
		cycled := h.token(ctap2.PermissionMC, rp.ID)
		h.key.PowerCycle()
		create(ctap2.StatusPINAuthInvalid, cycled)
	})
}

// A token of CTAP 2.0 is for both operations, and belongs to the first RP that
// it is used for.
func TestLegacyToken(t *testing.T) {
	both(t, virtual.Config{}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		h.pin = ""
		token := h.receive(h.legacyRequest("1234"))
		if s, ok := h.key.Token(); !ok || s != (virtual.TokenState{Permissions: ctap2.PermissionMC | ctap2.PermissionGA, UserVerified: true}) {
			t.Errorf("token %+v, %v", s, ok)
		}
		h.key.SetUser(virtual.Deny()) // binds the token, and does not spend it
		r := h.complete(&ctap2.MakeCredentialRequest{})
		r.Authorize(token)
		h.want(ctap2.StatusOperationDenied, r)
		h.key.SetUser(virtual.AlwaysTouch())
		a := h.ask(&ctap2.GetAssertionRequest{RPID: other.ID})
		a.Authorize(token)
		h.want(ctap2.StatusPINAuthInvalid, a)
		a.RPID = rp.ID
		h.want(ctap2.StatusNoCredentials, a)
		h.want(0, r)
		if s, _ := h.key.Token(); s.Permissions != 0 || s.UserVerified || s.RPID != rp.ID {
			t.Errorf("token %+v after use", s)
		}
		h.want(ctap2.StatusPINAuthInvalid, a)
	})
}

func TestPINNotForMcGa(t *testing.T) {
	both(t, virtual.Config{NoPINForMcGa: true, UV: virtual.ConfiguredUV}, func(t *testing.T, h *host) {
		h.setPIN("1234")
		h.try("1234", ctap2.StatusUnauthorizedPermission)
		h.pin = ""
		token := h.receive(h.legacyRequest("1234"))
		r := h.complete(&ctap2.MakeCredentialRequest{})
		r.Authorize(token)
		h.want(ctap2.StatusPINAuthInvalid, r)
		r.Authorize(h.receive(h.uvRequest(ctap2.PermissionMC, rp.ID)))
		h.want(0, r)
	})
}

func TestUVToken(t *testing.T) {
	uv := func(user virtual.User) virtual.Config { return virtual.Config{UV: virtual.ConfiguredUV, User: user} }
	both(t, uv(virtual.AlwaysTouch()), func(t *testing.T, h *host) {
		token := h.receive(h.uvRequest(ctap2.PermissionMC, rp.ID))
		if s, _ := h.key.Token(); s != (virtual.TokenState{Permissions: ctap2.PermissionMC, RPID: rp.ID, UserVerified: true, UserPresent: true}) {
			t.Errorf("token %+v", s)
		}
		h.waiting = func(byte) { t.Error("the user is asked again") }
		r := h.complete(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: new(true)}})
		r.Authorize(token)
		if got := h.create(r).AuthData.Flags; got != ctap2.FlagUP|ctap2.FlagUV|ctap2.FlagAT {
			t.Errorf("flags %v", got)
		}
	})
	for _, test := range []struct {
		name    string
		user    virtual.User
		retries int
		want    ctap2.Status
		left    int
	}{
		{"not recognised", fingers(virtual.NotVerified), 3, ctap2.StatusUVInvalid, 2},
		{"not recognised at the last try", fingers(virtual.NotVerified), 1, ctap2.StatusUVBlocked, 0},
		{"no tries left", virtual.AlwaysTouch(), 0, ctap2.StatusUVBlocked, 0},
		{"declined", virtual.Deny(), 3, ctap2.StatusOperationDenied, 2},
		{"nobody there", virtual.NeverTouch(), 3, ctap2.StatusUserActionTimeout, 2},
		{"recognised after failures", virtual.AlwaysTouch(), 1, 0, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, uv(test.user))
				if err := h.key.SetRetries(8, test.retries); err != nil {
					t.Fatal(err)
				}
				r, _ := h.uvRequest(ctap2.PermissionGA, rp.ID)
				h.want(test.want, r)
				got, err := ctap2.ParseClientPINResponse(h.want(0, &ctap2.ClientPINRequest{SubCommand: ctap2.GetUVRetries}))
				if err != nil || *got.UVRetries != uint(test.left) || h.key.UVRetries() != test.left {
					t.Errorf("uvRetries %v, %v; want %d", got, err, test.left)
				}
			})
		})
	}
}

// A blocked PIN blocks built-in verification, and the right PIN unblocks it.
func TestUVRetriesFollowPIN(t *testing.T) {
	h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV})
	h.setPIN("1234")
	if err := h.key.SetRetries(8, 0); err != nil {
		t.Fatal(err)
	}
	r, _ := h.uvRequest(ctap2.PermissionGA, rp.ID)
	h.want(ctap2.StatusUVBlocked, r)
	h.try("1234", 0)
	h.want(0, r)
	if err := h.key.SetRetries(0, 3); err != nil {
		t.Fatal(err)
	}
	h.want(ctap2.StatusUVBlocked, r)
	if h.key.UVRetries() != 0 {
		t.Errorf("%d tries left", h.key.UVRetries())
	}
}

func TestTokenTimers(t *testing.T) {
	for _, test := range []struct {
		name      string
		transport string
		used      bool // at once, by a command that does not spend it
		age       time.Duration
		want      ctap2.Status
	}{
		{"first use in time", "", false, 30*time.Second - 1, ctap2.StatusNoCredentials},
		{"first use too late", "", false, 30 * time.Second, ctap2.StatusPINAuthInvalid},
		{"first use in time over NFC", ctap2.TransportNFC, false, 19800*time.Millisecond - 1, ctap2.StatusNoCredentials},
		{"first use too late over NFC", ctap2.TransportNFC, false, 19800 * time.Millisecond, ctap2.StatusPINAuthInvalid},
		{"used within ten minutes", "", true, 10*time.Minute - 1, ctap2.StatusNoCredentials},
		{"used after ten minutes", "", true, 10 * time.Minute, ctap2.StatusPINAuthInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, virtual.Config{Transport: test.transport})
				h.setPIN("1234")
				r := h.ask(&ctap2.GetAssertionRequest{})
				r.Authorize(h.token(ctap2.PermissionGA, rp.ID))
				if test.used {
					h.want(ctap2.StatusNoCredentials, r)
				}
				time.Sleep(test.age)
				h.want(test.want, r)
			})
		})
	}
}

// The gesture that gave a token counts as a touch for 30 seconds.
func TestUserPresentTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, virtual.Config{UV: virtual.ConfiguredUV})
		r := h.ask(&ctap2.GetAssertionRequest{})
		r.Authorize(h.receive(h.uvRequest(ctap2.PermissionGA, rp.ID)))
		h.want(ctap2.StatusNoCredentials, r)
		if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: ada, Discoverable: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		asked := 0
		h.waiting = func(byte) { asked++ }
		h.want(0, r)
		if asked != 1 {
			t.Errorf("asked %d times for a touch, want once", asked)
		}
	})
}

func TestWithoutPIN(t *testing.T) {
	h := newHost(t, virtual.Config{WithoutPIN: true})
	info := h.info()
	_, clientPIN := info.Options[ctap2.OptionClientPIN]
	if clientPIN || info.MinPINLength > 0 || info.Options[ctap2.OptionPinUvAuthToken] {
		t.Errorf("getInfo speaks of PINs: %v, minPINLength %d", info.Options, info.MinPINLength)
	}
	noPIN := &ctap2.ClientPINRequest{SubCommand: ctap2.GetPINRetries}
	h.want(ctap2.StatusInvalidSubcommand, noPIN)
	h.agree() // hmac-secret needs it
	uv, _ := h.uvRequest(ctap2.PermissionMC, rp.ID)
	h.want(ctap2.StatusNotAllowed, uv)

	h = newHost(t, virtual.Config{WithoutPIN: true, UV: virtual.ConfiguredUV})
	h.want(ctap2.StatusInvalidSubcommand, noPIN)
	h.receive(h.uvRequest(ctap2.PermissionMC, rp.ID))
}
