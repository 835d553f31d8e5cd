// Package site is a web service whose users log in with security keys: a relying
// party of WebAuthn, as small as one can be that leaves nothing out. It is built
// on github.com/go-webauthn/webauthn, so that what the examples and their tests
// send is judged by a server that was written by others.
//
// A [Site] may be used in the same process, by [Site.BeginRegistration] and
// [Site.BeginLogin], or over HTTP: [Site.Handler].
package site

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Config says which site it is.
type Config struct {
	RPID    string   // the RP ID: the domain that credentials are for
	Name    string   // for people; "": the RP ID
	Origins []string // where its pages may be; nil: https:// and the RP ID
	Users   []User   // who has registered before, as [Site.Users] gave them
}

// A Site is a relying party. Its methods may be called by several goroutines.
type Site struct {
	rp *webauthn.WebAuthn

	mu    sync.Mutex // over users, never held while somebody is waited for
	users []*User
}

// A User is somebody who has registered. There is nothing secret in it.
type User struct {
	Handle      []byte                `json:"handle"` // random: the user handle, WebAuthn L3 section 4
	Name        string                `json:"name"`
	DisplayName string                `json:"displayName"`
	Credentials []webauthn.Credential `json:"credentials"`
}

// WebAuthnID and the others are what go-webauthn asks of a user.
func (u *User) WebAuthnID() []byte                         { return u.Handle }
func (u *User) WebAuthnName() string                       { return u.Name }
func (u *User) WebAuthnDisplayName() string                { return u.DisplayName }
func (u *User) WebAuthnCredentials() []webauthn.Credential { return u.Credentials }

func (u *User) clone() *User {
	c := *u
	c.Credentials = slices.Clone(u.Credentials)
	return &c
}

// New returns a site.
func New(c Config) (*Site, error) {
	rp, err := webauthn.New(&webauthn.Config{
		RPID:          c.RPID,
		RPDisplayName: cmp.Or(c.Name, c.RPID),
		RPOrigins:     origins(c),
		Timeouts: webauthn.TimeoutsConfig{
			Registration: webauthn.TimeoutConfig{Enforce: true},
			Login:        webauthn.TimeoutConfig{Enforce: true},
		},
	})
	if err != nil {
		return nil, err
	}
	s := &Site{rp: rp}
	for _, u := range c.Users {
		s.users = append(s.users, u.clone())
	}
	return s, nil
}

func origins(c Config) []string {
	if c.Origins == nil {
		return []string{"https://" + c.RPID}
	}
	return slices.Clone(c.Origins)
}

// Users returns everybody who has registered, in the order in which they came.
func (s *Site) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]User, len(s.users))
	for i, u := range s.users {
		out[i] = *u.clone()
	}
	return out
}

// Add takes in a credential that was made elsewhere, such as with U2F before
// there was WebAuthn, and the user if there is none of this name.
func (s *Site) Add(user string, credential webauthn.Credential) error {
	u, err := s.userOrNew(user, "")
	if err != nil {
		return err
	}
	return s.store(u, credential)
}

// user returns a copy of who has this name.
func (s *Site) user(name string) (*User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		if u.Name == name {
			return u.clone(), true
		}
	}
	return nil, false
}

// userByHandle returns a copy of who has this user handle, which is how a passkey
// says whose it is.
func (s *Site) userByHandle(handle []byte) (*User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		if bytes.Equal(u.Handle, handle) {
			return u.clone(), true
		}
	}
	return nil, false
}

// userOrNew returns who has this name, or somebody new who is not stored before
// there is a credential.
func (s *Site) userOrNew(name, displayName string) (*User, error) {
	if u, ok := s.user(name); ok {
		return u, nil
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	if displayName != "" {
		if err := checkName(displayName); err != nil {
			return nil, err
		}
	}
	handle := make([]byte, 32)
	rand.Read(handle)
	return &User{Handle: handle, Name: name, DisplayName: cmp.Or(displayName, name)}, nil
}

// maxName is the most bytes of a name: what a key has room for at least (WebAuthn
// L3 section 5.4.1).
const maxName = 64

func checkName(name string) error {
	switch {
	case name == "":
		return refuse(http.StatusBadRequest, nil, "a user name is needed")
	case len(name) > maxName:
		return refuse(http.StatusBadRequest, nil, "a user name has at most %d bytes", maxName)
	case !utf8.ValidString(name) || bytes.ContainsFunc([]byte(name), unicode.IsControl):
		return refuse(http.StatusBadRequest, nil, "a user name can't have such characters")
	}
	return nil
}

// store adds a credential to a user, or puts it in the place of its older record.
func (s *Site) store(u *User, credential webauthn.Credential) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var owner *User
	for _, known := range s.users {
		if bytes.Equal(known.Handle, u.Handle) {
			owner = known
		} else if known.Name == u.Name {
			return refuse(http.StatusConflict, nil, "somebody else has taken the name %s meanwhile", u.Name)
		} else if known.index(credential.ID) >= 0 {
			// WebAuthn L3 section 7.1, step 26: a credential belongs to one user.
			return refuse(http.StatusConflict, nil, "this credential belongs to another user")
		}
	}
	if owner == nil {
		owner = u.clone()
		s.users = append(s.users, owner)
	}
	if i := owner.index(credential.ID); i >= 0 {
		owner.Credentials[i] = credential
	} else {
		owner.Credentials = append(owner.Credentials, credential)
	}
	return nil
}

func (u *User) index(id []byte) int {
	return slices.IndexFunc(u.Credentials, func(c webauthn.Credential) bool { return bytes.Equal(c.ID, id) })
}

// An Error is why the site does not do what it was asked. Status is the one of
// HTTP that fits; the text is for people.
type Error struct {
	Status int
	Text   string
	Err    error // what go-webauthn said; may be nil
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Err }

func refuse(status int, err error, format string, args ...any) *Error {
	return &Error{status, fmt.Sprintf(format, args...), err}
}

// refuseAs is refuse for an error of go-webauthn, whose details matter to those
// who write clients.
func refuseAs(status int, err error, what string) *Error {
	text := what + ": " + err.Error()
	if e, ok := errors.AsType[*protocol.Error](err); ok && e.DevInfo != "" && e.DevInfo != e.Details {
		text += " (" + e.DevInfo + ")"
	}
	return refuse(status, err, "%s", text)
}
