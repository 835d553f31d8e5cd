package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/examples/internal/site"
)

const origin = "https://example.com"

// newTest returns a web service, and a function that opens a visitor's end of it
// with a key.
func newTest(t *testing.T) (visit func(*virtual.Key, webauthn.Prompt) *service) {
	t.Helper()
	s, err := site.New(site.Config{RPID: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(s.Handler())
	t.Cleanup(server.Close)
	return func(v *virtual.Key, prompt webauthn.Prompt) *service {
		t.Helper()
		key, err := fido.OpenHID(t.Context(), ctaphid.Loopback(v), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { key.Close() })
		client := *server.Client() // goes to this server for example.com
		client.Jar, _ = cookiejar.New(nil)
		return newService(origin, &client, key, prompt)
	}
}

func newKey(t *testing.T, pin string) *virtual.Key {
	t.Helper()
	key, err := virtual.New(virtual.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if pin != "" {
		if err := key.SetPIN([]byte(pin)); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

// answers is a user who knows the PIN and takes the account with a name.
type answers struct {
	terminal
	pin, account string
}

func (a *answers) PIN(context.Context, webauthn.PINPrompt) ([]byte, error) { return []byte(a.pin), nil }

func (a *answers) ChooseAccount(_ context.Context, _ string, accounts []webauthn.Account) (int, error) {
	for i, account := range accounts {
		if account.Name == a.account {
			return i, nil
		}
	}
	return 0, errors.New("not there")
}

func TestLogin(t *testing.T) {
	visit := newTest(t)
	key := newKey(t, "271828")
	said := new(strings.Builder)
	ada := &answers{terminal{out: said}, "271828", "ada"}
	for _, name := range []string{"ada", "bob"} {
		if got, err := visit(key, ada).register(t.Context(), name); got != name || err != nil {
			t.Fatalf("registered %q: %v", got, err)
		}
	}
	for _, c := range []struct{ user, want string }{{"ada", "ada"}, {"bob", "bob"}, {"", "ada"}} {
		s := visit(key, ada)
		if got, err := s.login(t.Context(), c.user); got != c.want || err != nil {
			t.Errorf("login as %q: %q, %v", c.user, got, err)
		}
		if r, err := s.http.Get(origin + "/me"); err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("not logged in: %v, %v", r, err)
		}
	}
	if !strings.Contains(said.String(), "Touch the key, for example.com.") {
		t.Errorf("the user was told %q", said)
	}
}

func TestLoginFails(t *testing.T) {
	visit := newTest(t)
	key := newKey(t, "")
	u := &answers{terminal: terminal{out: new(strings.Builder)}}
	if _, err := visit(key, u).login(t.Context(), "ada"); err == nil || !strings.Contains(err.Error(), `404: "nobody has registered as ada`) {
		t.Errorf("unknown user: %v", err)
	}
	if _, err := visit(key, u).login(t.Context(), ""); !errors.Is(err, webauthn.ErrNoPasskey) || !strings.Contains(err.Error(), "-user") {
		t.Errorf("no passkey: %v", err)
	}
	if _, err := visit(key, u).register(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := visit(newKey(t, ""), u).login(t.Context(), "ada"); !errors.Is(err, webauthn.ErrNoPasskey) {
		t.Errorf("another key: %v", err)
	}
	// The options of one site are nothing for another.
	s := visit(key, u)
	s.origin = "https://www.example.com.example.net"
	s.http.Transport = elsewhere{s.http.Transport}
	if _, err := s.login(t.Context(), "ada"); !isError(err, webauthn.SecurityError) {
		t.Errorf("a site that passes on another's options: %v", err)
	}
}

// On this computer http will do.
func TestLocalhost(t *testing.T) {
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	local := "http://localhost:" + port
	s, err := site.New(site.Config{RPID: "localhost", Origins: []string{local}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s.Handler()
	key, err := fido.OpenHID(t.Context(), ctaphid.Loopback(newKey(t, "")), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { key.Close() })
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}}}
	client.Jar, _ = cookiejar.New(nil)
	visitor := newService(local, client, key, &answers{terminal: terminal{out: io.Discard}})
	if _, err := visitor.register(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	if name, err := visitor.login(t.Context(), ""); name != "ada" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
}

func isError(err error, name string) bool {
	e, ok := errors.AsType[*webauthn.Error](err)
	return ok && e.Name == name
}

// elsewhere sends all requests to the service, as a site in the middle does.
type elsewhere struct{ http.RoundTripper }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host, r.Host = "example.com", "example.com"
	return e.RoundTripper.RoundTrip(r)
}

// What a service says reaches no terminal as it is.
func TestServiceWithControlCharacters(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, `{"error": "\u001b[2J\u009b2J"}`)
	}))
	t.Cleanup(server.Close)
	s := &service{origin: server.URL, http: server.Client()}
	if _, err := s.login(t.Context(), ""); err == nil || strings.ContainsAny(err.Error(), "\x1b\u009b") {
		t.Errorf("%q", err)
	}
}
