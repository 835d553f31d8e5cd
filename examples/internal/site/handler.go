package site

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
)

const (
	cookieName   = "session"
	maxBody      = 1 << 16          // bytes of a request
	maxSessions  = 1000             // at once; more are refused
	sessionLasts = 15 * time.Minute // after the last request
)

// A session is one visitor's: what has begun, and who has logged in.
type session struct {
	ceremony *Ceremony
	user     string // "": nobody
	expires  time.Time
}

type handler struct {
	site *Site

	mu       sync.Mutex
	sessions map[string]*session
}

// Handler serves the site over HTTP, for JSON:
//
//	POST /register/begin   a [Registration]; answers {"publicKey": …}
//	POST /register/finish  the client's RegistrationResponseJSON; answers a [Report]
//	POST /login/begin      a [Login]; answers {"publicKey": …}
//	POST /login/finish     the client's AuthenticationResponseJSON; answers a [Report]
//	GET  /me               answers {"user": …}, who has logged in
//	POST /logout
//	GET  /.well-known/webauthn  the origins that share the RP ID
//
// What goes wrong is answered with {"error": …}. A cookie holds the session
// together; to finish either ceremony is to be logged in. Only the account's
// owner, who has logged in, can add another key.
func (s *Site) Handler() http.Handler {
	h := &handler{site: s, sessions: map[string]*session{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /register/begin", answer(h.registerBegin))
	mux.HandleFunc("POST /register/finish", answer(h.finish))
	mux.HandleFunc("POST /login/begin", answer(h.loginBegin))
	mux.HandleFunc("POST /login/finish", answer(h.finish))
	mux.HandleFunc("GET /me", answer(h.me))
	mux.HandleFunc("POST /logout", answer(h.logout))
	if related, err := s.rp.RelatedOrigins(); err == nil { // others than domains can't be
		mux.Handle("GET "+protocol.WellKnownPathWebAuthn, related)
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// answer makes a handler of a function whose result is sent as JSON.
func answer(f func(http.ResponseWriter, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		status := http.StatusOK
		v, err := f(w, r)
		if err != nil {
			status = http.StatusInternalServerError
			text := "the site is out of order"
			if e, ok := errors.AsType[*Error](err); ok {
				status, text = e.Status, e.Text
			}
			v = map[string]string{"error": text}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
}

func (h *handler) registerBegin(w http.ResponseWriter, r *http.Request) (any, error) {
	var body Registration
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	if _, exists := h.site.user(body.User); exists && h.userOf(r) != body.User {
		return nil, refuse(http.StatusForbidden, nil, "%s has an account: log in first to add a key to it", body.User)
	}
	c, err := h.site.BeginRegistration(body)
	return h.begin(w, r, c, err)
}

func (h *handler) loginBegin(w http.ResponseWriter, r *http.Request) (any, error) {
	var body Login
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	c, err := h.site.BeginLogin(body)
	return h.begin(w, r, c, err)
}

// begin keeps the ceremony for the visitor and answers its options.
func (h *handler) begin(w http.ResponseWriter, r *http.Request, c *Ceremony, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return json.RawMessage(c.Options), h.withSession(w, r, true, func(s *session) { s.ceremony = c })
}

func (h *handler) finish(w http.ResponseWriter, r *http.Request) (any, error) {
	response, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, refuse(http.StatusRequestEntityTooLarge, err, "the response is too long")
	}
	var c *Ceremony
	if err := h.withSession(w, r, false, func(s *session) { c, s.ceremony = s.ceremony, nil }); err != nil {
		return nil, err
	}
	if c == nil {
		return nil, refuse(http.StatusBadRequest, nil, "nothing has begun, or it is too long ago: begin again")
	}
	report, err := c.Finish(response)
	if err != nil {
		return nil, err
	}
	h.end(r) // a session that somebody else may know must not become a login's
	return report, h.withSession(w, nil, true, func(s *session) { s.user = report.User })
}

func (h *handler) me(_ http.ResponseWriter, r *http.Request) (any, error) {
	user := h.userOf(r)
	if user == "" {
		return nil, refuse(http.StatusUnauthorized, nil, "nobody has logged in")
	}
	return map[string]string{"user": user}, nil
}

func (h *handler) logout(_ http.ResponseWriter, r *http.Request) (any, error) {
	h.end(r)
	return struct{}{}, nil
}

// withSession calls f with the visitor's session; if there is none it begins one,
// or refuses. Without a request it always begins one.
func (h *handler) withSession(w http.ResponseWriter, r *http.Request, begin bool, f func(*session)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	s := h.lookUp(r, now)
	if s == nil {
		if !begin {
			return refuse(http.StatusBadRequest, nil, "nothing has begun, or it is too long ago: begin again")
		}
		for id, old := range h.sessions {
			if now.After(old.expires) {
				delete(h.sessions, id)
			}
		}
		if len(h.sessions) >= maxSessions {
			return refuse(http.StatusServiceUnavailable, nil, "there are too many visitors: try again later")
		}
		s = new(session)
		id := rand.Text()
		h.sessions[id] = s
		http.SetCookie(w, &http.Cookie{
			Name: cookieName, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
			Secure: h.secure(),
		})
	}
	s.expires = now.Add(sessionLasts)
	f(s)
	return nil
}

// secure says that all of the site's pages are https: others are for tries on
// localhost.
func (h *handler) secure() bool {
	for _, o := range h.site.rp.Config.RPOrigins {
		if !strings.HasPrefix(o, "https:") {
			return false
		}
	}
	return true
}

// lookUp returns the visitor's session, nil if there is none. The lock is held.
func (h *handler) lookUp(r *http.Request, now time.Time) *session {
	if r == nil {
		return nil
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	if s := h.sessions[cookie.Value]; s != nil && now.Before(s.expires) {
		return s
	}
	return nil
}

func (h *handler) userOf(r *http.Request) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.lookUp(r, time.Now()); s != nil {
		return s.user
	}
	return ""
}

func (h *handler) end(r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cookie, err := r.Cookie(cookieName); err == nil {
		delete(h.sessions, cookie.Value)
	}
}

func readJSON(r *http.Request, v any) error {
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		return refuse(http.StatusBadRequest, err, "the request is not the JSON that it should be: %v", err)
	}
	return nil
}
