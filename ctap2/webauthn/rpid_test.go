package webauthn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func TestRPID(t *testing.T) {
	const refused = "refused"
	for name, c := range map[string]struct{ origin, rpID, want string }{
		"absent/the domain":                        {"https://login.example.com:8443", "", "login.example.com"},
		"equal":                                    {"https://example.com", "example.com", "example.com"},
		"parent":                                   {"https://login.example.com", "example.com", "example.com"},
		"grandparent":                              {"https://a.b.example.com", "example.com", "example.com"},
		"between":                                  {"https://a.b.example.com", "b.example.com", "b.example.com"},
		"child/refused":                            {"https://example.com", "login.example.com", refused},
		"sibling/refused":                          {"https://a.example.com", "b.example.com", refused},
		"other/refused":                            {"https://example.com", "example.org", refused},
		"suffix of a label/refused":                {"https://notexample.com", "example.com", refused},
		"top-level domain/refused":                 {"https://example.com", "com", refused},
		"public suffix of two labels/refused":      {"https://example.co.uk", "co.uk", refused},
		"below such a suffix":                      {"https://login.example.co.uk", "example.co.uk", "example.co.uk"},
		"private suffix/refused":                   {"https://ada.github.io", "github.io", refused},
		"below a private suffix":                   {"https://x.ada.github.io", "ada.github.io", "ada.github.io"},
		"equal to a private suffix/as in HTML":     {"https://github.io", "github.io", "github.io"},
		"beyond a private suffix/refused":          {"https://ada.github.io", "io", refused},
		"beyond a long private suffix/refused":     {"https://bucket.s3.amazonaws.com", "amazonaws.com", refused},
		"exception to a wildcard rule/refused":     {"https://city.kawasaki.jp", "kawasaki.jp", refused},
		"wildcard rule, beyond the suffix/refused": {"https://a.b.kawasaki.jp", "kawasaki.jp", refused},
		"wildcard rule, the suffix itself/refused": {"https://a.b.kawasaki.jp", "b.kawasaki.jp", refused},
		"unlisted top-level domain/refused":        {"https://printer.corp", "corp", refused},
		"below an unlisted one":                    {"https://a.printer.corp", "printer.corp", "printer.corp"},
		"intranet":                                 {"https://intranet", "intranet", "intranet"},
		"localhost":                                {"http://localhost:8080", "localhost", "localhost"},
		"localhost, absent":                        {"http://localhost:8080", "", "localhost"},
		"localhost from below/refused":             {"http://app.localhost", "localhost", refused},
		"localhost as another's/refused":           {"http://localhost", "example.com", refused},
		"IDN in A-labels":                          {"https://login.Bücher.example", "xn--bcher-kva.example", "xn--bcher-kva.example"},
		"IDN in Unicode/refused, not canonical":    {"https://Bücher.example", "bücher.example", refused},
		"IDN suffix/refused":                       {"https://example.公司.cn", "xn--55qx5d.cn", refused},
		"upper case/refused, not canonical":        {"https://example.com", "Example.com", refused},
		"trailing dot/refused":                     {"https://example.com", "example.com.", refused},
		"leading dot/refused":                      {"https://login.example.com", ".example.com", refused},
		"port/refused":                             {"https://example.com:8443", "example.com:8443", refused},
		"path and query/refused":                   {"https://example.com", "example.org/path?search=1&", refused},
		"path of one's own/refused":                {"https://example.com", "example.com/", refused},
		"URL/refused":                              {"https://example.com", "https://example.com", refused},
		"IPv4/refused":                             {"https://example.com", "192.0.2.1", refused},
		"IPv6/refused":                             {"https://example.com", "::1", refused},
		"control characters/refused":               {"https://example.com", "example.com\n", refused},
		"too long/refused":                         {"https://example.com", repeat("a.", 4000) + "example.com", refused},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseOrigin(c.origin)
			if err != nil {
				t.Fatal(err)
			}
			got, err := NewClient(nil, nil).rpIDFor(t.Context(), o, c.rpID)
			if c.want == refused {
				wantError(t, err, SecurityError, nil)
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// wantError checks the name of an error, and what it is.
func wantError(t *testing.T, err error, name string, is error) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Name != name {
		t.Fatalf("%#v, want a %s", err, name)
	}
	if is != nil && !errors.Is(err, is) {
		t.Fatalf("%v is not %v", err, is)
	}
	if len(err.Error()) > 1000 || !utf8.ValidString(err.Error()) || strings.ContainsFunc(err.Error(), unicode.IsControl) {
		t.Errorf("%q is not fit for a terminal", err.Error())
	}
}

func TestRelatedOrigins(t *testing.T) {
	five := []string{"https://a.com", "https://b.com", "https://c.com", "https://d.com", "https://e.com"}
	for name, c := range map[string]struct {
		origin string
		list   []string
		want   bool
	}{
		"listed":                              {"https://example.co.uk", []string{"https://example.de", "https://example.co.uk"}, true},
		"not listed/refused":                  {"https://example.fr", []string{"https://example.de"}, false},
		"empty list/refused":                  {"https://example.fr", nil, false},
		"subdomain of a listed one/refused":   {"https://login.example.de", []string{"https://example.de"}, false},
		"other port/refused":                  {"https://example.de:8443", []string{"https://example.de"}, false},
		"without TLS/refused":                 {"https://example.de", []string{"http://example.de"}, false},
		"with a path/its origin":              {"https://example.de", []string{"https://example.de/x?y#z"}, true},
		"in Unicode":                          {"https://xn--bcher-kva.de", []string{"https://bücher.de"}, true},
		"rubbish before it/skipped":           {"https://example.de", []string{"", "://", "https://", "https://[::1]", "https://192.0.2.1", "https://com", "\x00", "https://example.de"}, true},
		"fifth name":                          {"https://e.com", five, true},
		"sixth name/refused":                  {"https://f.com", append(five, "https://f.com"), false},
		"sixth origin of a name that counted": {"https://login.a.co.uk", append(five, "https://f.com", "https://login.a.co.uk"), true},
		"rubbish does not count":              {"https://e.com", append([]string{"https://co.uk", "https://192.0.2.1", "http://x.com"}, five...), true},
		"public suffix/refused":               {"https://github.io", []string{"https://github.io"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseOrigin(c.origin)
			if err != nil {
				t.Fatal(err)
			}
			var asked []string
			client := NewClient(nil, &Config{RelatedOrigins: func(_ context.Context, rpID string) ([]string, error) {
				asked = append(asked, rpID)
				return c.list, nil
			}})
			got, err := client.rpIDFor(t.Context(), o, "example.com")
			if c.want && (err != nil || got != "example.com") {
				t.Errorf("%q, %v", got, err)
			}
			if !c.want {
				wantError(t, err, SecurityError, nil)
			}
			if fmt.Sprint(asked) != "[example.com]" {
				t.Errorf("asked for %q", asked)
			}
		})
	}
}

// TestRelatedOriginsUnasked: the hook is for domains that the origin has no claim
// to, and for nothing else.
func TestRelatedOriginsUnasked(t *testing.T) {
	client := NewClient(nil, &Config{RelatedOrigins: func(_ context.Context, rpID string) ([]string, error) {
		t.Errorf("asked for %q", rpID)
		return nil, nil
	}})
	o, _ := parseOrigin("https://login.example.com")
	for _, rpID := range []string{"", "login.example.com", "example.com", "192.0.2.1", "Example.org", "example.org.", "a b"} {
		client.rpIDFor(t.Context(), o, rpID)
	}
}

func TestRelatedOriginsFail(t *testing.T) {
	why := errors.New("no such host")
	client := NewClient(nil, &Config{RelatedOrigins: func(context.Context, string) ([]string, error) { return nil, why }})
	o, _ := parseOrigin("https://example.com")
	_, err := client.rpIDFor(t.Context(), o, "example.org")
	wantError(t, err, SecurityError, why)
}

func TestAppID(t *testing.T) {
	for name, c := range map[string]struct {
		origin, appID string
		want          bool
	}{
		"the origin":                     {"https://example.com", "https://example.com", true},
		"the origin without TLS":         {"http://localhost:8080", "http://localhost:8080", true},
		"list of facets":                 {"https://login.example.com", "https://example.com/app-id.json", true},
		"sibling":                        {"https://login.example.com", "https://u2f.example.com/app-id.json", true},
		"other port":                     {"https://example.com:8443", "https://example.com/app-id.json", true},
		"localhost":                      {"http://localhost:8080", "https://localhost/app-id.json", true},
		"Google's":                       {"https://accounts.google.com", "https://www.gstatic.com/securitykey/origins.json", true},
		"Google's own people's":          {"https://google.com", "https://www.gstatic.com/securitykey/a/google.com/origins.json", true},
		"Google's elsewhere/refused":     {"https://notgoogle.com", "https://www.gstatic.com/securitykey/origins.json", false},
		"like Google's/refused":          {"https://accounts.google.com", "https://www.gstatic.com/securitykey/other.json", false},
		"other site/refused":             {"https://example.com", "https://example.org/app-id.json", false},
		"other tenant/refused":           {"https://ada.github.io", "https://bob.github.io/app-id.json", false},
		"without TLS/refused":            {"https://example.com", "http://example.com/app-id.json", false},
		"other port without TLS/refused": {"http://localhost:8080", "http://localhost:9090", false},
		"not a URL/refused":              {"https://example.com", "example.com", false},
		"app/refused":                    {"https://example.com", "android:apk-key-hash:x", false},
		"control characters/refused":     {"https://example.com", "https://example.com\x1b[2J", false},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseOrigin(c.origin)
			if err != nil {
				t.Fatal(err)
			}
			if err := mayUseAppID(o, c.appID); c.want && err != nil {
				t.Error(err)
			} else if !c.want {
				wantError(t, err, SecurityError, nil)
			}
		})
	}
}
