package webauthn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

// A fake is an authenticator that does as a test says and keeps what it was asked.
type fake struct {
	made    *MakeCredentialResult
	got     *GetAssertionResult
	err     error
	waits   bool // until the context ends
	creates []*MakeCredentialRequest
	gets    []*GetAssertionRequest
}

func (f *fake) wait(ctx context.Context) error {
	if f.waits {
		<-ctx.Done()
		if f.err == nil {
			return fmt.Errorf("the key: %w", ctx.Err())
		}
	}
	return f.err
}

func (f *fake) MakeCredential(ctx context.Context, r *MakeCredentialRequest) (*MakeCredentialResult, error) {
	f.creates = append(f.creates, r)
	return f.made, f.wait(ctx)
}

func (f *fake) GetAssertion(ctx context.Context, r *GetAssertionRequest) (*GetAssertionResult, error) {
	f.gets = append(f.gets, r)
	return f.got, f.wait(ctx)
}

func newCreation() *CreationOptions {
	return &CreationOptions{
		RP: ctap2.PublicKeyCredentialRPEntity{ID: "example.org", Name: "Example"}, User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}, Name: "ada"},
		Challenge: []byte{1, 2, 3},
	}
}

func newRequest() *RequestOptions {
	return &RequestOptions{RPID: "example.org", Challenge: []byte{1, 2, 3}}
}

const testOrigin = "https://login.example.org"

// both runs a registration and a login that fail.
func both(t *testing.T, c *Client, test func(t *testing.T, err error)) {
	t.Run("create", func(t *testing.T) {
		r, err := c.Create(t.Context(), testOrigin, newCreation())
		if r != nil {
			t.Errorf("%+v", r)
		}
		test(t, err)
	})
	t.Run("get", func(t *testing.T) {
		r, err := c.Get(t.Context(), testOrigin, newRequest())
		if r != nil {
			t.Errorf("%+v", r)
		}
		test(t, err)
	})
}

var sentinels = []error{ErrNoPasskey, ErrAlreadyRegistered, ErrCancelled, ErrTimeout, ErrUnsuitable, ErrNoAuthenticator}

// wantOnly checks that an error is one of the sentinels, and no other.
func wantOnly(t *testing.T, err, is error) {
	t.Helper()
	for _, s := range sentinels {
		if errors.Is(err, s) != (s == is) {
			t.Errorf("%v is %v: %t", err, s, s != is)
		}
	}
}

// TestErrorsToldApart: what an authenticator says arrives with the name that a
// browser gives it, and can be told from the rest.
func TestErrorsToldApart(t *testing.T) {
	other := errors.New("the key is gone")
	for name, c := range map[string]struct {
		err  error
		name string
		is   error
	}{
		"no passkey":         {ErrNoPasskey, NotAllowedError, ErrNoPasskey},
		"already registered": {ErrAlreadyRegistered, InvalidStateError, ErrAlreadyRegistered},
		"cancelled":          {ErrCancelled, NotAllowedError, ErrCancelled},
		"timed out":          {ErrTimeout, NotAllowedError, ErrTimeout},
		"unsuitable":         {ErrUnsuitable, NotAllowedError, ErrUnsuitable},
		"anything else":      {other, NotAllowedError, nil},
		"named already":      {&Error{NotSupportedError, other}, NotSupportedError, nil},
	} {
		t.Run(name, func(t *testing.T) {
			wrapped := fmt.Errorf("the authenticator: %w", errors.Join(c.err, ctap2.StatusOther))
			both(t, NewClient(&fake{err: wrapped}, nil), func(t *testing.T, err error) {
				wantOnly(t, err, c.is)
				e, ok := err.(*Error)
				if !ok || e.Name != c.name {
					t.Errorf("%#v, want a %s", err, c.name)
				}
				if c.name != NotSupportedError && !errors.Is(err, ctap2.StatusOther) {
					t.Errorf("%v has lost the status", err)
				}
			})
		})
	}
}

func TestNoAuthenticator(t *testing.T) {
	both(t, NewClient(nil, nil), func(t *testing.T, err error) {
		wantError(t, err, NotAllowedError, errors.ErrUnsupported)
		wantOnly(t, err, ErrNoAuthenticator)
	})
	c := NewClient(nil, nil)
	_, err := c.Create(t.Context(), "https://example.com", newCreation())
	wantError(t, err, SecurityError, nil) // it is the site's fault all the same
}

func TestWindowsAdvice(t *testing.T) {
	denied := fmt.Errorf("open: %w", fs.ErrPermission)
	for _, err := range []error{denied, ErrNoAuthenticator} {
		if s := advice("windows", err); !strings.Contains(s, "administrator") || !strings.Contains(s, "webauthn.dll") {
			t.Errorf("on Windows: %q", s)
		}
		if s := advice("linux", err); s != "" {
			t.Errorf("elsewhere: %q", s)
		}
	}
	if s := advice("windows", ErrTimeout); s != "" {
		t.Errorf("of something else: %q", s)
	}
}

// TestNothing: an authenticator that says nothing at all does not bring the
// program down.
func TestNothing(t *testing.T) {
	for name, f := range map[string]*fake{
		"nil":   {},
		"empty": {made: &MakeCredentialResult{}, got: &GetAssertionResult{}},
		"rubbish": {made: &MakeCredentialResult{AttestationObject: []byte{0xa1, 0x00}},
			got: &GetAssertionResult{CredentialID: []byte{1}}},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, NewClient(f, nil), func(t *testing.T, err error) {
				wantError(t, err, NotAllowedError, nil)
				wantOnly(t, err, nil)
				if strings.Count(err.Error(), "webauthn: ") != 1 {
					t.Error(err)
				}
			})
		})
	}
}

func TestNilOptions(t *testing.T) {
	c := NewClient(&fake{}, nil)
	_, err := c.Create(t.Context(), testOrigin, nil)
	wantError(t, err, TypeError, nil)
	_, err = c.Get(t.Context(), testOrigin, nil)
	wantError(t, err, TypeError, nil)
}

// TestTimeout: the time that a ceremony gets, by what the site asks and the
// program allows.
func TestTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		config      *Config
		asked, want time.Duration
	}{
		"absent/5 minutes":               {nil, 0, 5 * time.Minute},
		"short/5 minutes":                {nil, time.Minute, 5 * time.Minute},
		"within/as asked":                {nil, 7 * time.Minute, 7 * time.Minute},
		"long/10 minutes":                {nil, time.Hour, 10 * time.Minute},
		"negative/5 minutes":             {nil, -1, 5 * time.Minute},
		"program's bounds, short":        {&Config{MinTimeout: 10 * time.Second, MaxTimeout: time.Minute}, 1, 10 * time.Second},
		"program's bounds, within":       {&Config{MinTimeout: 10 * time.Second, MaxTimeout: time.Minute}, 30 * time.Second, 30 * time.Second},
		"program's bounds, absent":       {&Config{MinTimeout: 10 * time.Second, MaxTimeout: time.Minute}, 0, time.Minute},
		"program's default":              {&Config{DefaultTimeout: 6 * time.Minute}, 0, 6 * time.Minute},
		"program's default, short":       {&Config{DefaultTimeout: 30 * time.Second}, 0, 30 * time.Second},
		"program's default, short/asked": {&Config{DefaultTimeout: 30 * time.Second}, time.Minute, time.Minute},
		"program's default, long":        {&Config{DefaultTimeout: time.Hour}, 0, time.Hour},
		"program's default, bounded":     {&Config{DefaultTimeout: time.Second, MinTimeout: time.Minute}, 0, time.Minute},
		"program's most below the least": {&Config{MaxTimeout: time.Minute}, 0, time.Minute},
		"program's least above the most": {&Config{MinTimeout: time.Hour}, 0, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, says := range []error{nil, ErrCancelled, ErrTimeout, errors.New("cancelled by the host")} {
					start := time.Now()
					creation, request := newCreation(), newRequest()
					creation.Timeout, request.Timeout = c.asked, c.asked
					client := NewClient(&fake{waits: true, err: says}, c.config)
					_, err := client.Create(t.Context(), testOrigin, creation)
					wantError(t, err, NotAllowedError, ErrTimeout)
					wantOnly(t, err, ErrTimeout)
					if d := time.Since(start); d != c.want {
						t.Errorf("create took %v, want %v", d, c.want)
					}
					start = time.Now()
					_, err = client.Get(t.Context(), testOrigin, request)
					wantOnly(t, err, ErrTimeout)
					if d := time.Since(start); d != c.want {
						t.Errorf("get took %v, want %v", d, c.want)
					}
				}
			})
		})
	}
}

// TestContext: the caller's context ends a ceremony at once, and the error says
// how.
func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := NewClient(&fake{waits: true}, nil)
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("the window was closed")
		time.AfterFunc(time.Second, func() { cancel(why) })
		start := time.Now()
		_, err := client.Get(ctx, testOrigin, newRequest())
		wantError(t, err, AbortError, context.Canceled)
		wantError(t, err, AbortError, why)
		wantOnly(t, err, ErrCancelled)
		if d := time.Since(start); d != time.Second {
			t.Errorf("after %v", d)
		}

		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_, err = client.Create(ctx, testOrigin, newCreation())
		wantError(t, err, NotAllowedError, context.DeadlineExceeded)
		wantOnly(t, err, ErrTimeout)
	})
}

// TestRelatedOriginsInTime: the hook shares the ceremony's time.
func TestRelatedOriginsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := NewClient(&fake{}, &Config{RelatedOrigins: func(ctx context.Context, _ string) ([]string, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		start := time.Now()
		_, err := client.Create(t.Context(), "https://example.com", newCreation())
		wantError(t, err, NotAllowedError, context.DeadlineExceeded)
		wantOnly(t, err, ErrTimeout)
		if d := time.Since(start); d != 5*time.Minute {
			t.Errorf("after %v", d)
		}
	})
}

// TestHints: a hint goes before an attachment that it contradicts.
func TestHints(t *testing.T) {
	for name, c := range map[string]struct {
		hints      []Hint
		attachment Attachment
		want       Attachment
	}{
		"no hint/as asked":                     {nil, AttachmentPlatform, AttachmentPlatform},
		"the same/as asked":                    {[]Hint{HintClientDevice}, AttachmentPlatform, AttachmentPlatform},
		"key, and the device asked for/either": {[]Hint{HintSecurityKey}, AttachmentPlatform, ""},
		"device, and roaming asked for/either": {[]Hint{HintClientDevice, HintHybrid}, AttachmentCrossPlatform, ""},
		"the first hint agrees/as asked":       {[]Hint{HintHybrid, HintClientDevice}, AttachmentCrossPlatform, AttachmentCrossPlatform},
		"unknown/as asked":                     {[]Hint{"x"}, AttachmentPlatform, AttachmentPlatform},
		"nothing asked for/either":             {[]Hint{HintSecurityKey}, "", ""},
	} {
		f := &fake{err: ErrCancelled}
		o := newCreation()
		o.Hints, o.AuthenticatorSelection.Attachment = c.hints, c.attachment
		NewClient(f, nil).Create(t.Context(), testOrigin, o)
		if got := f.creates[0].Attachment; got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestRequests: what reaches the authenticator, with defaults in the place of what
// is absent or unknown.
func TestRequests(t *testing.T) {
	f := &fake{err: ErrCancelled}
	client := NewClient(f, &Config{EnterpriseRPIDs: []string{"example.org"}})
	client.Create(t.Context(), testOrigin, newCreation())

	enterprise := newCreation()
	enterprise.Attestation, enterprise.AttestationFormats = AttestationEnterprise, []string{"packed"}
	client.Create(t.Context(), testOrigin, enterprise)
	enterprise.RP.ID = ""
	client.Create(t.Context(), testOrigin, enterprise)

	unknown := newCreation()
	unknown.Attestation, unknown.AttestationFormats, unknown.Hints = "x", []string{"packed"}, []Hint{"x", HintHybrid, "", HintHybrid}
	unknown.AuthenticatorSelection = AuthenticatorSelection{"x", "x", "x"}
	unknown.ExcludeCredentials = []ctap2.PublicKeyCredentialDescriptor{{ID: []byte{1}, Type: "x"}, {ID: []byte{2}}}
	unknown.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{{Alg: -1, Type: "x"}, {Alg: cose.EdDSA}}
	client.Create(t.Context(), testOrigin, unknown)

	want := &MakeCredentialRequest{
		ClientDataJSON:   []byte(`{"type":"webauthn.create","challenge":"AQID","origin":"https://login.example.org","crossOrigin":false}`),
		RP:               newCreation().RP,
		User:             newCreation().User,
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256, Type: "public-key"}, {Alg: cose.RS256, Type: "public-key"}},
		ResidentKey:      ResidentKeyDiscouraged, UserVerification: UserVerificationPreferred, Attestation: AttestationNone,
		AttestationFormats: []string{"none"}, // section 5.1.3
	}
	if len(f.creates) != 4 || !reflect.DeepEqual(f.creates[0], want) {
		t.Fatalf("%d requests, %s", len(f.creates), plain(f.creates[0]))
	}
	want.Attestation, want.AttestationFormats, want.EnterpriseAttestation = AttestationEnterprise, []string{"packed"}, 2
	if !reflect.DeepEqual(f.creates[1], want) {
		t.Errorf("%+v", f.creates[1])
	}
	want.RP.ID, want.EnterpriseAttestation = "login.example.org", 1
	if !reflect.DeepEqual(f.creates[2], want) {
		t.Errorf("%+v", f.creates[2])
	}
	want.RP.ID, want.Attestation, want.AttestationFormats, want.EnterpriseAttestation = "example.org", AttestationNone, []string{"none"}, 0
	want.Hints = []Hint{HintHybrid}
	want.ExcludeCredentials = []ctap2.PublicKeyCredentialDescriptor{{ID: []byte{2}, Type: "public-key"}}
	want.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{{Alg: cose.EdDSA, Type: "public-key"}}
	if !reflect.DeepEqual(f.creates[3], want) {
		t.Errorf("%+v", f.creates[3])
	}

	client.Get(t.Context(), testOrigin, newRequest())
	if want := (&GetAssertionRequest{
		ClientDataJSON:   []byte(`{"type":"webauthn.get","challenge":"AQID","origin":"https://login.example.org","crossOrigin":false}`),
		RPID:             "example.org",
		UserVerification: UserVerificationPreferred,
	}); len(f.gets) != 1 || !reflect.DeepEqual(f.gets[0], want) {
		t.Errorf("%+v", f.gets)
	}
}

// TestRefusedBeforeTheAuthenticator: nobody is asked to touch anything for
// options that can't be.
func TestRefusedBeforeTheAuthenticator(t *testing.T) {
	create := func(change func(*CreationOptions)) func(*Client) error {
		return func(c *Client) error {
			o := newCreation()
			change(o)
			_, err := c.Create(t.Context(), testOrigin, o)
			return err
		}
	}
	get := func(change func(*RequestOptions)) func(*Client) error {
		return func(c *Client) error {
			o := newRequest()
			change(o)
			_, err := c.Get(t.Context(), testOrigin, o)
			return err
		}
	}
	from := func(origin string) func(*Client) error {
		return func(c *Client) error {
			_, err := c.Get(t.Context(), origin, newRequest())
			return err
		}
	}
	byCredential := &PRFInputs{EvalByCredential: map[string]PRFValues{"x": {First: []byte{1}}}}
	one := []ctap2.PublicKeyCredentialDescriptor{{ID: []byte{1}}}
	for name, c := range map[string]struct {
		run  func(*Client) error
		want string
		is   error
	}{
		"no challenge":        {create(func(o *CreationOptions) { o.Challenge = nil }), TypeError, nil},
		"no challenge, login": {get(func(o *RequestOptions) { o.Challenge = nil }), TypeError, nil},
		"no user.id":          {create(func(o *CreationOptions) { o.User.ID = nil }), TypeError, nil},
		"user.id of 65":       {create(func(o *CreationOptions) { o.User.ID = make([]byte, 65) }), TypeError, nil},
		"algorithms of unknown types": {create(func(o *CreationOptions) {
			o.PubKeyCredParams = []ctap2.PublicKeyCredentialParameters{{Alg: -7, Type: "x"}}
		}), NotSupportedError, nil},
		"RP ID of another":              {create(func(o *CreationOptions) { o.RP.ID = "example.com" }), SecurityError, nil},
		"RP ID of another, login":       {get(func(o *RequestOptions) { o.RPID = "example.com" }), SecurityError, nil},
		"origin without TLS":            {from("http://login.example.org"), SecurityError, errInsecure},
		"origin with control character": {from("https://login.example.org\x1b"), SecurityError, errDomain},
		"AppID of another":              {get(func(o *RequestOptions) { o.Extensions.AppID = "https://example.com" }), SecurityError, nil},
		"AppID of another, excluded":    {create(func(o *CreationOptions) { o.Extensions.AppIDExclude = "https://example.com" }), SecurityError, nil},
		"prf by credential":             {create(func(o *CreationOptions) { o.Extensions.PRF = byCredential }), NotSupportedError, nil},
		"prf by credential, login":      {get(func(o *RequestOptions) { o.Extensions.PRF = byCredential }), NotSupportedError, nil},
		"prf by another credential":     {get(func(o *RequestOptions) { o.Extensions.PRF = byCredential; o.AllowCredentials = one }), SyntaxError, nil},
		"large blob, unknown support":   {create(func(o *CreationOptions) { o.Extensions.LargeBlob = "x" }), NotSupportedError, nil},
		"credProtect unknown":           {create(func(o *CreationOptions) { o.Extensions.CredProtect = 4 }), NotSupportedError, nil},
		"large blob written to none":    {get(func(o *RequestOptions) { o.Extensions.LargeBlob = &LargeBlobInputs{Write: []byte{1}} }), NotSupportedError, nil},
		"large blob read and written": {get(func(o *RequestOptions) {
			o.Extensions.LargeBlob = &LargeBlobInputs{Read: true, Write: []byte{1}}
			o.AllowCredentials = one
		}), NotSupportedError, nil},
		"credentials of unknown types": {get(func(o *RequestOptions) {
			o.AllowCredentials = []ctap2.PublicKeyCredentialDescriptor{{ID: []byte{1}, Type: "x"}}
		}), NotAllowedError, ErrNoPasskey},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{err: errors.New("asked")}
			err := c.run(NewClient(f, nil))
			wantError(t, err, c.want, c.is)
			if len(f.creates)+len(f.gets) > 0 {
				t.Error("the authenticator was asked")
			}
		})
	}
}

func TestTopOrigin(t *testing.T) {
	f := &fake{err: ErrCancelled}
	NewClient(f, &Config{TopOrigin: "https://Example.COM:443"}).Get(t.Context(), testOrigin, newRequest())
	if want := `{"type":"webauthn.get","challenge":"AQID","origin":"https://login.example.org","crossOrigin":true,"topOrigin":"https://example.com"}`; len(f.gets) != 1 || string(f.gets[0].ClientDataJSON) != want {
		t.Errorf("%s", f.gets[0].ClientDataJSON)
	}
	_, err := NewClient(f, &Config{TopOrigin: "x"}).Get(t.Context(), testOrigin, newRequest())
	wantError(t, err, SecurityError, nil)
}

// TestLongNames: what no key shows is not sent to one, where it would not fit into
// a message.
func TestLongNames(t *testing.T) {
	f := &fake{err: ErrCancelled}
	o := newCreation()
	o.RP.Name, o.User.Name, o.User.DisplayName = repeat("x", 129), repeat("x", 126)+"é!", repeat("x", 127)+"é"
	before := *o
	NewClient(f, nil).Create(t.Context(), testOrigin, o)
	r := f.creates[0]
	if r.RP.Name != repeat("x", 128) || r.User.Name != repeat("x", 126)+"é" || r.User.DisplayName != repeat("x", 127) {
		t.Errorf("%+v, %+v", r.RP, r.User)
	}
	if !reflect.DeepEqual(*o, before) {
		t.Error("the caller's options were changed")
	}
	o.User.Name = "ada\xff@example.com"
	NewClient(f, nil).Create(t.Context(), testOrigin, o)
	if name := f.creates[1].User.Name; name != "ada\ufffd@example.com" {
		t.Errorf("what is not UTF-8 is sent as %q", name)
	}
}

// decoded is JSON as a site reads it.
func decoded(t *testing.T, v any) (m map[string]any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}
