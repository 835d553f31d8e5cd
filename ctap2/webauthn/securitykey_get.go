package webauthn

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/internal/printable"
)

// An assertion is a GetAssertion.
type assertion struct {
	*ceremony
	request *GetAssertionRequest
	allow   []ctap2.PublicKeyCredentialDescriptor // empty: a discoverable credential
	rpID    string                                // what the key is asked for: the RP ID, or the AppID

	// Of one attempt.
	token    *pinuv.Token // nil: none
	uv       bool         // by the option
	sent     *ctap2.GetAssertionRequest
	exchange *ctap2.HMACSecretExchange // of prf
	outputs  RequestExtensionOutputs
}

// A requestExtension is like a creationExtension.
type requestExtension struct {
	ask    func(ctx context.Context, a *assertion) error
	answer func(ctx context.Context, a *assertion, r *ctap2.GetAssertionResponse) error
}

var requestExtensions = []requestExtension{getPRF, getLargeBlob, getCredBlob}

// GetAssertion signs with a credential of the key. Errors are as for
// [SecurityKey.MakeCredential].
func (k *SecurityKey) GetAssertion(ctx context.Context, r *GetAssertionRequest) (*GetAssertionResult, error) {
	c, end, err := k.begin(ctx, Authentication, r.RPID)
	defer end()
	if err != nil {
		return nil, c.explain(err)
	}
	a := &assertion{ceremony: c, request: r, allow: descriptors(r.AllowCredentials), rpID: r.RPID}
	result, err := a.get(ctx)
	if err != nil {
		a.outputs.PRF.Wipe()
	}
	return result, c.explain(err)
}

func (a *assertion) get(ctx context.Context) (*GetAssertionResult, error) {
	discoverable := len(a.request.AllowCredentials) == 0
	switch {
	case !discoverable && len(a.allow) == 0:
		return nil, ErrNoPasskey // none that a key can have; without a list any would do
	case discoverable && !a.info.Options[ctap2.OptionRK]:
		return nil, explained(ErrNoPasskey, "this key can't store passkeys: give the site your user name first, or use another key")
	}
	return a.withAppID(ctx, a.attempt)
}

// attempt gets an assertion for a.rpID.
func (a *assertion) attempt(ctx context.Context) (*GetAssertionResult, error) {
	permissions := ctap2.PermissionGA
	demanded := a.info.Options[ctap2.OptionAlwaysUv] || a.evaluatesPRF()
	if a.writesLargeBlobArray() && a.protected() {
		permissions |= ctap2.PermissionLBW
		demanded = demanded || a.canVerify(permissions)
	}
	wants, err := a.wantsVerification(a.request.UserVerification, demanded, permissions)
	if err != nil {
		return nil, err
	}
	return verified(ctx, a.ceremony, wants, permissions, a.rpID, func(token *pinuv.Token, uv bool) (*GetAssertionResult, error) {
		a.token, a.uv = token, uv
		return a.send(ctx)
	})
}

// send asks the key, for one credential after the other if that matters to prf
// and the key does not tell silently which it has.
func (a *assertion) send(ctx context.Context) (*GetAssertionResult, error) {
	if !a.prfDependsOnCredential() {
		return a.sendFor(ctx, a.allow)
	}
	found, err := a.key.FindCredential(ctx, a.rpID, a.allow, a.token)
	switch {
	case err == nil && found != nil:
		return a.sendFor(ctx, []ctap2.PublicKeyCredentialDescriptor{*found})
	case err == nil:
		return a.sendFor(ctx, a.allow) // the key says so itself
	case !errors.Is(err, ctap2.ErrNoSilentProbe):
		return nil, err
	}
	var result *GetAssertionResult
	for i := range a.allow {
		if result, err = a.sendFor(ctx, a.allow[i:i+1]); !errors.Is(a.explain(err), ErrNoPasskey) {
			break
		}
	}
	return result, err
}

// sendFor asks for an assertion with a credential of the list.
func (a *assertion) sendFor(ctx context.Context, list []ctap2.PublicKeyCredentialDescriptor) (*GetAssertionResult, error) {
	a.outputs.PRF, a.outputs.LargeBlob, a.outputs.CredBlob = nil, nil, nil
	a.sent = &ctap2.GetAssertionRequest{RPID: a.rpID, ClientDataHash: a.request.ClientDataHash(), AllowList: list}
	if a.uv {
		a.sent.Options.UV = new(true)
	}
	defer func() {
		if a.exchange != nil {
			a.exchange.Wipe()
			a.exchange = nil
		}
	}()
	for _, e := range requestExtensions {
		if err := e.ask(ctx, a); err != nil {
			return nil, err
		}
	}
	ask := func(key *ctap2.Client) ([]*ctap2.GetAssertionResponse, error) {
		if len(list) > 0 {
			r, err := key.GetAssertionWithList(ctx, a.sent, a.token)
			return []*ctap2.GetAssertionResponse{r}, err
		}
		if a.token != nil {
			a.sent.Authorize(a.token)
		}
		all, err := key.GetAssertions(ctx, a.sent)
		if len(all) > 0 && ctx.Err() == nil {
			err = nil // those that came are good
		}
		return all, err
	}
	all, err := touched(ctx, a.ceremony, a.uv, ask)
	if errors.Is(err, ctap2.StatusRequestTooLarge) && a.leaveOutLargeBlob() {
		all, err = touched(ctx, a.ceremony, a.uv, ask)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, r := range all {
			wipe(r.LargeBlobKey, &r.Reply)
		}
	}()
	chosen, err := a.choose(ctx, all)
	if err != nil {
		return nil, err
	}
	return a.result(ctx, chosen)
}

// choose has the user choose among several accounts, unless there is only one or
// the key has done so on a display of its own.
func (a *assertion) choose(ctx context.Context, all []*ctap2.GetAssertionResponse) (*ctap2.GetAssertionResponse, error) {
	if len(all) == 1 || all[0].UserSelected {
		return all[0], nil
	}
	accounts := make([]Account, len(all))
	for i, r := range all {
		accounts[i].CredentialID = bytes.Clone(r.Credential.ID)
		if r.User != nil {
			accounts[i].UserID = bytes.Clone(r.User.ID)
			accounts[i].Name = printable.Text(r.User.Name)
			accounts[i].DisplayName = printable.Text(r.User.DisplayName)
		}
	}
	i, err := a.prompt.ChooseAccount(ctx, a.request.RPID, accounts)
	switch {
	case err != nil:
		return nil, err
	case i < 0 || i >= len(all):
		return nil, fmt.Errorf("account %d of %d was chosen", i, len(all))
	}
	return all[i], nil
}

func (a *assertion) result(ctx context.Context, r *ctap2.GetAssertionResponse) (*GetAssertionResult, error) {
	if err := a.check(&r.AuthData, a.rpID, a.request.UserVerification == UserVerificationRequired); err != nil {
		return nil, err
	}
	for _, e := range requestExtensions {
		if err := e.answer(ctx, a, r); err != nil {
			return nil, err
		}
	}
	result := &GetAssertionResult{ // cloned, because the response may be wiped
		CredentialID:      bytes.Clone(r.Credential.ID),
		AuthenticatorData: bytes.Clone(r.AuthData.Raw),
		Signature:         bytes.Clone(r.Signature),
		Attachment:        AttachmentCrossPlatform,
		Extensions:        a.outputs,
	}
	if r.User != nil {
		result.UserHandle = bytes.Clone(r.User.ID)
	}
	return result, nil
}
