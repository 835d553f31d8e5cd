package webauthn

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/internal/ctxerr"
)

// A Client runs the ceremonies of WebAuthn for a program that stands in a
// browser's place: it checks that the origin may do what the site's options ask
// for, says so in the client data, has the authenticator do it, and makes the
// response that the site expects. It may be used by several goroutines.
type Client struct {
	authenticator Authenticator
	config        Config
}

// Config has what a [Client] may be told. The zero value is good for most
// programs.
type Config struct {
	// RelatedOrigins returns the origins that a relying party shares its passkeys
	// with, when the caller's origin is not in the RP ID's domain: the member
	// "origins" of https://RPID/.well-known/webauthn, which the program fetches
	// without credentials and without a referrer, over https alone, as JSON (WebAuthn
	// L3 section 5.11.1). The client applies the procedure's limit of five names.
	// The RP ID is a domain, but of the site's choice. Nil stands for a program that
	// knows of none.
	RelatedOrigins func(ctx context.Context, rpID string) ([]string, error)

	// TopOrigin is the origin of the outermost page when the caller's is in a
	// frame of another; empty if it is not.
	TopOrigin string

	// EnterpriseRPIDs are the relying parties to which an attestation may tell
	// which very key it is, because this program's owner manages the keys (CTAP
	// 2.3 section 7.1, platform-managed enterprise attestation).
	EnterpriseRPIDs []string

	// DefaultTimeout is how long a ceremony may take if the site does not say;
	// MinTimeout and MaxTimeout bound it in any case. Zero stands for what the
	// specification recommends: 5, 5 and 10 minutes (WebAuthn L3 section 15.1); a
	// bound that is zero gives way to a DefaultTimeout beyond it. The context may
	// always end earlier.
	DefaultTimeout, MinTimeout, MaxTimeout time.Duration
}

// The times of WebAuthn L3 section 15.1.
const (
	defaultTimeout = 5 * time.Minute
	minTimeout     = 5 * time.Minute
	maxTimeout     = 10 * time.Minute
)

// NewClient returns a client whose credentials are on an authenticator. The config
// may be nil. Without an authenticator, which is nil then, all fails with
// [ErrNoAuthenticator] after the site's request was checked.
func NewClient(a Authenticator, c *Config) *Client {
	client := &Client{authenticator: a}
	if c != nil {
		client.config = *c
	}
	client.config.DefaultTimeout = cmp.Or(client.config.DefaultTimeout, defaultTimeout)
	client.config.MinTimeout = cmp.Or(client.config.MinTimeout, min(minTimeout, client.config.DefaultTimeout))
	client.config.MaxTimeout = cmp.Or(client.config.MaxTimeout, max(maxTimeout, client.config.MinTimeout, client.config.DefaultTimeout))
	return client
}

// Create registers a new credential: navigator.credentials.create (WebAuthn L3
// section 5.1.3). The origin is where the options come from, such as
// "https://login.example.com"; on this machine "http://localhost:8080" will do. All
// errors are an [Error].
func (c *Client) Create(ctx context.Context, origin string, o *CreationOptions) (*RegistrationResponse, error) {
	if o == nil {
		return nil, errNoOptions
	}
	within, cancel := c.lifetime(ctx, o.Timeout)
	defer cancel()
	r, err := c.makeCredentialRequest(within, origin, o)
	if err != nil {
		return nil, c.explain(ctx, within, err)
	}
	if c.authenticator == nil {
		return nil, &Error{NotAllowedError, ErrNoAuthenticator}
	}
	made, err := c.authenticator.MakeCredential(within, r)
	if err != nil {
		return nil, c.explain(ctx, within, err)
	}
	response, err := registrationResponse(r, made)
	if err != nil {
		if made != nil {
			made.Extensions.PRF.Wipe()
		}
		return nil, c.explain(ctx, within, err)
	}
	return response, nil
}

// Get logs in with a credential: navigator.credentials.get (WebAuthn L3 section
// 5.1.4). The origin is as for [Client.Create]. All errors are an [Error].
func (c *Client) Get(ctx context.Context, origin string, o *RequestOptions) (*AuthenticationResponse, error) {
	if o == nil {
		return nil, errNoOptions
	}
	within, cancel := c.lifetime(ctx, o.Timeout)
	defer cancel()
	r, err := c.getAssertionRequest(within, origin, o)
	if err != nil {
		return nil, c.explain(ctx, within, err)
	}
	if c.authenticator == nil {
		return nil, &Error{NotAllowedError, ErrNoAuthenticator}
	}
	got, err := c.authenticator.GetAssertion(within, r)
	if err != nil {
		return nil, c.explain(ctx, within, err)
	}
	response, err := authenticationResponse(r, got)
	if err != nil {
		if got != nil {
			got.Extensions.PRF.Wipe()
		}
		return nil, c.explain(ctx, within, err)
	}
	return response, nil
}

var errNoOptions = fail(TypeError, "the site sent no options")

// lifetime returns a context with the time of a ceremony.
func (c *Client) lifetime(ctx context.Context, asked time.Duration) (context.Context, context.CancelFunc) {
	if asked <= 0 {
		asked = c.config.DefaultTimeout
	}
	return context.WithTimeoutCause(ctx, min(max(asked, c.config.MinTimeout), c.config.MaxTimeout), ErrTimeout)
}

// explain makes an Error of what went wrong. ctx is the caller's context, within
// the ceremony's.
func (c *Client) explain(ctx, within context.Context, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	switch {
	case errors.Is(err, ErrAlreadyRegistered):
		return &Error{InvalidStateError, err}
	case errors.Is(err, ErrNoPasskey), errors.Is(err, ErrUnsuitable), within.Err() == nil:
		return &Error{NotAllowedError, err}
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{AbortError, explained(ErrCancelled, "", err, ctxerr.Of(ctx))}
	case errors.Is(err, ErrCancelled): // the key says so when the time is up
		return &Error{NotAllowedError, explained(ErrTimeout, "", ctxerr.Of(within))}
	}
	return &Error{NotAllowedError, explained(ErrTimeout, "", err, ctxerr.Of(within))}
}

// makeCredentialRequest checks what the site asks for and puts it in the
// authenticator's terms.
func (c *Client) makeCredentialRequest(ctx context.Context, from string, o *CreationOptions) (*MakeCredentialRequest, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	caller, data, err := c.collect(Registration, from, o.Challenge)
	if err != nil {
		return nil, err
	}
	rp, user := o.RP, o.User
	rp.Name, user.Name, user.DisplayName = cut(rp.Name), cut(user.Name), cut(user.DisplayName)
	if rp.ID, err = c.rpIDFor(ctx, caller, rp.ID); err != nil {
		return nil, err
	}
	r := &MakeCredentialRequest{
		ClientDataJSON:     data,
		RP:                 rp,
		User:               user,
		ExcludeCredentials: knownDescriptors(o.ExcludeCredentials),
		Attachment:         known(o.AuthenticatorSelection.Attachment, attachments),
		ResidentKey:        cmp.Or(known(o.AuthenticatorSelection.ResidentKey, residentKeys), ResidentKeyDiscouraged),
		UserVerification:   cmp.Or(known(o.AuthenticatorSelection.UserVerification, userVerifications), UserVerificationPreferred),
		Attestation:        cmp.Or(known(o.Attestation, attestations), AttestationNone),
		AttestationFormats: o.AttestationFormats,
		Hints:              knownHints(o.Hints),
		Extensions:         o.Extensions,
	}
	if r.PubKeyCredParams, err = knownParams(o.PubKeyCredParams); err != nil {
		return nil, err
	}
	switch r.Attestation {
	case AttestationNone:
		r.AttestationFormats = []string{attestation.FormatNone}
	case AttestationEnterprise:
		r.EnterpriseAttestation = 1
		if slices.Contains(c.config.EnterpriseRPIDs, rp.ID) {
			r.EnterpriseAttestation = 2
		}
	}
	if len(r.Hints) > 0 && hinted[r.Hints[0]] != r.Attachment {
		r.Attachment = "" // a hint goes before it, and binds nobody (section 5.8.8)
	}
	if o.Extensions.AppIDExclude != "" {
		if err := mayUseAppID(caller, o.Extensions.AppIDExclude); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// maxName is how much of a name is kept, in bytes. Authenticators must keep 64, and
// few keep more (WebAuthn L3 section 6.4.1); three of these leave room in a message
// of CTAP.
const maxName = 128

// cut shortens a name where a character ends. What is not UTF-8, as only a program's
// own options can have it, a key would refuse.
func cut(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= maxName {
		return s
	}
	end := maxName
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// getAssertionRequest is makeCredentialRequest for an assertion.
func (c *Client) getAssertionRequest(ctx context.Context, from string, o *RequestOptions) (*GetAssertionRequest, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	caller, data, err := c.collect(Authentication, from, o.Challenge)
	if err != nil {
		return nil, err
	}
	rpID, err := c.rpIDFor(ctx, caller, o.RPID)
	if err != nil {
		return nil, err
	}
	r := &GetAssertionRequest{
		ClientDataJSON:   data,
		RPID:             rpID,
		AllowCredentials: knownDescriptors(o.AllowCredentials),
		UserVerification: cmp.Or(known(o.UserVerification, userVerifications), UserVerificationPreferred),
		Hints:            knownHints(o.Hints),
		Extensions:       o.Extensions,
	}
	if len(r.AllowCredentials) == 0 && len(o.AllowCredentials) > 0 {
		// No list at all would mean any passkey (section 5.8.3, type).
		return nil, &Error{NotAllowedError, ErrNoPasskey}
	}
	if o.Extensions.AppID != "" {
		if err := mayUseAppID(caller, o.Extensions.AppID); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// collect checks the origin and makes the client data.
func (c *Client) collect(ceremony Ceremony, from string, challenge []byte) (origin, []byte, error) {
	caller, err := parseOrigin(from)
	if err != nil {
		return caller, nil, fail(SecurityError, "the origin %s can't use passkeys: %w", quote(from), err)
	}
	data := ClientData{Type: ceremony, Challenge: challenge, Origin: caller.String()}
	if c.config.TopOrigin != "" {
		top, err := parseOrigin(c.config.TopOrigin)
		if err != nil {
			return caller, nil, fail(SecurityError, "the outermost page's origin %s can't be: %w", quote(c.config.TopOrigin), err)
		}
		data.CrossOrigin, data.TopOrigin = true, top.String()
	}
	return caller, data.Append(nil), nil
}

// knownDescriptors returns those that are public keys, of which the type may be
// empty in a program's own options.
func knownDescriptors(list []ctap2.PublicKeyCredentialDescriptor) (of []ctap2.PublicKeyCredentialDescriptor) {
	for _, d := range list {
		if d.Type = cmp.Or(d.Type, ctap2.TypePublicKey); d.Type == ctap2.TypePublicKey {
			of = append(of, d)
		}
	}
	return of
}

// knownParams returns those that are public keys, and the defaults if there are
// none at all (WebAuthn L3 section 5.1.3, step 10).
func knownParams(list []ctap2.PublicKeyCredentialParameters) (of []ctap2.PublicKeyCredentialParameters, err error) {
	if len(list) == 0 {
		list = []ctap2.PublicKeyCredentialParameters{{Alg: cose.ES256}, {Alg: cose.RS256}}
	}
	for _, p := range list {
		if p.Type = cmp.Or(p.Type, ctap2.TypePublicKey); p.Type == ctap2.TypePublicKey {
			of = append(of, p)
		}
	}
	if len(of) == 0 {
		return nil, fail(NotSupportedError, "the site wants no kind of credential that there is")
	}
	return of, nil
}

// knownHints returns each hint that is known once.
func knownHints(list []Hint) (of []Hint) {
	for _, h := range list {
		if hinted[h] != "" && !slices.Contains(of, h) {
			of = append(of, h)
		}
	}
	return of
}
