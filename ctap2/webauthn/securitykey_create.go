package webauthn

import (
	"context"
	"errors"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/attestation"
	"github.com/gofido/fido/ctap2/pinuv"
)

// A creation is a MakeCredential.
type creation struct {
	*ceremony
	request *MakeCredentialRequest
	exclude []ctap2.PublicKeyCredentialDescriptor
	rk      bool // the credential is to be discoverable

	// Of one attempt.
	sent     *ctap2.MakeCredentialRequest
	verified bool
	exchange *ctap2.HMACSecretExchange // of prf
	outputs  CreationExtensionOutputs
}

// A creationExtension is one of WebAuthn as a key carries it out. A nil function
// does nothing.
type creationExtension struct {
	check  func(c *creation) error                                  // whether the key can, before the user is asked for anything
	ask    func(ctx context.Context, c *creation) error             // adds the input to what is sent
	answer func(c *creation, r *ctap2.MakeCredentialResponse) error // adds the output
}

var creationExtensions = []creationExtension{
	createPRF, createLargeBlob, createCredProtect, createCredBlob, createMinPINLength, createPINComplexityPolicy, createCredProps,
}

// MakeCredential makes a credential on the key. Errors are as [Authenticator]
// says; those of the PIN are a *ctap2.PINError, which tells a wrong PIN, one that
// is blocked until the key is unplugged, and one that is blocked for good apart.
func (k *SecurityKey) MakeCredential(ctx context.Context, r *MakeCredentialRequest) (*MakeCredentialResult, error) {
	if r.Attachment == AttachmentPlatform {
		return nil, unsuitable("the site asks for a passkey of this device, which a security key is not")
	}
	c, end, err := k.begin(ctx, Registration, r.RP.ID)
	defer end()
	if err != nil {
		return nil, c.explain(err)
	}
	creation := &creation{ceremony: c, request: r, exclude: descriptors(r.ExcludeCredentials)}
	result, err := creation.make(ctx)
	if err != nil {
		creation.outputs.PRF.Wipe()
	}
	return result, c.explain(err)
}

func (c *creation) make(ctx context.Context) (*MakeCredentialResult, error) {
	r := c.request
	if c.rk = r.ResidentKey == ResidentKeyRequired; c.rk && !c.info.Options[ctap2.OptionRK] {
		return nil, unsuitable("this key can't store passkeys, which the site requires: use another")
	}
	if r.ResidentKey == ResidentKeyPreferred {
		left := c.info.RemainingDiscoverableCredentials
		room := c.info.Options[ctap2.OptionRK] && (left == nil || *left > 0)
		// A key that stores passkeys for verified users alone, and can't verify
		// them as it is set up, may still make a credential of the other kind.
		c.rk = room && (!c.creationDemandsUV(true) || c.canVerify(ctap2.PermissionMC))
	}
	if err := c.excludeAppID(ctx); err != nil {
		return nil, err
	}
	result, err := c.attempt(ctx)
	if errors.Is(err, ctap2.StatusKeyStoreFull) && c.rk && r.ResidentKey == ResidentKeyPreferred {
		c.rk = false // not every key tells before that it is full
		return c.attempt(ctx)
	}
	return result, err
}

// attempt makes the credential, discoverable or not.
func (c *creation) attempt(ctx context.Context) (*MakeCredentialResult, error) {
	for _, e := range creationExtensions {
		if e.check == nil {
			continue
		}
		if err := e.check(c); err != nil {
			return nil, err
		}
	}
	if c.fitsU2F() {
		if result, done, err := c.byU2F(ctx); done {
			return result, err
		}
	}
	permissions := ctap2.PermissionMC
	if len(c.exclude) > 0 {
		permissions |= ctap2.PermissionGA // even one may be too long for the request, and is asked for before
	}
	demanded := c.creationDemandsUV(c.rk) || c.evaluatesPRF() && c.canVerify(permissions)
	wants, err := c.wantsVerification(c.request.UserVerification, demanded, permissions)
	if err != nil {
		return nil, err
	}
	return verified(ctx, c.ceremony, wants, permissions, c.request.RP.ID, func(token *pinuv.Token, uv bool) (*MakeCredentialResult, error) {
		return c.send(ctx, token, uv)
	})
}

func (c *creation) send(ctx context.Context, token *pinuv.Token, uv bool) (*MakeCredentialResult, error) {
	r := c.request
	c.verified, c.outputs = token != nil || uv, CreationExtensionOutputs{}
	c.sent = &ctap2.MakeCredentialRequest{
		ClientDataHash:   r.ClientDataHash(),
		RP:               r.RP,
		User:             r.User,
		PubKeyCredParams: c.params(),
		ExcludeList:      c.exclude,

		AttestationFormatsPreference: c.formats(),
	}
	// An option that a key does not have it refuses even if it is false.
	if c.rk {
		c.sent.Options.RK = new(true)
	}
	if uv {
		c.sent.Options.UV = new(true)
	}
	if c.info.Options[ctap2.OptionEP] {
		c.sent.EnterpriseAttestation = r.EnterpriseAttestation
	}
	defer func() {
		if c.exchange != nil {
			c.exchange.Wipe()
			c.exchange = nil
		}
	}()
	for _, e := range creationExtensions {
		if e.ask == nil {
			continue
		}
		if err := e.ask(ctx, c); err != nil {
			return nil, err
		}
	}
	response, err := touched(ctx, c.ceremony, uv, func(key *ctap2.Client) (*ctap2.MakeCredentialResponse, error) {
		return key.MakeCredentialWithList(ctx, c.sent, token)
	})
	if err != nil {
		return nil, err
	}
	defer wipe(response.LargeBlobKey, &response.Reply)
	return c.result(response)
}

// params are the site's algorithms without those that the key does not list, if any
// is left: some sites name so many that no more fits into a message.
func (c *creation) params() []ctap2.PublicKeyCredentialParameters {
	var both []ctap2.PublicKeyCredentialParameters
	for _, p := range c.request.PubKeyCredParams {
		if slices.Contains(c.info.Algorithms, p) {
			both = append(both, p)
		}
	}
	if both == nil {
		return c.request.PubKeyCredParams
	}
	return both
}

// formats are the site's attestation formats that the key lists, and none, which
// no key lists and each gives that lists others.
func (c *creation) formats() (list []string) {
	for _, f := range c.request.AttestationFormats {
		if slices.Contains(c.info.AttestationFormats, f) || f == attestation.FormatNone && len(c.info.AttestationFormats) > 0 {
			list = append(list, f)
		}
	}
	return list
}

var errOtherAlgorithm = errors.New("the key made a credential of a kind that the site does not take: use another key")

func (c *creation) result(r *ctap2.MakeCredentialResponse) (*MakeCredentialResult, error) {
	if err := c.check(&r.AuthData, c.request.RP.ID, c.request.UserVerification == UserVerificationRequired); err != nil {
		return nil, err
	}
	alg := r.AuthData.AttestedCredentialData.PublicKey.Alg
	if !slices.ContainsFunc(c.request.PubKeyCredParams, func(p ctap2.PublicKeyCredentialParameters) bool { return p.Alg == alg }) {
		return nil, errOtherAlgorithm
	}
	for _, e := range creationExtensions {
		if e.answer == nil {
			continue
		}
		if err := e.answer(c, r); err != nil {
			return nil, err
		}
	}
	object, err := attestationObject(r)
	if err != nil {
		return nil, err
	}
	return &MakeCredentialResult{
		AttestationObject: object,
		Transports:        c.transports(),
		Attachment:        AttachmentCrossPlatform,
		Extensions:        c.outputs,
	}, nil
}

// attestationObject puts the members of a response under the names of WebAuthn.
// What the key has sent goes into it byte by byte: it is signed, and need not be
// canonical.
func attestationObject(r *ctap2.MakeCredentialResponse) ([]byte, error) {
	statement := r.AttStmt
	if statement == nil { // CTAP 2.2 lets a key leave it out
		if r.Fmt != attestation.FormatNone {
			return nil, errors.New("the key's answer lacks the attestation: use another key")
		}
		statement = cbor.RawMessage{0xa0}
	}
	object := []byte{0xa3} // a map of three
	for _, item := range []any{"fmt", r.Fmt, "attStmt", statement, "authData", r.AuthData.Raw} {
		if raw, ok := item.(cbor.RawMessage); ok {
			object = append(object, raw...)
			continue
		}
		var err error
		if object, err = cbor.Append(object, item); err != nil {
			return nil, err
		}
	}
	return object, nil
}
