package webauthn

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
)

func seedOptions(f *testing.F) {
	for _, s := range []string{
		wholeCreation, wholeRequest, leastCreation, leastRequest, "", "{}", "null", `{"publicKey":` + leastCreation + `}`,
		with(leastCreation, `"timeout":1e300,"extensions":{"prf":{"eval":{"first":""}},"largeBlob":null}`),
		with(leastRequest, `"allowCredentials":[{"type":"x","id":""}],"extensions":{"largeBlob":{"read":true}}`),
	} {
		f.Add([]byte(s))
	}
}

// judge checks that options are refused with a name that a browser has, and that
// accepted ones mean the same in the JSON that they marshal to.
func judge[T any](t *testing.T, b []byte, parse func([]byte) (*T, error)) *T {
	o, err := parse(b)
	if err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok || o != nil {
			t.Fatalf("%#v with %v", err, o)
		}
		switch e.Name {
		case TypeError, EncodingError, NotSupportedError, SyntaxError:
		default:
			t.Fatalf("a parser's %s: %v", e.Name, err)
		}
		wantError(t, err, e.Name, nil) // fit for a terminal
		return nil
	}
	again, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	back, err := parse(again)
	if err != nil {
		t.Fatalf("%s is refused: %v", again, err)
	}
	third, err := json.Marshal(back)
	if err != nil || !reflect.DeepEqual(third, again) {
		t.Fatalf("%s becomes %s, %v", again, third, err)
	}
	return o
}

// FuzzParseCreationOptions: what a site wants of a credential is refused by name,
// or bounded, and reaches the authenticator with nothing absent.
func FuzzParseCreationOptions(f *testing.F) {
	seedOptions(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		o := judge(t, b, ParseCreationOptions)
		if o == nil {
			return
		}
		if n := len(o.User.ID); len(o.Challenge) == 0 || n < 1 || n > 64 || o.Timeout < 0 || o.Timeout > 24*time.Hour {
			t.Fatalf("%+v", o)
		}
		a := &fake{err: ErrCancelled}
		_, err := NewClient(a, nil).Create(t.Context(), "https://login.example.com", o)
		if len(a.creates) == 0 {
			if e, ok := err.(*Error); !ok || e.Name != SecurityError && e.Name != NotSupportedError {
				t.Fatal(err)
			}
			return
		}
		r := a.creates[0]
		if r.RP.ID == "" || len(r.PubKeyCredParams) == 0 || r.UserVerification == "" || r.ResidentKey == "" || r.Attestation == "" || !json.Valid(r.ClientDataJSON) {
			t.Fatalf("%+v", r)
		}
		if r.RP.ID != "login.example.com" && r.RP.ID != "example.com" {
			t.Fatalf("the RP ID %q", r.RP.ID)
		}
	})
}

// FuzzParseRequestOptions: the same for logins.
func FuzzParseRequestOptions(f *testing.F) {
	seedOptions(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		o := judge(t, b, ParseRequestOptions)
		if o == nil {
			return
		}
		if len(o.Challenge) == 0 || o.Timeout < 0 || o.Timeout > 24*time.Hour {
			t.Fatalf("%+v", o)
		}
		a := &fake{err: ErrCancelled}
		_, err := NewClient(a, nil).Get(t.Context(), "https://login.example.com", o)
		if len(a.gets) == 0 {
			if e, ok := err.(*Error); !ok || e.Name != SecurityError && !errors.Is(err, ErrNoPasskey) {
				t.Fatal(err)
			}
			return
		}
		r := a.gets[0]
		if r.RPID != "login.example.com" && r.RPID != "example.com" || r.UserVerification == "" || !json.Valid(r.ClientDataJSON) {
			t.Fatalf("%+v", r)
		}
		if len(o.AllowCredentials) > 0 && len(r.AllowCredentials) == 0 {
			t.Fatal("a list that came to nothing lets any passkey in")
		}
	})
}

// FuzzParseOrigin: an origin is refused, or is read as it is written, and nobody
// may claim what is not its own.
func FuzzParseOrigin(f *testing.F) {
	for _, s := range []string{"https://example.com", "http://localhost:8080", "https://Bücher.example:443", "https://[::1]", "https://0x7f.1", "null"} {
		f.Add(s, "example.com")
	}
	f.Fuzz(func(t *testing.T, s, rpID string) {
		o, err := parseOrigin(s)
		if err != nil {
			return
		}
		if back, err := parseOrigin(o.String()); err != nil || back != o {
			t.Fatalf("%q is %v, which is %v, %v", s, o, back, err)
		}
		got, err := NewClient(nil, nil).rpIDFor(t.Context(), o, rpID)
		if err != nil {
			wantError(t, err, SecurityError, nil)
			return
		}
		if rpID != "" && got != rpID || len(got) > maxDomain || len(got) > len(o.host) || o.host[len(o.host)-len(got):] != got {
			t.Fatalf("%q claims %q for %q", s, got, rpID)
		}
	})
}
