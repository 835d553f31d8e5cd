package virtual

import (
	"slices"

	"github.com/gofido/fido/ctap2"
)

// assertion is a getAssertion that runs, or that getNextAssertion continues.
type assertion struct {
	*operation
	request  *ctap2.GetAssertionRequest
	rpIDHash [32]byte
	flags    ctap2.Flags
	selected bool // the user has chosen the account on the key

	// What extensions store together with the counter, and what is done once it
	// is stored, or nil.
	changes []change
	stored  func()
}

// Members of a getAssertion request.
const (
	assertAllowList         = 0x03
	assertPinUvAuthParam    = 0x06
	assertPinUvAuthProtocol = 0x07
)

// getAssertion is CTAP 2.3 section 6.2.2, whose step numbers the comments give.
func (k *Key) getAssertion(o *operation, dst, parameters []byte) ([]byte, error) {
	r, err := ctap2.ParseGetAssertionRequest(parameters)
	if err != nil {
		return nil, err
	}
	a := &assertion{operation: o, request: r, rpIDHash: hashRPID(r.RPID)}
	if err := k.checkProbe(o, r.RPID, &r.Received, assertPinUvAuthParam, len(r.PinUvAuthParam)); err != nil { // 1
		return nil, err
	}
	if err := k.checkProtocol(&r.Received, assertPinUvAuthParam, assertPinUvAuthProtocol, r.PinUvAuthProtocol); err != nil { // 2
		return nil, err
	}
	if len(r.ClientDataHash) != clientDataHashSize {
		return nil, ctap2.StatusInvalidLength
	}
	user, err := k.authorizeAssertion(a) // 4 to 6
	if err != nil {
		return nil, err
	}
	found := k.candidates(a, user.verified) // 7
	if len(found) == 0 && k.profile.touchFirst && a.touched() && !user.present {
		if out := k.touch(o, r.RPID); out != agreed {
			return nil, k.status(out, ctap2.StatusOperationDenied, ctap2.StatusOperationDenied)
		}
	}
	if len(found) == 0 {
		if s := k.faults.UnknownCredentialStatus; s != 0 {
			return nil, s
		}
		return nil, ctap2.StatusNoCredentials
	}
	if a.touched() { // 8, 9
		if !user.present {
			if out := k.touch(o, r.RPID); out != agreed {
				return nil, k.status(out, ctap2.StatusOperationDenied, ctap2.StatusOperationDenied)
			}
		}
		a.flags = ctap2.FlagUP
	}
	if user.verified {
		a.flags |= ctap2.FlagUV
	}
	authorizedBy := k.boot.token
	if !r.Has(assertPinUvAuthParam) {
		authorizedBy = nil
	}
	if a.touched() {
		k.spend()
	}
	if k.config.Display && len(found) > 1 && a.flags != 0 { // 12
		i, out := k.choose(o, r.RPID, found)
		if out != agreed {
			return nil, k.status(out, ctap2.StatusOperationDenied, ctap2.StatusOperationDenied)
		}
		found, a.selected = found[i:i+1], true
	}
	number := uint(0)
	if len(found) > 1 {
		number = uint(len(found))
	}
	if dst, err = k.assert(a, found[0], number, dst); err != nil { // 10 to 13
		return nil, err
	}
	if number > 0 {
		k.begin(o, ctap2.CommandGetNextAssertion, authorizedBy, &nextAssertion{a, found[1:]})
	}
	return dst, nil
}

// touched reports whether the request wants user presence tested.
func (a *assertion) touched() bool { return a.request.Options.UP == nil || *a.request.Options.UP }

// authorizeAssertion is steps 4 to 6: whether the request may go on, and
// whether the user is verified.
func (k *Key) authorizeAssertion(a *assertion) (user userVerification, err error) {
	r := a.request
	param := r.Has(assertPinUvAuthParam)
	uv := isSet(r.Options.UV) && !param
	switch { // 4
	case uv && !k.uvReady():
		return user, ctap2.StatusInvalidOption
	case r.Options.RK != nil:
		return user, ctap2.StatusUnsupportedOption
	case len(r.AllowList) > k.config.MaxCredentialCountInList:
		return user, ctap2.StatusLimitExceeded
	case !a.touched() && k.faults.SilentStatus != 0:
		return user, k.faults.SilentStatus
	}
	if k.state.policy.AlwaysUV && (a.touched() || k.faults.AlwaysUVWhenSilent) { // 5
		if uv, err = k.alwaysUV(param, uv); err != nil {
			return user, err
		}
	}
	return k.authorize(a.operation, ctap2.PermissionGA, r.RPID, r.ClientDataHash, param, r.PinUvAuthParam, r.PinUvAuthProtocol, uv) // 6
}

// candidates is step 7 and what follows from the allowList: the credentials to
// answer with, newest first; one at most if there is an allowList. An empty
// allowList is taken as absent.
func (k *Key) candidates(a *assertion, verified bool) []*credential {
	if len(a.request.AllowList) == 0 {
		return slices.DeleteFunc(k.discoverable(a.rpIDHash), func(c *credential) bool { return c.hidden(verified, false) || c.opaque() })
	}
	for _, d := range a.request.AllowList {
		if d.Type != ctap2.TypePublicKey {
			continue
		}
		if c := k.find(a.rpIDHash, d.ID); c != nil && !c.hidden(verified, true) && !c.opaque() {
			return []*credential{c}
		}
	}
	return nil
}

// assert appends an assertion with the credential to dst. The number is that of
// numberOfCredentials, or 0.
func (k *Key) assert(a *assertion, c *credential, number uint, dst []byte) ([]byte, error) {
	signer, err := c.key()
	if err != nil {
		return nil, err
	}
	r := ctap2.GetAssertionResponse{NumberOfCredentials: number, UserSelected: a.selected}
	a.changes, a.stored = nil, nil
	outputs, err := k.getExtensions(a, c, &r)
	if err != nil {
		return nil, err
	}
	counter := k.nextCounter()
	authData := ctap2.AuthenticatorData{RPIDHash: a.rpIDHash, Flags: a.flags, SignCount: counter, Extensions: outputs}
	raw, err := authData.Append(make([]byte, 0, 128))
	if err != nil {
		return nil, err
	}
	raw[32] ^= byte(k.faults.FlipFlags)
	r.AuthData.Raw = raw
	if r.Signature, err = algorithms[c.alg].sign(signer, append(raw, a.request.ClientDataHash...)); err != nil {
		return nil, err
	}
	if k.faults.BadSignature {
		spoil(r.Signature)
	}
	k.describeCredential(a, c, &r)
	if dst, err = r.Append(dst); err != nil {
		return nil, err
	}
	if err := k.commit(append(k.counterChange(counter), a.changes...)...); err != nil {
		return nil, err
	}
	k.state.counter = counter
	if a.stored != nil {
		a.stored()
	}
	k.event(CredentialAsserted, c)
	return dst, nil
}

// describeCredential sets the members credential and user.
func (k *Key) describeCredential(a *assertion, c *credential, r *ctap2.GetAssertionResponse) {
	omit := k.faults.Credential == CredentialNever ||
		k.faults.Credential == CredentialIfNeeded && len(a.request.AllowList) == 1
	if !omit {
		r.Credential = ctap2.PublicKeyCredentialDescriptor{ID: c.id, Type: ctap2.TypePublicKey}
	}
	if !c.discoverable || len(c.user.ID) == 0 || k.faults.OmitUser {
		return
	}
	r.User = &ctap2.PublicKeyCredentialUserEntity{ID: c.user.ID}
	if a.flags&ctap2.FlagUV != 0 { // who holds the key learns the names only if verified
		r.User = new(c.user)
	}
}

// nextAssertion is what getNextAssertion continues.
type nextAssertion struct {
	*assertion
	rest []*credential
}

// getNextAssertion is CTAP 2.3 section 6.3.
func (k *Key) getNextAssertion(o *operation, dst, _ []byte) ([]byte, error) {
	n, ok := resume[*nextAssertion](k, o)
	if !ok || len(n.rest) == 0 {
		return nil, ctap2.StatusNotAllowed
	}
	dst, err := k.assert(n.assertion, n.rest[0], 0, dst)
	if err != nil {
		return nil, err
	}
	n.rest = n.rest[1:]
	return dst, nil
}
