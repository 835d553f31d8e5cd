package endtoend

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctap2/webauthn"
	"github.com/gofido/fido/examples/internal/site"
)

// A key that is registered can't be registered again, and one touch is all that it
// takes to find out.
func TestAlreadyRegistered(t *testing.T) {
	for _, way := range transports {
		for _, k := range keyKinds {
			t.Run(string(way)+"/"+k.name, func(t *testing.T) {
				s := newService(t)
				u := &user{pin: pin}
				first, second := k.new(t, way), k.new(t, way)
				ada := site.Registration{User: "ada", UserVerification: "preferred", ResidentKey: "preferred"}
				b := s.browser(t)
				if _, _, err := b.register(way.client(t, first, u), ada); err != nil {
					t.Fatal(err)
				}
				if _, _, err := b.register(way.client(t, first, u), ada); kind(err) != "already registered" {
					t.Errorf("the same key again: %v", err)
				} else if e := err.(*webauthn.Error); e.Name != webauthn.InvalidStateError {
					t.Errorf("the same key again: %s", e.Name)
				}
				if _, _, err := b.register(way.client(t, second, u), ada); err != nil {
					t.Errorf("a second key: %v", err)
				}
				// Either will do to log in.
				for _, key := range []*virtual.Key{first, second} {
					if _, _, err := b.login(way.client(t, key, u), site.Login{User: "ada"}); err != nil {
						t.Errorf("login: %v", err)
					}
				}
				// Another account may have the same key.
				bob := site.Registration{User: "bob", UserVerification: "preferred"}
				if _, _, err := s.browser(t).register(way.client(t, first, u), bob); err != nil {
					t.Errorf("another account: %v", err)
				}
			})
		}
	}
}

// Nobody adds a key to an account without having logged in to it.
func TestOnlyTheOwnerAddsKeys(t *testing.T) {
	s := newService(t)
	u := &user{}
	key := newKey(t, virtual.Config{})
	ada := site.Registration{User: "ada"}
	if _, _, err := s.browser(t).register(overHID.client(t, key, u), ada); err != nil {
		t.Fatal(err)
	}
	stranger := s.browser(t)
	if _, _, err := stranger.register(overHID.client(t, newKey(t, virtual.Config{}), u), ada); err == nil {
		t.Error("a stranger has added a key")
	}
	if _, _, err := stranger.login(overHID.client(t, key, u), site.Login{User: "ada"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := stranger.register(overHID.client(t, newKey(t, virtual.Config{}), u), ada); err != nil {
		t.Errorf("the owner can't add a key: %v", err)
	}
}

// A visitor's cookie can't be read by a page, or stolen by who gave it to the
// visitor before.
func TestCookies(t *testing.T) {
	s := newService(t)
	b := s.browser(t)
	if _, err := b.post("/login/begin", site.Login{}); err != nil {
		t.Fatal(err)
	}
	at, _ := url.Parse(origin)
	before := b.http.Jar.Cookies(at)
	if _, _, err := b.register(overHID.client(t, newKey(t, virtual.Config{}), &user{}), site.Registration{User: "ada"}); err != nil {
		t.Fatal(err)
	}
	after := b.http.Jar.Cookies(at)
	if len(before) != 1 || len(after) != 1 || before[0].Value == after[0].Value {
		t.Fatalf("the cookie was %v, and is %v after the login", before, after)
	}
	other := s.browser(t)
	other.http.Jar.SetCookies(at, before)
	if w, err := other.http.Get(origin + "/me"); err != nil || w.StatusCode != http.StatusUnauthorized {
		t.Errorf("with the cookie from before the login: %v, %v", w, err)
	}
	w, err := s.browser(t).http.Post(origin+"/login/begin", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	if c := w.Cookies(); len(c) != 1 || !c[0].Secure || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("the cookie is %v", c)
	}
	if _, err := b.post("/logout", nil); err != nil {
		t.Fatal(err)
	}
	if w, err := b.http.Get(origin + "/me"); err != nil || w.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the logout: %v, %v", w, err)
	}
}

// A list may have more credentials than the key takes at once, and one of them is
// the key's.
func TestLongLists(t *testing.T) {
	for _, way := range transports {
		for _, k := range keyKinds {
			t.Run(string(way)+"/"+k.name, func(t *testing.T) {
				s := newService(t)
				u := &user{pin: pin}
				b := s.browser(t)
				ada := site.Registration{User: "ada", ResidentKey: "discouraged", UserVerification: "discouraged"}
				var keys []*virtual.Key
				for range 20 {
					key := k.new(t, way)
					keys = append(keys, key)
					if _, _, err := b.register(way.client(t, key, u), ada); err != nil {
						t.Fatal(err)
					}
				}
				for _, i := range []int{0, 9, 19} {
					if _, _, err := b.login(way.client(t, keys[i], u), site.Login{User: "ada", UserVerification: "discouraged"}); err != nil {
						t.Errorf("login with key %d: %v", i, err)
					}
					if _, _, err := b.register(way.client(t, keys[i], u), ada); kind(err) != "already registered" {
						t.Errorf("key %d again: %v", i, err)
					}
				}
				if _, _, err := b.login(way.client(t, k.new(t, way), u), site.Login{User: "ada", UserVerification: "discouraged"}); kind(err) != "no passkey" {
					t.Errorf("login with a key that is not registered: %v", err)
				}
			})
		}
	}
}

// With several passkeys for the site the user chooses, once, and the site learns of
// the chosen one alone.
func TestSeveralAccounts(t *testing.T) {
	for _, way := range transports {
		for _, k := range keyKinds {
			if !k.passkeys {
				continue
			}
			t.Run(string(way)+"/"+k.name, func(t *testing.T) {
				s := newService(t)
				key := k.new(t, way)
				u := &user{pin: pin}
				names := []string{"ada", "bob", "eve"}
				for _, name := range names {
					if _, _, err := s.browser(t).register(way.client(t, key, u), site.Registration{User: name, ResidentKey: "required"}); err != nil {
						t.Fatal(err)
					}
				}
				for _, name := range names {
					u.account = name
					if !k.verifies {
						// A key tells the names to those who are verified, and no
						// others (CTAP 2.3 section 6.2.2).
						u.account = ""
					}
					u.took()
					report, _, err := s.browser(t).login(way.client(t, key, u), site.Login{})
					if err != nil {
						t.Fatal(err)
					}
					if u.account != "" && report.User != u.account {
						t.Errorf("%s was chosen, and %s has logged in", u.account, report.User)
					}
					if n := slices.Index(u.asked, "choose"); n < 0 || slices.Contains(u.asked[n+1:], "choose") {
						t.Errorf("asked %v", u.asked)
					}
					slices.Sort(u.choices)
					want := names
					if !k.verifies {
						want = []string{"", "", ""}
					}
					if !slices.Equal(u.choices, want) {
						t.Errorf("the choice was among %q, want %q", u.choices, want)
					}
				}
			})
		}
	}
}
