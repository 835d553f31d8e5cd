package webauthn

import (
	"context"

	"github.com/gofido/fido/ctap2"
)

// The extension prf (WebAuthn L3 section 10.1.4) is the key's hmac-secret, with
// salts of its own, of a user who was verified. That the user must be goes before
// what the site says of user verification: hmac-secret has another secret for a
// user who was not, and prf has one. If the key can't verify its user, or not yet
// because no PIN is set, the outputs are left out and the rest goes on, as in
// browsers: a site that wants a secret if it can get one must not lock its users out.
//
// When a credential is made the outputs need hmac-secret-mc, too.

var createPRF = creationExtension{
	ask: func(ctx context.Context, c *creation) error {
		switch {
		case c.request.Extensions.PRF == nil || !c.has(ctap2.ExtensionHMACSecret):
			return nil
		case !c.verified || !c.evaluatesPRF():
			c.sent.Extensions.RequestHMACSecret()
			return nil
		}
		var err error
		if c.exchange, err = c.key.HMACSecretExchange(ctx); err != nil {
			return err
		}
		return c.exchange.RequestMC(&c.sent.Extensions, c.request.Extensions.PRF.Eval.salts()...)
	},
	answer: func(c *creation, r *ctap2.MakeCredentialResponse) (err error) {
		if c.request.Extensions.PRF == nil {
			return nil
		}
		enabled, err := r.AuthData.Extensions.HMACSecretEnabled()
		if err != nil {
			return err
		}
		c.outputs.PRF = &PRFOutputs{Enabled: &enabled}
		if c.exchange == nil || r.AuthData.Flags&ctap2.FlagUV == 0 {
			return nil
		}
		if _, ok := r.AuthData.Extensions[ctap2.ExtensionHMACSecretMC]; ok {
			c.outputs.PRF.Results, err = prfResults(c.exchange, r.AuthData.Extensions)
		}
		return err
	},
}

// evaluatesPRF reports whether the outputs are wanted when the credential is made,
// and the key gives them then.
func (c *creation) evaluatesPRF() bool {
	prf := c.request.Extensions.PRF
	return prf != nil && prf.Eval != nil && c.has(ctap2.ExtensionHMACSecret) && c.has(ctap2.ExtensionHMACSecretMC)
}

var getPRF = requestExtension{
	ask: func(ctx context.Context, a *assertion) error {
		inputs := a.prfInputs()
		if inputs == nil || !a.evaluatesPRF() {
			return nil
		}
		var err error
		if a.exchange, err = a.key.HMACSecretExchange(ctx); err != nil {
			return err
		}
		return a.exchange.Request(&a.sent.Extensions, inputs.salts()...)
	},
	answer: func(_ context.Context, a *assertion, r *ctap2.GetAssertionResponse) (err error) {
		if a.request.Extensions.PRF == nil {
			return nil
		}
		a.outputs.PRF = new(PRFOutputs)
		if a.exchange != nil && r.AuthData.Flags&ctap2.FlagUV != 0 {
			a.outputs.PRF.Results, err = prfResults(a.exchange, r.AuthData.Extensions)
		}
		return err
	},
}

// prfInputs are those for the credential that is asked for, nil if there are none.
func (a *assertion) prfInputs() *PRFValues {
	prf := a.request.Extensions.PRF
	switch {
	case prf == nil:
		return nil
	case len(a.sent.AllowList) == 1:
		return prf.For(a.sent.AllowList[0].ID)
	}
	return prf.Eval
}

// evaluatesPRF reports whether outputs are wanted for some credential, and the
// key can give them.
func (a *assertion) evaluatesPRF() bool {
	prf := a.request.Extensions.PRF
	return prf != nil && a.has(ctap2.ExtensionHMACSecret) && a.canVerify(ctap2.PermissionGA) && (prf.Eval != nil || a.prfByCredential())
}

// prfByCredential reports whether a credential of the list has inputs of its own.
func (a *assertion) prfByCredential() bool {
	for _, d := range a.allow {
		if _, ok := a.request.Extensions.PRF.EvalByCredential[string(d.ID)]; ok {
			return true
		}
	}
	return false
}

// prfDependsOnCredential reports whether the credential must be known before the
// key is asked.
func (a *assertion) prfDependsOnCredential() bool {
	return a.evaluatesPRF() && len(a.allow) > 1 && a.prfByCredential()
}

func (v *PRFValues) salts() [][ctap2.HMACSaltSize]byte {
	salts := [][ctap2.HMACSaltSize]byte{ctap2.PRFSalt(v.First)}
	if v.Second != nil {
		salts = append(salts, ctap2.PRFSalt(v.Second))
	}
	return salts
}

// prfResults decrypts what the key has answered; nil if that is nothing, because
// the credential was made without prf.
func prfResults(x *ctap2.HMACSecretExchange, answered ctap2.Extensions) (*PRFValues, error) {
	outputs, err := x.Outputs(answered)
	if err != nil || len(outputs) == 0 {
		return nil, err
	}
	defer clear(outputs)
	results := &PRFValues{First: append([]byte(nil), outputs[0][:]...)}
	if len(outputs) > 1 {
		results.Second = append([]byte(nil), outputs[1][:]...)
	}
	return results, nil
}
