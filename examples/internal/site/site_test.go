package site

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-webauthn/webauthn/webauthn"
)

func newSite(t *testing.T) *Site {
	t.Helper()
	s, err := New(Config{RPID: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func status(err error) int {
	if e, ok := err.(*Error); ok {
		return e.Status
	}
	return 0
}

func TestRefusals(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		begin func() (*Ceremony, error)
		want  int
	}{
		"no name/refused":               {func() (*Ceremony, error) { return s.BeginRegistration(Registration{}) }, 400},
		"name too long/refused":         {func() (*Ceremony, error) { return s.BeginRegistration(Registration{User: strings.Repeat("a", 65)}) }, 400},
		"name with an escape/refused":   {func() (*Ceremony, error) { return s.BeginRegistration(Registration{User: "a\x1b[31m"}) }, 400},
		"name that is no text/refused":  {func() (*Ceremony, error) { return s.BeginRegistration(Registration{User: "\xff"}) }, 400},
		"display name of that kind/too": {func() (*Ceremony, error) { return s.BeginRegistration(Registration{User: "a", DisplayName: "\n"}) }, 400},
		"unknown user/not found":        {func() (*Ceremony, error) { return s.BeginLogin(Login{User: "nobody"}) }, 404},
		"extensions no object/refused": {func() (*Ceremony, error) {
			return s.BeginRegistration(Registration{User: "a", Extensions: json.RawMessage(`"prf"`)})
		}, 400},
		"an algorithm that nobody knows/refused": {func() (*Ceremony, error) {
			return s.BeginRegistration(Registration{User: "a", Algorithms: []int64{-7, 5}})
		}, 400},
		"a login's extension for a registration/refused": {func() (*Ceremony, error) {
			return s.BeginRegistration(Registration{User: "a", Extensions: json.RawMessage(`{"getCredBlob":true}`)})
		}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.begin(); status(err) != c.want {
				t.Errorf("err %v, want status %d", err, c.want)
			}
		})
	}
	if u := s.Users(); len(u) != 0 {
		t.Errorf("a registration that only began left %v", u)
	}
}

func TestOptionsSayWhatWasAsked(t *testing.T) {
	c, err := newSite(t).BeginRegistration(Registration{
		User: "alice", UserVerification: "required", ResidentKey: "required", Attestation: "direct",
		Algorithms: []int64{-8}, Extensions: json.RawMessage(`{"credProps":true}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"publicKey":`, `"userVerification":"required"`, `"residentKey":"required"`, `"requireResidentKey":true`,
		`"attestation":"direct"`, `"pubKeyCredParams":[{"type":"public-key","alg":-8}]`, `"extensions":{"credProps":true}`,
	} {
		if !strings.Contains(string(c.Options), want) {
			t.Errorf("the options don't have %s: %s", want, c.Options)
		}
	}
}

func TestChallengeIsGoodForOneResponse(t *testing.T) {
	c, err := newSite(t).BeginLogin(Login{})
	if err != nil {
		t.Fatal(err)
	}
	_, first := c.Finish([]byte(`{}`))
	_, second := c.Finish([]byte(`{}`))
	if status(first) != 400 || status(second) != 400 || !strings.Contains(second.Error(), "begin again") {
		t.Errorf("first %v, second %v", first, second)
	}
}

func TestCredentialBelongsToOneUser(t *testing.T) {
	s := newSite(t)
	if err := s.Add("alice", webauthn.Credential{ID: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Add("bob", webauthn.Credential{ID: []byte{1}}); status(err) != 409 {
		t.Errorf("err %v, want a conflict", err)
	}
	if u := s.Users(); len(u) != 1 {
		t.Errorf("users %v", u)
	}
}

// browser is a client with cookies.
func browser(t *testing.T, s *Site) (post func(path, body string, header ...string) (int, string)) {
	t.Helper()
	server := httptest.NewTLSServer(s.Handler())
	t.Cleanup(server.Close)
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	return func(path, body string, header ...string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", "https://example.com"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		b, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.StatusCode, string(b)
	}
}

func TestHandlerRefuses(t *testing.T) {
	s := newSite(t)
	if err := s.Add("alice", webauthn.Credential{ID: []byte{1}, PublicKey: []byte{0xa0}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path, body string
		header     []string
		status     int
		text       string
	}{
		"nothing has begun/refused":           {"/login/finish", `{}`, nil, 400, "begin again"},
		"no JSON/refused":                     {"/login/begin", `<xml/>`, nil, 400, "not the JSON"},
		"too long/refused":                    {"/login/finish", strings.Repeat(" ", maxBody+1), nil, 413, "too long"},
		"somebody else's account/refused":     {"/register/begin", `{"user":"alice"}`, nil, 403, "log in first"},
		"another site's page/refused":         {"/login/begin", `{}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		"a new account/begun":                 {"/register/begin", `{"user":"bob"}`, nil, 200, `{"publicKey":`},
		"a login without a user/begun":        {"/login/begin", `{}`, nil, 200, `{"publicKey":`},
		"a login of a user/begun with a list": {"/login/begin", `{"user":"alice"}`, nil, 200, `"allowCredentials":[{`},
	} {
		t.Run(name, func(t *testing.T) {
			post := browser(t, s)
			if status, text := post(c.path, c.body, c.header...); status != c.status || !strings.Contains(text, c.text) {
				t.Errorf("status %d: %s; want %d with %q", status, text, c.status, c.text)
			}
		})
	}
}

func TestSessionHoldsOneCeremony(t *testing.T) {
	post := browser(t, newSite(t))
	post("/login/begin", `{}`)
	if status, text := post("/login/finish", `{}`); status != 400 || strings.Contains(text, "begin again") {
		t.Errorf("first response: status %d: %s", status, text)
	}
	if status, text := post("/login/finish", `{}`); status != 400 || !strings.Contains(text, "begin again") {
		t.Errorf("second response: status %d: %s", status, text)
	}
}
