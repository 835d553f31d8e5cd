package virtual_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// The order of the checks; see TestMakeCredentialOrder.
func TestGetAssertionOrder(t *testing.T) {
	h := newHost(t, virtual.Config{MaxCredentialCountInList: 2})
	id := h.discoverable(rp, ada)
	h.setPIN("1234")
	h.key.SetUser(virtual.Deny())
	yes := new(true)
	unknown := make([]byte, 92)
	r := h.ask(&ctap2.GetAssertionRequest{
		ClientDataHash: make([]byte, 33),
		AllowList:      allow(unknown, unknown, unknown),
		Options:        ctap2.Options{RK: new(false), UV: yes},
		PinUvAuthParam: []byte{},
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
		{"long hash", ctap2.StatusInvalidLength, func() { r.ClientDataHash = hash[:] }},
		{"option rk", ctap2.StatusUnsupportedOption, func() { r.Options.RK = nil }},
		{"long allowList", ctap2.StatusLimitExceeded, func() { r.AllowList = allow(unknown) }},
		{"wrong MAC", ctap2.StatusPINAuthInvalid, func() { r.Authorize(h.token(ctap2.PermissionGA, other.ID)) }},
		{"token for another RP", ctap2.StatusPINAuthInvalid, func() { r.Authorize(h.token(ctap2.PermissionMC, rp.ID)) }},
		{"token without ga", ctap2.StatusPINAuthInvalid, func() {
			r.Authorize(h.token(ctap2.PermissionGA, rp.ID))
			h.key.SetUser(virtual.Deny())
		}},
		{"no credential", ctap2.StatusNoCredentials, func() { r.AllowList = allow(unknown, id) }},
		{"touch declined", ctap2.StatusOperationDenied, func() { h.key.SetUser(virtual.AlwaysTouch()) }},
		{"nothing wrong", ctap2.StatusSuccess, func() {}},
		{"the token again, which is spent", ctap2.StatusPINAuthInvalid, func() { r.PinUvAuthParam = nil; r.Options.UV = yes }},
		{"option uv without uv", ctap2.StatusInvalidOption, func() {}},
	} {
		got, _ := h.send(r)
		if got != step.want {
			t.Fatalf("%s: answered %v, want %v", step.name, got, step.want)
		}
		step.repair()
	}
}

func TestGetAssertionMalformed(t *testing.T) {
	h := newHost(t, virtual.Config{})
	r := h.ask(&ctap2.GetAssertionRequest{
		AllowList: allow(make([]byte, 32)), Options: ctap2.Options{UP: new(true)},
		Extensions: ctap2.Extensions{"other": {1}}, PinUvAuthParam: make([]byte, 32), PinUvAuthProtocol: 2,
	})
	malformed(t, h, ctap2.CommandGetAssertion, encode(t, r)[1:], []uint64{1, 2})
}

// Which members and flags come of which request.
func TestGetAssertionResponse(t *testing.T) {
	uv := virtual.Config{UV: virtual.ConfiguredUV}
	full := &ada
	idOnly := &ctap2.PublicKeyCredentialUserEntity{ID: ada.ID}
	for _, test := range []struct {
		name    string
		config  virtual.Config
		listed  bool
		options ctap2.Options
		flags   ctap2.Flags
		user    *ctap2.PublicKeyCredentialUserEntity
		touches int
	}{
		{"touched", virtual.Config{}, false, ctap2.Options{}, ctap2.FlagUP, idOnly, 1},
		{"touched, listed", virtual.Config{}, true, ctap2.Options{UP: new(true)}, ctap2.FlagUP, idOnly, 1},
		{"silent", virtual.Config{}, true, ctap2.Options{UP: new(false)}, 0, idOnly, 0},
		{"silent with alwaysUv", virtual.Config{AlwaysUV: true, UV: virtual.ConfiguredUV}, true, ctap2.Options{UP: new(false)}, 0, idOnly, 0},
		{"verified", uv, false, ctap2.Options{UV: new(true)}, ctap2.FlagUP | ctap2.FlagUV, full, 1},
		{"verified, listed", uv, true, ctap2.Options{UV: new(true)}, ctap2.FlagUP | ctap2.FlagUV, full, 1},
		{"verified without presence", uv, true, ctap2.Options{UV: new(true), UP: new(false)}, ctap2.FlagUV, full, 1},
		{"verified because always", virtual.Config{AlwaysUV: true, UV: virtual.ConfiguredUV}, true, ctap2.Options{}, ctap2.FlagUP | ctap2.FlagUV, full, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, test.config)
			c, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: ada, Discoverable: true})
			if err != nil {
				t.Fatal(err)
			}
			request := &ctap2.GetAssertionRequest{Options: test.options}
			if test.listed {
				request.AllowList = allow(c.ID)
			}
			touches := 0
			h.waiting = func(status byte) {
				if status == ctap2.WaitingUPNeeded {
					touches++
				}
			}
			r := h.assert(request)
			if r.AuthData.Flags != test.flags || touches != test.touches {
				t.Errorf("flags %v after %d prompts, want %v after %d", r.AuthData.Flags, touches, test.flags, test.touches)
			}
			if r.User == nil || !bytes.Equal(r.User.ID, test.user.ID) || r.User.Name != test.user.Name || r.User.DisplayName != test.user.DisplayName {
				t.Errorf("user %v, want %v", r.User, test.user)
			}
			if !bytes.Equal(r.Credential.ID, c.ID) || r.NumberOfCredentials != 0 || r.UserSelected || len(r.AuthData.Raw) != 37 {
				t.Errorf("credential %x, number %d, selected %v, authenticator data %x", r.Credential.ID, r.NumberOfCredentials, r.UserSelected, r.AuthData.Raw)
			}
			if err := c.PublicKey.Verify(append(r.AuthData.Raw, hash[:]...), r.Signature); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestGetAssertionLists(t *testing.T) {
	h := newHost(t, virtual.Config{})
	first, second := h.discoverable(rp, ada), h.discoverable(rp, grace)
	r := h.assert(&ctap2.GetAssertionRequest{AllowList: []ctap2.PublicKeyCredentialDescriptor{
		{ID: second, Type: "other"}, {ID: []byte{}, Type: ctap2.TypePublicKey}, {ID: first, Type: ctap2.TypePublicKey}, {ID: second, Type: ctap2.TypePublicKey},
	}})
	if !bytes.Equal(r.Credential.ID, first) || r.NumberOfCredentials != 0 {
		t.Errorf("credential %x, number %d: want the first of the list that the key has, alone", r.Credential.ID, r.NumberOfCredentials)
	}
	h.want(ctap2.StatusNotAllowed, getNextAssertion)
	// An empty list, which the request type does not send, counts as none.
	b := encode(t, h.ask(&ctap2.GetAssertionRequest{}))
	b[1]++
	b = append(b, 0x03, 0x80)
	if got := h.assertion(h.want(0, raw(b))); got.NumberOfCredentials != 2 {
		t.Errorf("empty allowList: %d credentials, want 2", got.NumberOfCredentials)
	}
	// Every altered byte makes an ID unknown.
	sealed := h.create(&ctap2.MakeCredentialRequest{}).AuthData.AttestedCredentialData.CredentialID
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 0x10
		h.want(ctap2.StatusNoCredentials, h.ask(&ctap2.GetAssertionRequest{AllowList: allow(altered)}))
	}
}

func TestCounter(t *testing.T) {
	for _, test := range []struct {
		name    string
		counter virtual.Counter
		start   uint32
		want    []uint32
	}{
		{"global", virtual.GlobalCounter, 0, []uint32{1, 2, 3, 4}},
		{"global, overflowing", virtual.GlobalCounter, 1<<32 - 2, []uint32{1<<32 - 1, 0, 1, 2}},
		{"none", virtual.NoCounter, 0, []uint32{0, 0, 0, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t, virtual.Config{Counter: test.counter})
			if test.start > 0 {
				if err := h.key.SetSignCount(test.start); err != nil {
					t.Fatal(err)
				}
			}
			got := []uint32{h.create(&ctap2.MakeCredentialRequest{Options: ctap2.Options{RK: new(true)}}).AuthData.SignCount}
			got = append(got, h.assert(&ctap2.GetAssertionRequest{}).AuthData.SignCount)
			h.key.PowerCycle()
			got = append(got, h.assert(&ctap2.GetAssertionRequest{Options: ctap2.Options{UP: new(false)}}).AuthData.SignCount)
			got = append(got, h.assert(&ctap2.GetAssertionRequest{}).AuthData.SignCount)
			for i := range got {
				if got[i] != test.want[i] {
					t.Fatalf("counters %d, want %d", got, test.want)
				}
			}
		})
	}
}

// A token satisfies alwaysUv, and the option uv without a configured method does
// not.
func TestAlwaysUV(t *testing.T) {
	h := newHost(t, virtual.Config{AlwaysUV: true})
	h.want(ctap2.StatusPUATRequired, h.ask(&ctap2.GetAssertionRequest{}))
	h.setPIN("1234")
	id := h.discoverable(rp, ada)
	r := h.ask(&ctap2.GetAssertionRequest{AllowList: allow(id)})
	h.want(ctap2.StatusPUATRequired, r)
	r.Authorize(h.token(ctap2.PermissionGA, rp.ID))
	if got := h.assert(r); got.AuthData.Flags != ctap2.FlagUP|ctap2.FlagUV {
		t.Errorf("flags %v", got.AuthData.Flags)
	}
}

// next makes a key with three accounts and gets the assertion of the newest.
func next(t *testing.T, c virtual.Config) (*host, [][]byte) {
	t.Helper()
	h := newHost(t, c)
	ids := [][]byte{
		h.discoverable(rp, ada), h.discoverable(other, ada), h.discoverable(rp, grace),
		h.discoverable(rp, ctap2.PublicKeyCredentialUserEntity{ID: []byte("third")}),
	}
	return h, [][]byte{ids[3], ids[2], ids[0]}
}

func TestGetNextAssertion(t *testing.T) {
	h, ids := next(t, virtual.Config{})
	h.want(ctap2.StatusNotAllowed, getNextAssertion)
	r := h.assert(&ctap2.GetAssertionRequest{})
	if r.NumberOfCredentials != 3 || !bytes.Equal(r.Credential.ID, ids[0]) {
		t.Fatalf("first of %d: %x", r.NumberOfCredentials, r.Credential.ID)
	}
	public := map[string]virtual.Credential{}
	for _, c := range h.key.Credentials() {
		public[string(c.ID)] = c
	}
	h.waiting = func(byte) { t.Error("the user is asked again") }
	count := r.AuthData.SignCount
	for _, id := range ids[1:] {
		r = h.assertion(h.want(0, getNextAssertion))
		if !bytes.Equal(r.Credential.ID, id) || r.NumberOfCredentials != 0 || r.AuthData.Flags != ctap2.FlagUP || r.AuthData.SignCount <= count {
			t.Errorf("credential %x, want %x; number %d, flags %v, count %d", r.Credential.ID, id, r.NumberOfCredentials, r.AuthData.Flags, r.AuthData.SignCount)
		}
		if err := public[string(id)].PublicKey.Verify(append(r.AuthData.Raw, hash[:]...), r.Signature); err != nil {
			t.Error(err)
		}
		count = r.AuthData.SignCount
	}
	h.want(ctap2.StatusNotAllowed, getNextAssertion)
}

func TestGetNextAssertionEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		want ctap2.Status
		do   func(h *host)
	}{
		{"nothing in between", 0, func(h *host) {}},
		{"30 seconds", 0, func(h *host) { time.Sleep(30 * time.Second) }},
		{"more than 30 seconds", ctap2.StatusNotAllowed, func(h *host) { time.Sleep(30*time.Second + time.Millisecond) }},
		{"another command", ctap2.StatusNotAllowed, func(h *host) { h.want(0, getInfo) }},
		{"an unknown command", ctap2.StatusNotAllowed, func(h *host) { h.want(ctap2.StatusInvalidCommand, raw{0x33}) }},
		{"another session", 0, func(h *host) { h.on(2).want(ctap2.StatusNotAllowed, getNextAssertion) }},
		{"a power cycle", ctap2.StatusNotAllowed, func(h *host) { h.key.PowerCycle() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _ := next(t, virtual.Config{})
				h.assert(&ctap2.GetAssertionRequest{})
				test.do(h)
				h.want(test.want, getNextAssertion)
			})
		})
	}
}

// What a token has opened ends with the token.
func TestGetNextAssertionEndsWithToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, virtual.Config{})
		h.setPIN("1234")
		for i := range 40 {
			h.discoverable(rp, ctap2.PublicKeyCredentialUserEntity{ID: []byte{byte(i)}, Name: "name"})
		}
		r := h.ask(&ctap2.GetAssertionRequest{})
		r.Authorize(h.token(ctap2.PermissionGA, rp.ID))
		if got := h.assert(r); got.User.Name != "name" || got.AuthData.Flags != ctap2.FlagUP|ctap2.FlagUV {
			t.Errorf("user %v, flags %v", got.User, got.AuthData.Flags)
		}
		for age := 20 * time.Second; age < 10*time.Minute; age += 20 * time.Second {
			time.Sleep(20 * time.Second)
			if got := h.assertion(h.want(0, getNextAssertion)); got.User.Name != "name" || got.AuthData.Flags != ctap2.FlagUP|ctap2.FlagUV {
				t.Errorf("user %v, flags %v", got.User, got.AuthData.Flags)
			}
		}
		time.Sleep(20 * time.Second)
		h.want(ctap2.StatusNotAllowed, getNextAssertion)
	})
}

// chooser chooses an account by its number.
type chooser struct {
	virtual.User
	choice int
	seen   []string
}

func (c *chooser) Choose(_ context.Context, _ virtual.Prompt, accounts []ctap2.PublicKeyCredentialUserEntity) int {
	for _, a := range accounts {
		c.seen = append(c.seen, string(a.ID))
	}
	return c.choice
}

func TestDisplay(t *testing.T) {
	for _, test := range []struct {
		name   string
		choice int
		silent bool
		want   ctap2.Status
		user   string
	}{
		{"the second", 1, false, 0, "grace"},
		{"none", -1, false, ctap2.StatusOperationDenied, ""},
		{"one that is not there", 3, false, ctap2.StatusOperationDenied, ""},
		{"not asked", 1, true, 0, "third"},
	} {
		t.Run(test.name, func(t *testing.T) {
			user := &chooser{User: virtual.AlwaysTouch(), choice: test.choice}
			h, _ := next(t, virtual.Config{Display: true, User: user})
			status, b := h.send(h.ask(&ctap2.GetAssertionRequest{Options: ctap2.Options{UP: new(!test.silent)}}))
			if status != test.want {
				t.Fatalf("answered %v, want %v", status, test.want)
			}
			if !test.silent && !slices.Equal(user.seen, []string{"third", "grace", "ada"}) {
				t.Errorf("offered %q", user.seen)
			}
			if status != 0 {
				return
			}
			r := h.assertion(b)
			if string(r.User.ID) != test.user || r.UserSelected == test.silent || (r.NumberOfCredentials == 0) == test.silent {
				t.Errorf("user %s, selected %v, number %d", r.User.ID, r.UserSelected, r.NumberOfCredentials)
			}
		})
	}
	// Who can't choose gets the newest, and a key of one account does not ask.
	h, ids := next(t, virtual.Config{Display: true})
	if r := h.assert(&ctap2.GetAssertionRequest{}); !bytes.Equal(r.Credential.ID, ids[0]) || !r.UserSelected {
		t.Errorf("credential %x, selected %v", r.Credential.ID, r.UserSelected)
	}
	if r := h.assert(&ctap2.GetAssertionRequest{RPID: other.ID}); r.UserSelected {
		t.Error("selected among one")
	}
}
