package endtoend

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/examples/internal/site"
)

// What the user, the key, the time or the program does not want is told apart, and
// has the name that a browser gives it.
func TestWhyNot(t *testing.T) {
	soon := &webauthn.Config{DefaultTimeout: 50 * time.Millisecond, MinTimeout: 50 * time.Millisecond, MaxTimeout: 50 * time.Millisecond}
	for name, c := range map[string]struct {
		user    virtual.User
		pin     string // that is entered; the key's is another if it is wrong
		account string // "": a passkey, of which there is none
		uv      string
		config  *webauthn.Config
		abort   bool
		want    string
		is      error
	}{
		"only another site's passkeys/no passkey":  {want: "no passkey"},
		"the user says no on the key/cancelled":    {user: virtual.Deny(), account: "ada", want: "cancelled"},
		"the user enters no PIN/cancelled":         {account: "ada", uv: "required", want: "cancelled"},
		"nobody touches the key/timed out":         {user: virtual.NeverTouch(), account: "ada", config: soon, want: "timed out"},
		"the program ends it/cancelled":            {user: virtual.NeverTouch(), account: "ada", abort: true, want: "cancelled"},
		"wrong PINs/blocked until it is unplugged": {account: "ada", uv: "required", pin: "314159", is: ctap2.StatusPINAuthBlocked},
	} {
		for _, way := range transports {
			if way == overNFC && c.user != nil {
				continue // who holds the key to a reader has consented
			}
			t.Run(string(way)+"/"+name, func(t *testing.T) {
				s := newService(t)
				key := newKey(t, way.config(virtual.Config{}))
				if err := key.SetPIN([]byte(pin)); err != nil {
					t.Fatal(err)
				}
				if _, err := key.AddCredential(virtual.NewCredential{
					RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.org"}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}}, Discoverable: true,
				}); err != nil {
					t.Fatal(err)
				}
				if c.account != "" {
					credential, err := key.AddCredential(virtual.NewCredential{RP: ctap2.PublicKeyCredentialRPEntity{ID: rpID}})
					if err != nil {
						t.Fatal(err)
					}
					if err := s.Add(c.account, record(credential)); err != nil {
						t.Fatal(err)
					}
				}
				b := s.browser(t)
				options, err := b.post("/login/begin", site.Login{User: c.account, UserVerification: cmp.Or(c.uv, "discouraged")})
				if err != nil {
					t.Fatal(err)
				}
				o, err := webauthn.ParseRequestOptions(options)
				if err != nil {
					t.Fatal(err)
				}
				k := way.open(t, key)
				if c.user != nil {
					key.SetUser(c.user)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				u := &user{pin: c.pin}
				if c.abort {
					u.onTouch = cancel
				}
				_, err = webauthn.NewClient(securityKey(k, u), c.config).Get(ctx, origin, o)
				if c.is == nil && kind(err) != c.want || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("%v, want %q", err, c.want)
				}
				name := webauthn.NotAllowedError
				if c.abort {
					name = webauthn.AbortError
				}
				if e, ok := errors.AsType[*webauthn.Error](err); !ok || e.Name != name {
					t.Errorf("%#v, want %s", err, name)
				}
			})
		}
	}
}

// A site's options are good for its own origins, and for those that it lists.
func TestOrigins(t *testing.T) {
	const related = "https://example.org"
	for name, c := range map[string]struct {
		origin string
		hook   bool
		want   string // the error's name
	}{
		"the site's own/registers":           {origin, true, ""},
		"one that it lists/registers":        {related, true, ""},
		"one that it lists, no hook/refused": {related, false, webauthn.SecurityError},
		"one that it does not list/refused":  {"https://example.net", true, webauthn.SecurityError},
		"a parent's suffix/refused":          {"https://com", true, webauthn.SecurityError},
		"without https/refused":              {"http://login.example.com", true, webauthn.SecurityError},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, related)
			b := s.browser(t)
			config := new(webauthn.Config)
			if c.hook {
				config.RelatedOrigins = b.relatedOrigins
			}
			key := newKey(t, virtual.Config{})
			client := webauthn.NewClient(securityKey(overHID.open(t, key), &user{}), config)
			b.origin = c.origin
			_, _, err := b.register(client, site.Registration{User: "ada"})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := b.login(client, site.Login{User: "ada"}); err != nil {
					t.Error(err)
				}
				return
			}
			if e, ok := errors.AsType[*webauthn.Error](err); !ok || e.Name != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
			for _, command := range key.Commands() {
				if command.Command() == ctap2.CommandMakeCredential {
					t.Error("the key was asked")
				}
			}
		})
	}
}
