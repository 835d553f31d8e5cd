package virtual

import (
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// creation is a makeCredential that runs.
type creation struct {
	*operation
	request    *ctap2.MakeCredentialRequest
	rpIDHash   [32]byte
	algorithm  cose.Algorithm
	flags      ctap2.Flags
	enterprise bool // the attestation may tell this key from others
	credential *credential
	salts      *salts // of hmac-secret-mc
	response   ctap2.MakeCredentialResponse
}

// Members of a makeCredential request.
const (
	createPinUvAuthParam    = 0x08
	createPinUvAuthProtocol = 0x09
	createEnterprise        = 0x0a
)

const clientDataHashSize = 32

// maxUserIDLength is the longest user handle, in bytes (WebAuthn L3 section
// 5.4.3).
const maxUserIDLength = 64

// makeCredential is CTAP 2.3 section 6.1.2, whose step numbers the comments
// give.
func (k *Key) makeCredential(o *operation, dst, parameters []byte) ([]byte, error) {
	r, err := ctap2.ParseMakeCredentialRequest(parameters)
	if err != nil {
		return nil, err
	}
	c := &creation{operation: o, request: r}
	if err := k.checkProbe(o, r.RP.ID, &r.Received, createPinUvAuthParam, len(r.PinUvAuthParam)); err != nil { // 1
		return nil, err
	}
	if err := k.checkProtocol(&r.Received, createPinUvAuthParam, createPinUvAuthProtocol, r.PinUvAuthProtocol); err != nil { // 2
		return nil, err
	}
	if c.algorithm = k.chooseAlgorithm(r.PubKeyCredParams); c.algorithm == 0 { // 3
		return nil, ctap2.StatusUnsupportedAlgorithm
	}
	if len(r.ClientDataHash) != clientDataHashSize || len(r.User.ID) > maxUserIDLength {
		return nil, ctap2.StatusInvalidLength
	}
	if k.faults.EmptyDisplayNameStatus != 0 && r.User.DisplayName == "" {
		return nil, k.faults.EmptyDisplayNameStatus
	}
	c.rpIDHash = hashRPID(r.RP.ID)
	user, err := k.authorizeCreation(c) // 4 to 11
	if err != nil {
		return nil, err
	}
	if err := k.checkExcluded(c, user); err != nil { // 12
		return nil, err
	}
	if !user.present { // 13, 14
		if out := k.touch(o, r.RP.ID); out != agreed {
			return nil, k.status(out, ctap2.StatusOperationDenied, ctap2.StatusOperationDenied)
		}
	}
	c.flags = ctap2.FlagUP
	if user.verified {
		c.flags |= ctap2.FlagUV
	}
	k.spend()
	return k.create(c, dst) // 15 to 19
}

// checkProbe is step 1 of makeCredential and getAssertion: a pinUvAuthParam
// without bytes asks for a touch and nothing else, by which a host finds out
// which of several keys the user means.
func (k *Key) checkProbe(o *operation, rpID string, r *ctap2.Received, param, length int) error {
	if !r.Has(param) || length > 0 || !k.tokensPossible() {
		return nil
	}
	if out := k.touch(o, rpID); out != agreed {
		return k.status(out, ctap2.StatusOperationDenied, ctap2.StatusOperationDenied)
	}
	if k.state.pin == nil {
		return ctap2.StatusPINNotSet
	}
	return ctap2.StatusPINInvalid
}

// checkProtocol is step 2 of makeCredential and getAssertion. CTAP 2.0 has another
// status for protocols that the key does not know.
func (k *Key) checkProtocol(r *ctap2.Received, param, member int, p pinuv.Protocol) error {
	switch {
	case !r.Has(param):
		return nil
	case !r.Has(member):
		return ctap2.StatusMissingParameter
	case !slices.Contains(k.config.Protocols, p):
		if k.profile.statuses20 {
			return ctap2.StatusPINAuthInvalid
		}
		return ctap2.StatusInvalidParameter
	}
	return nil
}

// chooseAlgorithm returns the first algorithm of the list that the key has, or 0.
func (k *Key) chooseAlgorithm(params []ctap2.PublicKeyCredentialParameters) cose.Algorithm {
	for _, p := range params {
		if p.Type == ctap2.TypePublicKey && slices.Contains(k.config.Algorithms, p.Alg) {
			return p.Alg
		}
	}
	return 0
}

// authorizeCreation is steps 4 to 11: whether the request may go on, and whether
// the user is verified.
func (k *Key) authorizeCreation(c *creation) (user userVerification, err error) {
	r := c.request
	param := r.Has(createPinUvAuthParam)
	rk := isSet(r.Options.RK)
	uv := isSet(r.Options.UV) && !param
	switch { // 5
	case uv && !k.uvReady():
		return user, ctap2.StatusInvalidOption
	case rk && k.config.WithoutRK:
		return user, ctap2.StatusUnsupportedOption
	case r.Options.UP != nil && !*r.Options.UP:
		return user, ctap2.StatusInvalidOption
	case len(r.ExcludeList) > k.config.MaxCredentialCountInList:
		return user, ctap2.StatusLimitExceeded
	}
	if k.state.policy.AlwaysUV { // 6
		if uv, err = k.alwaysUV(param, uv); err != nil {
			return user, err
		}
	}
	optional := k.makeCredUvNotRqd() && !rk
	if k.wantsVerification() && !uv && !param && !optional { // 7, 8
		return user, k.withoutVerification()
	}
	if c.enterprise, err = k.grantEnterprise(r); err != nil { // 9
		return user, err
	}
	if optional && !uv && !param { // 10
		return user, nil
	}
	return k.authorize(c.operation, ctap2.PermissionMC, r.RP.ID, r.ClientDataHash, param, r.PinUvAuthParam, r.PinUvAuthProtocol, uv) // 11
}

// wantsVerification reports whether a credential is made only for a verified
// user. CTAP 2.0 demands the PIN, and leaves built-in user verification to the host.
func (k *Key) wantsVerification() bool {
	return k.state.pin != nil || k.profile.permissions && k.uvReady()
}

// alwaysUV is what the option alwaysUv makes of a request: the user must be
// verified, by the key itself if it can.
func (k *Key) alwaysUV(param, uv bool) (bool, error) {
	switch {
	case !k.protected():
		return false, k.withoutVerification()
	case param || uv:
		return uv, nil
	case k.uvReady():
		return true, nil
	}
	return false, k.withoutVerification()
}

// authorize is step 11 of makeCredential and step 6 of getAssertion. A key
// without any user verification ignores a token.
func (k *Key) authorize(o *operation, permission ctap2.Permissions, rpID string, hash []byte, param bool, mac []byte, p pinuv.Protocol, uv bool) (user userVerification, err error) {
	switch {
	case !k.protected():
		return user, nil
	case param:
		t, err := k.authenticate(p, hash, mac)
		if err != nil {
			return user, err
		}
		if !k.profile.permissions {
			rpID = "" // CTAP 2.0 binds no token to a relying party
		}
		if err := t.authorize(permission, rpID); err != nil {
			return user, err
		}
		return userVerification{verified: true, present: t.userPresent}, nil
	case uv:
		if err := k.verifyUser(o, rpID); err != nil {
			return user, err
		}
		return userVerification{verified: true, present: true}, nil
	}
	return user, nil
}

// checkExcluded is step 12: after a touch, which keeps the answer from those
// who just plug a key in, a credential of the excludeList is an error.
func (k *Key) checkExcluded(c *creation, user userVerification) error {
	for _, d := range c.request.ExcludeList {
		if d.Type != ctap2.TypePublicKey {
			continue
		}
		found := k.find(c.rpIDHash, d.ID)
		if found == nil || found.hidden(user.verified, true) {
			continue
		}
		if !user.present {
			switch out := k.touch(c.operation, c.request.RP.ID); out {
			case agreed, refused, timedOut:
			default:
				return k.status(out, 0, 0)
			}
		}
		return ctap2.StatusCredentialExcluded
	}
	return nil
}

// create is steps 15 to 19: the credential is made, stored if it has to be, and
// attested.
func (k *Key) create(c *creation, dst []byte) ([]byte, error) {
	r := c.request
	rk := isSet(r.Options.RK)
	c.credential = &credential{
		discoverable: rk,
		rpIDHash:     c.rpIDHash,
		rp:           ctap2.PublicKeyCredentialRPEntity{ID: r.RP.ID, Name: k.cutName(r.RP.Name)},
		user: ctap2.PublicKeyCredentialUserEntity{
			ID:          slices.Clone(r.User.ID),
			Name:        k.cutName(r.User.Name),
			DisplayName: k.cutName(r.User.DisplayName),
		},
		alg: c.algorithm,
	}
	outputs, err := k.createExtensions(c) // 15
	defer func() { c.salts.wipe() }()
	if err != nil {
		return nil, err
	}
	if (rk || c.credential.stored) && k.full(c.credential) { // 17, before the work of making a key
		return nil, ctap2.StatusKeyStoreFull
	}
	algorithm := algorithms[c.algorithm]
	if algorithm.slow {
		if out := k.work(c.operation); out != agreed {
			return nil, k.status(out, 0, 0)
		}
	}
	if c.credential.private, err = algorithm.generate(k.config.Rand); err != nil { // 16
		return nil, err
	}
	if err := k.name(c.credential); err != nil { // 18
		return nil, err
	}
	c.response.LargeBlobKey = c.credential.largeBlobKey(k)
	if outputs, err = k.namedExtensions(c, outputs); err != nil {
		return nil, err
	}
	b, err := k.respondToCreation(c, outputs)
	if err != nil {
		return nil, err
	}
	return append(dst, b...), nil
}

// name gives the credential its ID: sealed if it need not be stored and fits,
// random otherwise.
func (k *Key) name(c *credential) (err error) {
	if !c.discoverable && !c.stored {
		sealed, err := k.seal(c)
		if err != nil || sealed {
			return err
		}
		if k.full(c) {
			return ctap2.StatusKeyStoreFull
		}
	}
	c.stored = true
	c.id, err = k.randomID()
	return err
}

// respondToCreation encodes the reply and, once nothing can go wrong any more,
// stores the credential.
func (k *Key) respondToCreation(c *creation, outputs ctap2.Extensions) ([]byte, error) {
	signer, err := c.credential.key()
	if err != nil {
		return nil, err
	}
	public, err := cose.New(signer.Public(), c.algorithm)
	if err != nil {
		return nil, err
	}
	counter := k.nextCounter()
	authData := ctap2.AuthenticatorData{
		RPIDHash:  c.rpIDHash,
		Flags:     c.flags,
		SignCount: counter,
		AttestedCredentialData: &ctap2.AttestedCredentialData{
			AAGUID: k.config.AAGUID, CredentialID: c.credential.id, PublicKey: public,
		},
		Extensions: outputs,
	}
	raw, err := authData.Append(nil)
	if err != nil {
		return nil, err
	}
	raw[32] ^= byte(k.faults.FlipFlags)
	// The data is what was signed, even if a fault has made it lie.
	c.response.AuthData = ctap2.AuthenticatorData{Raw: raw}
	if err := k.attest(c, raw, signer); err != nil { // 19
		return nil, err
	}
	b, err := c.response.Append(nil)
	if err != nil {
		return nil, err
	}
	changes := k.counterChange(counter)
	if c.credential.stored {
		err = k.store(c.credential, changes...)
	} else {
		err = k.commit(changes...)
	}
	if err != nil {
		return nil, err
	}
	k.state.counter = counter
	k.event(CredentialCreated, c.credential)
	return b, nil
}

func isSet(option *bool) bool { return option != nil && *option }
