package ctap2_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// connect returns a software key and a client for it.
func connect(t testing.TB, c virtual.Config, config *ctap2.ClientConfig) (*virtual.Key, *ctap2.Client) {
	t.Helper()
	key, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return key, ctap2.NewClient(key.Direct(), config)
}

func registration(user string) *ctap2.MakeCredentialRequest {
	return &ctap2.MakeCredentialRequest{
		ClientDataHash:   clientDataHash,
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
		User:             ctap2.PublicKeyCredentialUserEntity{ID: []byte(user), Name: user},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: ctap2.TypePublicKey}},
		Options:          ctap2.Options{RK: new(true)},
	}
}

// A registration and a login, with a PIN and without, by either protocol.
func TestRegisterAndLogin(t *testing.T) {
	for _, test := range []struct {
		name     string
		pin      string
		protocol pinuv.Protocol
		sent     []ctap2.Command
	}{
		{"no PIN", "", pinuv.Two, []ctap2.Command{1, 2}},
		{"protocol one", "1234", pinuv.One, []ctap2.Command{4, 6, 6, 1, 6, 6, 2}},
		{"protocol two", "1234", pinuv.Two, []ctap2.Command{4, 6, 6, 1, 6, 6, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, c := connect(t, virtual.Config{Protocols: []pinuv.Protocol{test.protocol}}, nil)
			if test.pin != "" {
				if err := key.SetPIN([]byte(test.pin)); err != nil {
					t.Fatal(err)
				}
			}
			token := func(permission ctap2.Permissions) *pinuv.Token {
				if test.pin == "" {
					return nil
				}
				token, err := c.PINToken(t.Context(), []byte(test.pin), permission, "example.com")
				if err != nil {
					t.Fatal(err)
				}
				return token
			}
			mc := registration("ada")
			if token := token(ctap2.PermissionMC); token != nil {
				mc.Authorize(token)
			}
			made, err := c.MakeCredential(t.Context(), mc)
			if err != nil {
				t.Fatal(err)
			}
			ga := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash}
			if token := token(ctap2.PermissionGA); token != nil {
				ga.Authorize(token)
			}
			got, err := c.GetAssertion(t.Context(), ga)
			if err != nil {
				t.Fatal(err)
			}
			credential := made.AuthData.AttestedCredentialData
			signed := slices.Concat(got.AuthData.Raw, clientDataHash)
			if err := credential.PublicKey.Verify(signed, got.Signature); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(got.Credential.ID, credential.CredentialID) || got.AuthData.RPIDHash != sha256.Sum256([]byte("example.com")) {
				t.Errorf("%+v", got)
			}
			if verified := got.AuthData.Flags&ctap2.FlagUV != 0; verified != (test.pin != "") || got.AuthData.Flags&ctap2.FlagUP == 0 {
				t.Errorf("flags %v", got.AuthData.Flags)
			}
			var sent []ctap2.Command
			for _, r := range key.Commands() {
				sent = append(sent, r.Command())
			}
			if !slices.Equal(sent, test.sent) {
				t.Errorf("sent %v, want %v", sent, test.sent)
			}
		})
	}
}

func TestPINOfSoftwareKey(t *testing.T) {
	key, c := connect(t, virtual.Config{}, nil)
	token := func(pin string) error {
		return second(c.PINToken(t.Context(), []byte(pin), ctap2.PermissionMC, "example.com"))
	}
	if err := token("1234"); !errors.Is(err, ctap2.StatusPINNotSet) {
		t.Errorf("no PIN: %v", err)
	}
	if err := c.SetPIN(t.Context(), []byte("1234")); err != nil {
		t.Fatal(err)
	}
	info, err := c.Info(t.Context())
	if err != nil || !info.Options[ctap2.OptionClientPIN] {
		t.Errorf("Info after SetPIN: %v, %v", info.Options, err)
	}
	if err := c.SetPIN(t.Context(), []byte("1234")); err == nil || !strings.Contains(err.Error(), "set on the key already") {
		t.Errorf("SetPIN twice: %v", err)
	}
	if err := c.ChangePIN(t.Context(), []byte("1234"), []byte("5678")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(token("5678"), key.ForcePINChange()); err != nil {
		t.Fatal(err)
	}
	c = ctap2.NewClient(key.Direct(), nil)
	if err := token("5678"); !errors.Is(err, ctap2.StatusPINPolicyViolation) {
		t.Errorf("forced change: %v", err)
	}
	if err := errors.Join(c.ChangePIN(t.Context(), []byte("5678"), []byte("1234")), token("1234")); err != nil {
		t.Errorf("after the change: %v", err)
	}
	for retries := 7; retries >= 0; retries-- {
		e, ok := errors.AsType[*ctap2.PINError](token("0000"))
		if !ok || e.Retries != retries {
			t.Fatalf("wrong PIN: %v, want %d tries left", e, retries)
		}
		if cycle := retries == 5 || retries == 2; e.PowerCycleNeeded != cycle {
			t.Errorf("%d tries left: power cycle needed %v", retries, e.PowerCycleNeeded)
		} else if cycle {
			left, err := c.PINRetries(t.Context())
			if err != nil || left != (ctap2.PINRetries{Retries: uint(retries), PowerCycleNeeded: true}) {
				t.Errorf("PINRetries: %+v, %v", left, err)
			}
			key.PowerCycle()
		}
	}
	if err := token("1234"); !errors.Is(err, ctap2.StatusPINBlocked) {
		t.Errorf("blocked: %v", err)
	}
	key.PowerCycle()
	if err := c.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := c.Info(t.Context()); err != nil || info.Options[ctap2.OptionClientPIN] {
		t.Errorf("Info after Reset: %v, %v", info, err)
	}
	if err := c.SetPIN(t.Context(), []byte("1234")); err != nil {
		t.Errorf("after Reset: %v", err)
	}
}

func TestUVTokenOfSoftwareKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, c := connect(t, virtual.Config{UV: virtual.ConfiguredUV, User: virtual.Script(
			virtual.Step{Verify: virtual.NotVerified}, virtual.Step{Verify: virtual.Verified},
		)}, nil)
		if _, err := c.UVToken(t.Context(), ctap2.PermissionGA, "example.com"); !errors.Is(err, ctap2.StatusUVInvalid) {
			t.Errorf("wrong finger: %v", err)
		}
		if left, err := c.UVRetries(t.Context()); err != nil || int(left) != key.UVRetries() {
			t.Errorf("UVRetries %d, %v, the key says %d", left, err, key.UVRetries())
		}
		token, err := c.UVToken(t.Context(), ctap2.PermissionGA, "example.com")
		if err != nil {
			t.Fatal(err)
		}
		state, ok := key.Token()
		if !ok || state.Permissions != ctap2.PermissionGA || state.RPID != "example.com" || token.Protocol() != pinuv.Two {
			t.Errorf("%+v", state)
		}
	})
}

func TestAssertionsOfSoftwareKey(t *testing.T) {
	key, c := connect(t, virtual.Config{}, nil)
	for _, user := range []string{"ada", "bob", "eve"} {
		if _, err := c.MakeCredential(t.Context(), registration(user)); err != nil {
			t.Fatal(err)
		}
	}
	request := &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash}
	all, err := c.GetAssertions(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, a := range all {
		users = append(users, string(a.User.ID))
	}
	if !slices.Equal(users, []string{"eve", "bob", "ada"}) {
		t.Errorf("users %q", users)
	}
	if _, err := c.GetNextAssertion(t.Context()); !errors.Is(err, ctap2.StatusNotAllowed) {
		t.Errorf("a fourth: %v", err)
	}
	request.AllowList = []ctap2.PublicKeyCredentialDescriptor{all[1].Credential}
	key.SetFaults(virtual.Faults{Credential: virtual.CredentialIfNeeded})
	if a, err := c.GetAssertion(t.Context(), request); err != nil || !bytes.Equal(a.Credential.ID, all[1].Credential.ID) {
		t.Errorf("credential left out: %v, %v", a, err)
	}
	key.SetFaults(virtual.Faults{Credential: virtual.CredentialNever})
	request.AllowList = append(request.AllowList, all[2].Credential)
	if _, err := c.GetAssertion(t.Context(), request); err == nil || !strings.Contains(err.Error(), "credential is missing") {
		t.Errorf("credential wrongly left out: %v", err)
	}
}

// What a faulty key sends is read, reported, and refused on demand.
func TestFaultsOfSoftwareKey(t *testing.T) {
	for _, test := range []struct {
		name   string
		faults virtual.Faults
		want   cbor.Kind // zero: none
	}{
		{"unsorted members", virtual.Faults{Unsorted: true}, cbor.UnsortedKeys},
		{"duplicate member", virtual.Faults{DuplicateKey: true}, cbor.DuplicateKey},
		{"unknown members", virtual.Faults{ExtraMembers: map[uint64]any{0x70: "x", 0x1000: map[string]any{"y": nil}}}, 0},
	} {
		key, lenient := connect(t, virtual.Config{}, nil)
		strict := ctap2.NewClient(key.Direct(), &ctap2.ClientConfig{Strict: true})
		key.SetFaults(test.faults)
		info, err := lenient.GetInfo(t.Context())
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if test.want != 0 && !slices.Contains(kinds(info.Deviations), test.want) || test.want == 0 && info.Deviations != nil {
			t.Errorf("%s: %v", test.name, info.Deviations)
		}
		_, err = strict.GetInfo(t.Context())
		if _, refused := errors.AsType[*cbor.DeviationError](err); refused != (test.want != 0) {
			t.Errorf("%s: strict %v", test.name, err)
		}
		if _, err := lenient.MakeCredential(t.Context(), registration("ada")); err != nil {
			t.Errorf("%s: makeCredential: %v", test.name, err)
		}
	}
}

func TestCancelOfSoftwareKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waited []byte
		key, c := connect(t, virtual.Config{User: virtual.NeverTouch()},
			&ctap2.ClientConfig{Waiting: func(status byte) { waited = append(waited, status) }})
		for name, call := range map[string]func(context.Context) error{
			"makeCredential": func(ctx context.Context) error { return second(c.MakeCredential(ctx, registration("ada"))) },
			"selection":      c.Selection,
			"reset":          c.Reset,
		} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			if err := call(ctx); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
			if !slices.Contains(waited, ctap2.WaitingUPNeeded) {
				t.Errorf("%s: nobody was told to touch the key", name)
			}
			waited = nil
			if _, err := c.GetInfo(t.Context()); err != nil {
				t.Errorf("%s: afterwards: %v", name, err)
			}
		}
		if err := c.Selection(t.Context()); !errors.Is(err, ctap2.StatusUserActionTimeout) && !errors.Is(err, ctap2.StatusOperationDenied) {
			t.Errorf("nobody touches the key: %v", err)
		}
		key.SetUser(virtual.AlwaysTouch())
		if err := c.Selection(t.Context()); err != nil {
			t.Errorf("touched: %v", err)
		}
	})
}

// Several goroutines share a client; sequences stay whole.
func TestConcurrentUse(t *testing.T) {
	key, c := connect(t, virtual.Config{}, nil)
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"ada", "bob"} {
		if _, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.com"},
			User: ctap2.PublicKeyCredentialUserEntity{ID: []byte(user)}, Discoverable: true}); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				all, err := c.GetAssertions(t.Context(), &ctap2.GetAssertionRequest{RPID: "example.com", ClientDataHash: clientDataHash})
				if err != nil || len(all) != 2 {
					t.Errorf("%d assertions, %v", len(all), err)
				}
				if _, err := c.PINToken(t.Context(), []byte("1234"), ctap2.PermissionGA, "example.com"); err != nil {
					t.Error(err)
				}
				if _, err := c.Info(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
