// Package endtoend has tests of the WebAuthn client against a relying party that
// was written by others, over HTTP, with the software key on USB and at a card
// reader.
package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/u2f"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/examples/internal/site"
	"github.com/gofido/fido/nfc"
)

const (
	rpID   = "example.com"
	origin = "https://login.example.com" // a page in the RP ID's domain
	pin    = "271828"
)

// A service is the site behind its HTTP server.
type service struct {
	*site.Site
	http *httptest.Server
}

// newService serves the site on its origin, and lets others share its RP ID.
func newService(t *testing.T, related ...string) *service {
	t.Helper()
	s, err := site.New(site.Config{RPID: rpID, Name: "Example", Origins: append([]string{origin}, related...)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(s.Handler())
	t.Cleanup(server.Close)
	return &service{s, server}
}

// A browser is one visitor of the service, with cookies.
type browser struct {
	t      *testing.T
	http   *http.Client
	origin string // of the page that it shows
}

func (s *service) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := *s.http.Client() // goes to this server for every name under example.com
	c.Jar = jar
	return &browser{t, &c, origin}
}

// A refusal is what the service said no with.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the service refuses with %d: %s", r.status, r.text)
}

func (b *browser) post(path string, v any) ([]byte, error) {
	b.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		b.t.Fatal(err)
	}
	w, err := b.http.Post(origin+path, "application/json", bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	defer w.Body.Close()
	answer, err := io.ReadAll(w.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if w.StatusCode != http.StatusOK {
		return nil, &refusal{w.StatusCode, string(answer)}
	}
	return answer, nil
}

// register registers the key behind the client.
func (b *browser) register(c *webauthn.Client, r site.Registration) (*site.Report, *webauthn.RegistrationResponse, error) {
	b.t.Helper()
	options, err := b.post("/register/begin", r)
	if err != nil {
		return nil, nil, err
	}
	o, err := webauthn.ParseCreationOptions(options)
	if err != nil {
		b.t.Fatalf("options that the site sent: %v", err)
	}
	response, err := c.Create(b.t.Context(), b.origin, o)
	if err != nil {
		return nil, nil, err
	}
	report, err := b.finish("/register/finish", response)
	return report, response, err
}

// login logs in with the key behind the client.
func (b *browser) login(c *webauthn.Client, l site.Login) (*site.Report, *webauthn.AuthenticationResponse, error) {
	b.t.Helper()
	options, err := b.post("/login/begin", l)
	if err != nil {
		return nil, nil, err
	}
	o, err := webauthn.ParseRequestOptions(options)
	if err != nil {
		b.t.Fatalf("options that the site sent: %v", err)
	}
	response, err := c.Get(b.t.Context(), b.origin, o)
	if err != nil {
		return nil, nil, err
	}
	report, err := b.finish("/login/finish", response)
	return report, response, err
}

func (b *browser) finish(path string, response any) (*site.Report, error) {
	b.t.Helper()
	answer, err := b.post(path, response)
	if err != nil {
		return nil, err
	}
	report := new(site.Report)
	if err := json.Unmarshal(answer, report); err != nil {
		b.t.Fatalf("%s answers %s: %v", path, answer, err)
	}
	return report, nil
}

// relatedOrigins is the hook of a program that lets sites share passkeys: the list
// is fetched over https alone, without cookies, and as no more than JSON.
func (b *browser) relatedOrigins(ctx context.Context, rpID string) ([]string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+rpID+"/.well-known/webauthn", nil)
	if err != nil {
		return nil, err
	}
	w, err := (&http.Client{Transport: b.http.Transport}).Do(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusOK || !strings.HasPrefix(w.Header.Get("Content-Type"), "application/json") {
		return nil, fmt.Errorf("%s has no list of origins", rpID)
	}
	var list struct {
		Origins []string `json:"origins"`
	}
	err = json.NewDecoder(io.LimitReader(w.Body, 1<<18)).Decode(&list)
	return list.Origins, err
}

// A transport is a way to the key.
type transport string

const (
	overHID transport = "HID"
	overNFC transport = "NFC"
)

var transports = []transport{overHID, overNFC}

// config is c for a key that is reached in this way.
func (w transport) config(c virtual.Config) virtual.Config {
	if w == overNFC {
		c.Transport = ctap2.TransportNFC
	}
	return c
}

// open plugs the key in, or holds it to the reader: each ceremony begins so.
func (w transport) open(t *testing.T, key *virtual.Key) *fido.Key {
	t.Helper()
	var k *fido.Key
	var err error
	if w == overNFC {
		key.PowerCycle()
		k, err = fido.OpenCard(t.Context(), nfc.Loopback(key), nil)
	} else {
		k, err = fido.OpenHID(t.Context(), ctaphid.Loopback(key), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// client returns a client for the key, whose user answers the prompts.
func (w transport) client(t *testing.T, key *virtual.Key, u *user) *webauthn.Client {
	t.Helper()
	return webauthn.NewClient(securityKey(w.open(t, key), u), &webauthn.Config{EnterpriseRPIDs: []string{rpID}})
}

// u2f returns a client for the key that speaks U2F, as programs did before WebAuthn.
func (w transport) u2f(t *testing.T, key *virtual.Key) *u2f.Client {
	t.Helper()
	k := w.open(t, key)
	if w == overNFC {
		return u2f.NewClient(k.Card(), nil)
	}
	return u2f.NewClient(k.HID(), nil)
}

func securityKey(k *fido.Key, u *user) *webauthn.SecurityKey {
	s := webauthn.NewSecurityKey(k.Client, u)
	s.Contactless = k.Contactless()
	return s
}

// A user answers the prompts and remembers them.
type user struct {
	pin     string
	account string // the name to choose; "": the first
	asked   []string
	choices []string // of the last ChooseAccount
	onTouch func()   // is called when the key waits; may be nil
}

func (u *user) ask(what string) { u.asked = append(u.asked, what) }

func (u *user) took() []string {
	asked := u.asked
	u.asked = nil
	return asked
}

func (u *user) PIN(context.Context, webauthn.PINPrompt) ([]byte, error) {
	u.ask("PIN")
	if u.pin == "" {
		return nil, webauthn.ErrCancelled
	}
	return []byte(u.pin), nil
}

func (u *user) Touch(context.Context, webauthn.TouchPrompt) {
	u.ask("touch")
	if u.onTouch != nil {
		u.onTouch()
	}
}

func (u *user) HoldToReader(context.Context, webauthn.TouchPrompt) { u.ask("hold") }

func (u *user) Fingerprint(context.Context, webauthn.FingerprintPrompt) error {
	u.ask("fingerprint")
	return nil
}

func (u *user) ChooseAccount(_ context.Context, _ string, accounts []webauthn.Account) (int, error) {
	u.ask("choose")
	u.choices = nil
	for _, a := range accounts {
		u.choices = append(u.choices, a.Name)
	}
	if u.account == "" {
		return 0, nil
	}
	i := slices.Index(u.choices, u.account)
	if i < 0 {
		return 0, errors.New("the account is not there")
	}
	return i, nil
}

// kind names what a person wants to know of an error: it is "" for none.
func kind(err error) string {
	for name, target := range map[string]error{
		"no passkey": webauthn.ErrNoPasskey, "already registered": webauthn.ErrAlreadyRegistered, "cancelled": webauthn.ErrCancelled,
		"timed out": webauthn.ErrTimeout, "unsuitable": webauthn.ErrUnsuitable,
	} {
		if errors.Is(err, target) {
			return name
		}
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func newKey(t *testing.T, c virtual.Config) *virtual.Key {
	t.Helper()
	key, err := virtual.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
