package virtual_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// reads reports whether the key takes the token to read its list of credentials.
func (h *host) reads(token *pinuv.Token) bool {
	h.t.Helper()
	switch s, _ := h.send(manage(h.t, token, ctap2.GetCredsMetadata, nil)); s {
	case 0:
		return true
	case ctap2.StatusPINAuthInvalid:
	default:
		h.t.Fatalf("answered %v", s)
	}
	return false
}

// identity decrypts what getInfo tells the holder of the persistent token.
func (h *host) identity(token *pinuv.Token) (identifier, state [16]byte) {
	h.t.Helper()
	info := h.info()
	identifier, err := info.DeviceIdentifier(token)
	if err != nil {
		h.t.Fatal(err)
	}
	if state, err = info.CredentialStoreState(token); err != nil {
		h.t.Fatal(err)
	}
	return identifier, state
}

// What the persistent token outlives, and what ends it.
func TestPersistentTokenLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, p := range []pinuv.Protocol{pinuv.One, pinuv.Two} {
			for _, test := range []struct {
				name string
				ends bool
				what func(h *host)
			}{
				{"another token", false, func(h *host) { h.token(ctap2.PermissionCM, "") }},
				{"the same again", false, func(h *host) { h.token(ctap2.PermissionPCMR, "") }},
				{"one for the other protocol", false, func(h *host) {
					o := h.on(2)
					o.protocol ^= 3
					if !o.reads(o.token(ctap2.PermissionPCMR, "")) {
						t.Error("that is not taken")
					}
				}},
				{"a touch", false, func(h *host) { h.assert(&ctap2.GetAssertionRequest{}) }},
				{"a year", false, func(*host) { time.Sleep(365 * 24 * time.Hour) }},
				{"a power cycle", false, func(h *host) { h.key.PowerCycle() }},
				{"a wrong PIN", false, func(h *host) { h.try("0000", ctap2.StatusPINInvalid) }},
				{"an order to change the PIN", false, func(h *host) {
					if err := h.key.ForcePINChange(); err != nil {
						t.Fatal(err)
					}
				}},
				{"changePIN", true, func(h *host) { h.want(0, h.changePINRequest("1234", "5678")); h.pin = "5678" }},
				{"changePIN to the same", true, func(h *host) { h.want(0, h.changePINRequest("1234", "1234")) }},
				{"changePIN with a wrong PIN", false, func(h *host) { h.want(ctap2.StatusPINInvalid, h.changePINRequest("0000", "5678")) }},
				{"a PIN set by the test", true, func(h *host) {
					if err := h.key.SetPIN([]byte("5678")); err != nil {
						t.Fatal(err)
					}
					h.pin = "5678"
				}},
				{"reset and the same PIN", true, func(h *host) { h.key.PowerCycle(); h.want(0, reset); h.setPIN("1234") }},
			} {
				h, _ := newLibrary(t, virtual.Config{})
				h.protocol = p
				token := h.token(ctap2.PermissionPCMR, "")
				identifier, state := h.identity(token)
				test.what(h)
				for range 2 {
					if h.reads(token) == test.ends {
						t.Errorf("%v, %s: the token is good: %v", p, test.name, !test.ends)
					}
					h.key.PowerCycle()
				}
				after, store := h.identity(token)
				if (after == identifier) == test.ends || (store == state) == test.ends {
					t.Errorf("%v, %s: the token decrypts what it did before: %v", p, test.name, !test.ends)
				}
				if test.ends && !h.reads(h.token(ctap2.PermissionPCMR, "")) {
					t.Errorf("%v, %s: a new one is not taken", p, test.name)
				}
			}
		}
	})
}

// The persistent token reads, and nothing else.
func TestPersistentTokenReads(t *testing.T) {
	h, ids := newLibrary(t, virtual.Config{UV: virtual.ConfiguredUV})
	for _, more := range []ctap2.Permissions{ctap2.PermissionMC, ctap2.PermissionCM, ctap2.PermissionACFG} {
		h.want(ctap2.StatusUnauthorizedPermission, first(h.tokenRequest("1234", ctap2.PermissionPCMR|more, rp.ID)))
		h.want(ctap2.StatusUnauthorizedPermission, first(h.uvRequest(ctap2.PermissionPCMR|more, rp.ID)))
	}
	token := h.receive(h.uvRequest(ctap2.PermissionPCMR, ""))
	if _, ok := h.key.Token(); ok {
		t.Error("there is an ordinary token, too")
	}
	h.want(0, manage(t, token, ctap2.GetCredsMetadata, nil))
	h.want(0, manage(t, token, ctap2.EnumerateRPsBegin, nil))
	h.want(0, nextRP)
	h.want(0, manage(t, token, ctap2.EnumerateCredentialsBegin, ofRP(rp.ID)))
	h.want(0, nextCredential)
	const refused = ctap2.StatusPINAuthInvalid
	h.want(refused, manage(t, token, ctap2.DeleteCredential, ofID(ids[0])))
	h.want(refused, manage(t, token, ctap2.UpdateUserInformation, ofUser(ids[0], ada)))
	mc, ga := h.complete(&ctap2.MakeCredentialRequest{}), h.ask(&ctap2.GetAssertionRequest{})
	mc.Authorize(token)
	ga.Authorize(token)
	h.want(refused, mc)
	h.want(refused, ga)
	config := &ctap2.ConfigRequest{SubCommand: ctap2.ToggleAlwaysUv}
	config.Authorize(token)
	h.want(refused, config)

	// A token of the same numbers is another on another key.
	other, _ := newLibrary(t, virtual.Config{})
	if other.reads(token) {
		t.Error("another key takes the token")
	}
	for _, c := range []virtual.Config{{Profile: virtual.FIDO21}, {WithoutCommands: []ctap2.Command{ctap2.CommandCredentialManagement}}} {
		h, _ := newLibrary(t, c)
		h.want(ctap2.StatusUnauthorizedPermission, first(h.tokenRequest("1234", ctap2.PermissionPCMR, "")))
		if info := h.info(); info.EncIdentifier != nil || info.EncCredStoreState != nil {
			t.Error("there are encrypted members of getInfo")
		}
	}
}

// The identifier is the key's until it is reset; the state is another after
// each change of a discoverable credential, and only then. Both are encrypted
// anew each time.
func TestEncryptedMembers(t *testing.T) {
	h, ids := newLibrary(t, virtual.Config{})
	token := h.token(ctap2.PermissionPCMR, "")
	one, two := h.info(), h.info()
	if len(one.EncIdentifier) != 32 || len(one.EncCredStoreState) != 32 ||
		bytes.Equal(one.EncIdentifier[:16], two.EncIdentifier[:16]) || bytes.Equal(one.EncCredStoreState[:16], two.EncCredStoreState[:16]) {
		t.Errorf("%x %x, then %x %x", one.EncIdentifier, one.EncCredStoreState, two.EncIdentifier, two.EncCredStoreState)
	}
	identifier, state := h.identity(token)
	seen := map[[16]byte]bool{state: true}
	for _, test := range []struct {
		name    string
		changes bool
		what    func()
	}{
		{"nothing", false, func() {}},
		{"a new passkey", true, func() { h.discoverable(rp, ctap2.PublicKeyCredentialUserEntity{ID: []byte("new")}) }},
		{"a replaced one", true, func() { h.discoverable(rp, ctap2.PublicKeyCredentialUserEntity{ID: []byte("new")}) }},
		{"a credential that is not stored", false, func() { h.create(h.authorized(&ctap2.MakeCredentialRequest{})) }},
		{"a credential that is not discoverable", false, func() {
			if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: ada, ID: []byte("another not discoverable")}); err != nil {
				t.Fatal(err)
			}
		}},
		{"an assertion", false, func() { h.assert(&ctap2.GetAssertionRequest{}) }},
		{"a listing", false, func() { h.want(0, manage(t, token, ctap2.EnumerateRPsBegin, nil)) }},
		{"an update", true, func() {
			h.want(0, manage(t, h.token(ctap2.PermissionCM, ""), ctap2.UpdateUserInformation, ofUser(ids[0], ada)))
		}},
		{"an update that is refused", false, func() {
			h.want(ctap2.StatusInvalidParameter, manage(t, h.token(ctap2.PermissionCM, ""), ctap2.UpdateUserInformation, ofUser(ids[0], grace)))
		}},
		{"a deletion", true, func() { h.want(0, manage(t, h.token(ctap2.PermissionCM, ""), ctap2.DeleteCredential, ofID(ids[0]))) }},
		{"a deletion of nothing", false, func() {
			h.want(ctap2.StatusNoCredentials, manage(t, h.token(ctap2.PermissionCM, ""), ctap2.DeleteCredential, ofID(ids[0])))
		}},
		{"a passkey put there by the test", true, func() {
			if _, err := h.key.AddCredential(virtual.NewCredential{RP: rp, User: ada, Discoverable: true}); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		test.what()
		for range 2 {
			id, now := h.identity(token)
			if id != identifier {
				t.Fatalf("%s: the identifier was %x and is %x", test.name, identifier, id)
			}
			if (now != state) != test.changes || test.changes && seen[now] {
				t.Errorf("%s: the state was %x and is %x", test.name, state, now)
			}
			h.key.PowerCycle()
		}
		_, state = h.identity(token)
		seen[state] = true
	}
	h.want(0, reset)
	h.setPIN("1234")
	id, now := h.identity(h.token(ctap2.PermissionPCMR, ""))
	if id == identifier || seen[now] {
		t.Error("a reset has not changed them")
	}
	if broken := newHost(t, virtual.Config{Rand: &failingReader{n: 40}}); broken.key.Info().EncIdentifier != nil {
		t.Error("an initialisation vector out of nothing")
	}
}
