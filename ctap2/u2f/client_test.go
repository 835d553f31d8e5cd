package u2f_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/nfc/iso7816"
)

// A transportFunc is a Transport that is a function.
type transportFunc func(ctx context.Context, apdu []byte) ([]byte, error)

func (f transportFunc) MSG(ctx context.Context, dst, apdu []byte) ([]byte, error) {
	reply, err := f(ctx, apdu)
	return append(dst, reply...), err
}

func mustMemoryKey(t testing.TB) *memoryKey {
	t.Helper()
	key, err := newMemoryKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A whole life of an account, in both forms: U-1 to U-4 and U-6.
func TestClient(t *testing.T) {
	for _, short := range []bool{false, true} {
		key := mustMemoryKey(t)
		client := u2f.NewClient(key, &u2f.ClientConfig{Short: short})
		if v, err := client.Version(t.Context()); v != "U2F_V2" || err != nil {
			t.Errorf("Version = %q, %v", v, err)
		}
		register := &u2f.RegisterRequest{Challenge: [32]byte{1}, Application: [32]byte{2}}
		registered, err := client.Register(t.Context(), register)
		if err != nil {
			t.Fatal(err)
		}
		if err := registered.Verify(register); err != nil {
			t.Error(err)
		}
		public, err := registered.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		request := &u2f.AuthenticateRequest{
			Control: u2f.EnforceUserPresence, Challenge: [32]byte{3}, Application: [32]byte{2}, KeyHandle: registered.KeyHandle,
		}
		if err := client.Check(t.Context(), request); err != nil {
			t.Errorf("Check: %v", err)
		}
		for want, control := range []u2f.Control{u2f.DontEnforceUserPresence, u2f.EnforceUserPresence} {
			request.Control = control
			response, err := client.Authenticate(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if err := response.Verify(request, public); err != nil {
				t.Error(err)
			}
			if response.UserPresence != byte(want) || response.Counter != uint32(want+1) {
				t.Errorf("%v: %+v", control, response)
			}
		}
		for _, other := range []*u2f.AuthenticateRequest{
			{Application: [32]byte{9}, KeyHandle: registered.KeyHandle},
			{Application: [32]byte{2}, KeyHandle: registered.KeyHandle[:16]},
			{Application: [32]byte{2}},
		} {
			if err := client.Check(t.Context(), other); !errors.Is(err, u2f.ErrUnknownKeyHandle) || !errors.Is(err, iso7816.SWWrongData) {
				t.Errorf("Check of another key handle: %v", err)
			}
		}
		want := iso7816.Extended
		if short {
			want = iso7816.Short
		}
		for _, apdu := range key.requests {
			if c, err := iso7816.Parse(apdu); err != nil || c.Form != want || c.Ne != want.MaxNe() {
				t.Errorf("request %x: %v, %v", apdu, c, err)
			}
		}
	}
}

// The key is asked every 200 ms until it is touched (U-7).
func TestClientPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := mustMemoryKey(t)
		var waits []byte
		client := u2f.NewClient(key, &u2f.ClientConfig{Waiting: func(status byte) { waits = append(waits, status) }})
		for _, verb := range []struct {
			name string
			call func() error
		}{
			{"Register", func() error {
				_, err := client.Register(t.Context(), &u2f.RegisterRequest{})
				return err
			}},
			{"Authenticate", func() error {
				_, err := client.Authenticate(t.Context(), &u2f.AuthenticateRequest{
					Control: u2f.EnforceUserPresence, KeyHandle: key.accounts[0].handle,
				})
				return err
			}},
		} {
			key.refusals, key.requests, waits = 7, nil, nil
			start := time.Now()
			if err := verb.call(); err != nil {
				t.Errorf("%s: %v", verb.name, err)
			}
			if took := time.Since(start); took != 7*200*time.Millisecond {
				t.Errorf("%s: it took %v", verb.name, took)
			}
			if len(key.requests) != 8 || len(slices.CompactFunc(key.requests, slices.Equal)) != 1 {
				t.Errorf("%s: requests %x", verb.name, key.requests)
			}
			if !slices.Equal(waits, []byte{u2f.WaitingUPNeeded}) {
				t.Errorf("%s: Waiting was called with %v", verb.name, waits)
			}
		}
	})
}

func TestClientStopsPolling(t *testing.T) {
	for _, c := range []struct {
		name   string
		config u2f.ClientConfig
		bound  time.Duration // of the context; zero: none
		want   time.Duration
	}{
		{"the context's deadline", u2f.ClientConfig{Timeout: time.Second}, 30 * time.Second, 30 * time.Second},
		{"between two requests", u2f.ClientConfig{}, 300 * time.Millisecond, 300 * time.Millisecond},
		{"no deadline", u2f.ClientConfig{}, 0, u2f.DefaultTimeout},
		{"the configuration's timeout", u2f.ClientConfig{Timeout: time.Second}, 0, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key := mustMemoryKey(t)
				key.refusals = -1
				ctx := t.Context()
				if c.bound > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.bound)
					defer cancel()
				}
				start := time.Now()
				_, err := u2f.NewClient(key, &c.config).Register(ctx, &u2f.RegisterRequest{})
				op, ok := errors.AsType[*u2f.OpError](err)
				if !ok || op.INS != u2f.INSRegister || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
				if took := time.Since(start); took != c.want {
					t.Errorf("it took %v, want %v", took, c.want)
				}
			})
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			key := mustMemoryKey(t)
			key.refusals = -1
			ctx, cancel := context.WithCancel(t.Context())
			client := u2f.NewClient(key, &u2f.ClientConfig{Timeout: -1, Waiting: func(byte) { cancel() }})
			_, err := client.Register(ctx, &u2f.RegisterRequest{})
			if !errors.Is(err, context.Canceled) || len(key.requests) != 1 {
				t.Errorf("error %v after %d requests", err, len(key.requests))
			}
			if _, err := client.Version(ctx); !errors.Is(err, context.Canceled) || len(key.requests) != 1 {
				t.Errorf("error %v after %d requests", err, len(key.requests))
			}
		})
	})
}

// Only enforce-user-presence-and-sign is repeated.
func TestAuthenticateWithoutPresenceIsSentOnce(t *testing.T) {
	for _, control := range []u2f.Control{u2f.CheckOnly, u2f.DontEnforceUserPresence} {
		key := mustMemoryKey(t)
		key.answer = iso7816.SWConditionsOfUseNotSatisfied
		_, err := u2f.NewClient(key, nil).Authenticate(t.Context(), &u2f.AuthenticateRequest{Control: control})
		if !errors.Is(err, iso7816.SWConditionsOfUseNotSatisfied) || len(key.requests) != 1 {
			t.Errorf("%v: %v after %d requests", control, err, len(key.requests))
		}
	}
}

func TestClientStatusWords(t *testing.T) {
	request := &u2f.AuthenticateRequest{Control: u2f.EnforceUserPresence, KeyHandle: []byte{1}}
	verbs := map[string]func(*u2f.Client) error{
		"Version": func(c *u2f.Client) error { _, err := c.Version(context.Background()); return err },
		"Register": func(c *u2f.Client) error {
			_, err := c.Register(context.Background(), &u2f.RegisterRequest{})
			return err
		},
		"Authenticate": func(c *u2f.Client) error {
			_, err := c.Authenticate(context.Background(), request)
			return err
		},
		"Check": func(c *u2f.Client) error { return c.Check(context.Background(), request) },
	}
	for _, c := range []struct {
		verb string
		sw   iso7816.StatusWord
		want error // what it means, nil: nothing more
		text string
	}{
		{"Authenticate", 0x6a80, u2f.ErrUnknownKeyHandle, "u2f: U2F_AUTHENTICATE: the key handle is not this key's, or for another application (status word 6A80: incorrect parameters in the data)"},
		{"Authenticate", 0x6700, u2f.ErrUnknownKeyHandle, "u2f: U2F_AUTHENTICATE: the key handle is not this key's, or for another application (status word 6700: wrong length)"},
		{"Check", 0x6a80, u2f.ErrUnknownKeyHandle, ""},
		{"Check", 0x6700, u2f.ErrUnknownKeyHandle, ""},
		{"Check", 0x6986, u2f.ErrSwitchedOff, ""},
		{"Check", 0x6f00, nil, "u2f: U2F_AUTHENTICATE: status word 6F00: no precise diagnosis"},
		{"Register", 0x6a80, nil, "u2f: U2F_REGISTER: status word 6A80: incorrect parameters in the data"},
		{"Register", 0x6700, nil, ""},
		{"Register", 0x6986, u2f.ErrSwitchedOff, "u2f: U2F_REGISTER: U2F is switched off on this key; use FIDO2, or switch off alwaysUv (status word 6986: the command is not allowed)"},
		{"Version", 0x6986, u2f.ErrSwitchedOff, ""},
		{"Version", 0x6985, nil, "u2f: U2F_VERSION: the key wants to be touched (status word 6985: conditions of use not satisfied)"},
		{"Version", 0x6d00, nil, "u2f: U2F_VERSION: the key does not speak U2F, or not this command (status word 6D00: the instruction is not supported)"},
		{"Version", 0x6e00, nil, ""},
		{"Version", 0x6105, nil, "u2f: U2F_VERSION: status word 6105: 5 bytes remain"},
	} {
		t.Run(c.verb+"/"+c.sw.String(), func(t *testing.T) {
			key := mustMemoryKey(t)
			key.answer = c.sw
			err := verbs[c.verb](u2f.NewClient(key, nil))
			if !errors.Is(err, c.sw) || len(key.requests) != 1 {
				t.Fatalf("%v after %d requests", err, len(key.requests))
			}
			for _, sentinel := range []error{u2f.ErrUnknownKeyHandle, u2f.ErrSwitchedOff} {
				if errors.Is(err, sentinel) != (sentinel == c.want) {
					t.Errorf("%v: is %v: %v", err, sentinel, errors.Is(err, sentinel))
				}
			}
			if c.text != "" && err.Error() != c.text {
				t.Errorf("text %q", err)
			}
		})
	}
}

// A key that signs when it should only check knows the key handle at least.
func TestCheckThatSigns(t *testing.T) {
	key := transportFunc(func(context.Context, []byte) ([]byte, error) { return unhex(t, "0100000001aa9000"), nil })
	if err := u2f.NewClient(key, nil).Check(t.Context(), &u2f.AuthenticateRequest{}); err != nil {
		t.Error(err)
	}
}

func TestClientRepliesThatMakeNoSense(t *testing.T) {
	for _, reply := range []string{"", "90", "0500" + "9000", "05" + "9000"} {
		client := u2f.NewClient(transportFunc(func(context.Context, []byte) ([]byte, error) { return unhex(t, reply), nil }), nil)
		_, err1 := client.Register(t.Context(), &u2f.RegisterRequest{})
		_, err2 := client.Authenticate(t.Context(), &u2f.AuthenticateRequest{})
		for _, err := range []error{err1, err2} {
			_, op := errors.AsType[*u2f.OpError](err)
			_, bad := errors.AsType[*u2f.ReplyError](err)
			_, syntax := errors.AsType[*iso7816.SyntaxError](err)
			if !op || bad == syntax {
				t.Errorf("%q: %v", reply, err)
			}
		}
	}
}

func TestClientTransportError(t *testing.T) {
	client := u2f.NewClient(transportFunc(func(context.Context, []byte) ([]byte, error) { return nil, io.ErrUnexpectedEOF }), nil)
	_, err := client.Version(t.Context())
	if _, ok := errors.AsType[*u2f.OpError](err); !ok || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func TestClientKeyHandleTooLong(t *testing.T) {
	key := mustMemoryKey(t)
	_, err := u2f.NewClient(key, nil).Authenticate(t.Context(), &u2f.AuthenticateRequest{KeyHandle: make([]byte, 256)})
	if !errors.Is(err, u2f.ErrKeyHandleLength) || len(key.requests) != 0 {
		t.Errorf("%v after %d requests", err, len(key.requests))
	}
}
