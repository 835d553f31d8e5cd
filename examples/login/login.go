package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/webauthn"
)

// A service is a web service, and the key that its user has.
type service struct {
	origin string // such as https://example.com: whom the key signs for
	http   *http.Client
	client *webauthn.Client // what a browser is otherwise
}

func newService(origin string, h *http.Client, key *fido.Key, prompt webauthn.Prompt) *service {
	k := webauthn.NewSecurityKey(key.Client, prompt)
	k.Contactless = key.Contactless() // "hold it to the reader" rather than "touch it"
	return &service{origin, h, webauthn.NewClient(k, nil)}
}

// login logs in and returns who it is. Without a user name the service asks for a
// passkey, and the key says whose it is.
func (s *service) login(ctx context.Context, user string) (string, error) {
	// First the service says what is to be signed, and by which keys.
	options, err := s.post(ctx, "/login/begin", map[string]string{"user": user, "userVerification": "preferred"})
	if err != nil {
		return "", err
	}
	o, err := webauthn.ParseRequestOptions(options)
	if err != nil {
		return "", err
	}
	// The key signs for this origin and no other: a service that passes on what
	// another one asked gets nothing. So the origin is where the connection went,
	// never what the service says of itself.
	response, err := s.client.Get(ctx, s.origin, o)
	switch {
	case errors.Is(err, webauthn.ErrNoPasskey) && user == "":
		return "", fmt.Errorf("%w; or name the account with -user", err)
	case err != nil:
		return "", err
	}
	// Then the service judges the signature.
	return s.finish(ctx, "/login/finish", response)
}

// register makes an account with the key, or adds the key to that of who has
// logged in.
func (s *service) register(ctx context.Context, user string) (string, error) {
	options, err := s.post(ctx, "/register/begin", map[string]string{"user": user, "residentKey": "preferred", "userVerification": "preferred"})
	if err != nil {
		return "", err
	}
	o, err := webauthn.ParseCreationOptions(options)
	if err != nil {
		return "", err
	}
	response, err := s.client.Create(ctx, s.origin, o)
	if err != nil {
		return "", err
	}
	return s.finish(ctx, "/register/finish", response)
}

// finish sends the key's response and returns who has logged in.
func (s *service) finish(ctx context.Context, path string, response any) (string, error) {
	b, err := s.post(ctx, path, response)
	if err != nil {
		return "", err
	}
	var report struct {
		User string `json:"user"`
	}
	if err := json.Unmarshal(b, &report); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return report.User, nil
}

// maxAnswer is the most bytes of an answer that are read.
const maxAnswer = 1 << 20

// post sends v as JSON and returns the answer.
func (s *service) post(ctx context.Context, path string, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.origin+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(w.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if w.StatusCode != http.StatusOK {
		var refusal struct {
			Error string `json:"error"`
		}
		json.Unmarshal(answer, &refusal) // if it is none, the status has to do
		return nil, fmt.Errorf("the service refuses with %d: %q", w.StatusCode, cmp.Or(refusal.Error, "it does not say why"))
	}
	return answer, nil
}
