package virtual

import (
	"crypto/subtle"
	"errors"
	"slices"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// pinSubCommand is a subcommand of clientPIN.
type pinSubCommand struct {
	required []int // members of the request
	run      func(k *Key, o *operation, r *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, error)
}

// Members of a clientPIN request.
const (
	pinProtocol     = 0x01
	pinKeyAgreement = 0x03
	pinAuthParam    = 0x04
	pinNewPinEnc    = 0x05
	pinPinHashEnc   = 0x06
	pinPermissions  = 0x09
	pinRPID         = 0x0a
)

var pinSubCommands = map[ctap2.ClientPINSubCommand]pinSubCommand{
	ctap2.GetPINRetries:   {nil, (*Key).getPINRetries},
	ctap2.GetKeyAgreement: {[]int{pinProtocol}, (*Key).getKeyAgreement},
	ctap2.SetPIN:          {[]int{pinProtocol, pinKeyAgreement, pinAuthParam, pinNewPinEnc}, (*Key).setPIN},
	ctap2.ChangePIN: {
		[]int{pinProtocol, pinKeyAgreement, pinAuthParam, pinNewPinEnc, pinPinHashEnc}, (*Key).changePIN,
	},
	ctap2.GetPINToken: {[]int{pinProtocol, pinKeyAgreement, pinPinHashEnc}, (*Key).getPINToken},
	ctap2.GetPinUvAuthTokenUsingUvWithPermissions: {
		[]int{pinProtocol, pinKeyAgreement, pinPermissions}, (*Key).getTokenUsingUV,
	},
	ctap2.GetUVRetries: {nil, (*Key).getUVRetries},
	ctap2.GetPinUvAuthTokenUsingPinWithPermissions: {
		[]int{pinProtocol, pinKeyAgreement, pinPinHashEnc, pinPermissions}, (*Key).getTokenUsingPIN,
	},
}

// clientPIN is CTAP 2.3 section 6.5.5.
func (k *Key) clientPIN(o *operation, dst, parameters []byte) ([]byte, error) {
	r, err := ctap2.ParseClientPINRequest(parameters)
	if err != nil {
		return nil, err
	}
	sub, ok := pinSubCommands[r.SubCommand]
	if !ok || !k.offers(r.SubCommand) {
		return nil, k.unknownSubCommand()
	}
	for _, m := range sub.required {
		if !r.Has(m) {
			return nil, ctap2.StatusMissingParameter
		}
	}
	if needsRPID(r) {
		return nil, ctap2.StatusMissingParameter
	}
	if slices.Contains(sub.required, pinProtocol) && !slices.Contains(k.config.Protocols, r.PinUvAuthProtocol) {
		return nil, ctap2.StatusInvalidParameter
	}
	response, err := sub.run(k, o, r)
	if err != nil {
		return nil, err
	}
	return response.Append(dst)
}

// offers reports whether the key has the subcommand: those about PINs only if
// it can have one, getUVRetries only if it can verify the user. The token
// through user verification answers for itself, and hmac-secret needs
// getKeyAgreement on a key without either.
func (k *Key) offers(s ctap2.ClientPINSubCommand) bool {
	switch s {
	case ctap2.GetPINRetries, ctap2.SetPIN, ctap2.ChangePIN, ctap2.GetPINToken:
		return k.pinSupported()
	case ctap2.GetPinUvAuthTokenUsingPinWithPermissions:
		return k.pinSupported() && k.profile.permissions
	case ctap2.GetUVRetries:
		return k.config.UV != WithoutUV && k.profile.permissions
	case ctap2.GetPinUvAuthTokenUsingUvWithPermissions:
		return k.profile.permissions
	}
	return true
}

// needsRPID reports whether a request for permissions lacks the RP ID.
func needsRPID(r *ctap2.ClientPINRequest) bool {
	switch r.SubCommand {
	case ctap2.GetPinUvAuthTokenUsingPinWithPermissions, ctap2.GetPinUvAuthTokenUsingUvWithPermissions:
		return r.Permissions&(ctap2.PermissionMC|ctap2.PermissionGA) != 0 && r.RPID == ""
	}
	return false
}

func (k *Key) getPINRetries(*operation, *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, error) {
	r := &ctap2.ClientPINResponse{PINRetries: new(k.state.retries.PIN)}
	if k.profile.info21 {
		r.PowerCycleState = new(k.boot.pinMisses >= maxPINMisses)
	}
	return r, nil
}

func (k *Key) getUVRetries(*operation, *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, error) {
	return &ctap2.ClientPINResponse{UVRetries: new(k.state.retries.UV)}, nil
}

func (k *Key) getKeyAgreement(_ *operation, r *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, error) {
	a, err := k.agreement(r.PinUvAuthProtocol)
	if err != nil {
		return nil, err
	}
	return &ctap2.ClientPINResponse{KeyAgreement: a.PublicKey()}, nil
}

// agreementKeys are the key agreement keys by protocol, made when first needed
// after power-up or after a wrong PIN.
type agreementKeys [2]*pinuv.KeyAgreement

func (k *Key) agreement(p pinuv.Protocol) (*pinuv.KeyAgreement, error) {
	slot := &k.boot.agreement[p-pinuv.One]
	if *slot == nil {
		a, err := pinuv.GenerateKeyAgreement(k.config.Rand)
		if err != nil {
			return nil, err
		}
		*slot = a
	}
	return *slot, nil
}

// decapsulate agrees on a shared secret with the platform's key, which is judged
// here: what comes before goes before it.
func (k *Key) decapsulate(p pinuv.Protocol, platform *cose.Key) (*pinuv.SharedSecret, error) {
	a, err := k.agreement(p)
	if err != nil {
		return nil, err
	}
	s, err := a.Decapsulate(p, platform)
	if err == nil {
		return s, nil
	}
	_, err = cose.Parse(platform.Raw)
	if _, ok := errors.AsType[*cbor.TypeError](err); ok {
		return nil, ctap2.StatusCBORUnexpectedType
	}
	return nil, ctap2.StatusInvalidParameter
}

func (k *Key) setPIN(_ *operation, r *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, error) {
	if k.state.pin != nil {
		return nil, ctap2.StatusPINAuthInvalid
	}
	secret, err := k.decapsulate(r.PinUvAuthProtocol, r.KeyAgreement)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe()
	if !secret.Verify(r.NewPinEnc, r.PinUvAuthParam) {
		return nil, ctap2.StatusPINAuthInvalid
	}
	pin, err := k.newPIN(secret, r.NewPinEnc)
	if err != nil {
		return nil, err
	}
	return &ctap2.ClientPINResponse{}, k.storePIN(pin)
}

func (k *Key) changePIN(_ *operation, r *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, error) {
	if err := k.pinUsable(); err != nil {
		return nil, err
	}
	secret, err := k.decapsulate(r.PinUvAuthProtocol, r.KeyAgreement)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe()
	if !secret.Verify(slices.Concat(r.NewPinEnc, r.PinHashEnc), r.PinUvAuthParam) {
		return nil, ctap2.StatusPINAuthInvalid
	}
	if err := k.checkPIN(secret, r); err != nil {
		return nil, err
	}
	pin, err := k.newPIN(secret, r.NewPinEnc)
	if err != nil {
		return nil, err
	}
	if k.state.policy.ForcePINChange && subtle.ConstantTimeCompare(pin.Hash, k.state.pin.Hash) == 1 {
		pin.wipe()
		return nil, ctap2.StatusPINPolicyViolation
	}
	if err := k.storePIN(pin, k.newPersistentToken()); err != nil {
		return nil, err
	}
	k.state.versions.Token++
	k.dropToken()
	return &ctap2.ClientPINResponse{}, nil
}

// getPINToken is the way to a token of CTAP 2.0.
func (k *Key) getPINToken(_ *operation, r *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, error) {
	if r.Has(pinPermissions) || r.Has(pinRPID) {
		return nil, ctap2.StatusInvalidParameter
	}
	permissions := ctap2.PermissionMC | ctap2.PermissionGA
	if k.config.NoPINForMcGa {
		permissions = 0
	}
	response, err := k.tokenForPIN(r, permissions, "", ctap2.StatusPINInvalid)
	if err == nil {
		k.boot.token.legacy = true
	}
	return response, err
}

func (k *Key) getTokenUsingPIN(_ *operation, r *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, error) {
	if err := k.permitted(&r.Permissions, false); err != nil {
		return nil, err
	}
	return k.tokenForPIN(r, r.Permissions, r.RPID, ctap2.StatusPINPolicyViolation)
}

// tokenForPIN checks the PIN and issues a token; forceChange is answered if the
// PIN must be changed first.
func (k *Key) tokenForPIN(r *ctap2.ClientPINRequest, permissions ctap2.Permissions, rpID string, forceChange ctap2.Status) (*ctap2.ClientPINResponse, error) {
	if err := k.pinUsable(); err != nil {
		return nil, err
	}
	secret, err := k.decapsulate(r.PinUvAuthProtocol, r.KeyAgreement)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe()
	if err := k.checkPIN(secret, r); err != nil {
		return nil, err
	}
	if k.state.policy.ForcePINChange {
		return nil, forceChange
	}
	return k.handOut(secret, r.PinUvAuthProtocol, permissions, rpID, false)
}

// getTokenUsingUV gives a token for built-in user verification.
func (k *Key) getTokenUsingUV(o *operation, r *ctap2.ClientPINRequest) (*ctap2.ClientPINResponse, error) {
	if err := k.permitted(&r.Permissions, true); err != nil {
		return nil, err
	}
	if !k.uvReady() {
		return nil, ctap2.StatusNotAllowed
	}
	if k.state.retries.UV == 0 {
		return nil, ctap2.StatusUVBlocked
	}
	secret, err := k.decapsulate(r.PinUvAuthProtocol, r.KeyAgreement)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe()
	// The platform repeats what fails, as preferredPlatformUvAttempts tells it,
	// unless that is one.
	attempts := 1
	if k.config.UVRetries == 1 {
		attempts = k.config.UVAttempts
	}
	out, err := k.builtInUV(o, r.RPID, attempts)
	switch {
	case err != nil:
		return nil, err
	case out == notRecognised && k.state.retries.UV == 0:
		return nil, ctap2.StatusUVBlocked
	case out == notRecognised:
		return nil, ctap2.StatusUVInvalid
	case out != agreed:
		return nil, k.status(out, ctap2.StatusOperationDenied, ctap2.StatusUserActionTimeout)
	}
	return k.handOut(secret, r.PinUvAuthProtocol, r.Permissions, r.RPID, true)
}

// handOut issues a token, or the persistent one, and encrypts it for the
// platform.
func (k *Key) handOut(s *pinuv.SharedSecret, p pinuv.Protocol, permissions ctap2.Permissions, rpID string, userPresent bool) (*ctap2.ClientPINResponse, error) {
	var token *pinuv.Token
	if permissions&ctap2.PermissionPCMR != 0 {
		var err error
		if token, err = k.persistentToken(p); err != nil {
			return nil, err
		}
		defer token.Wipe()
	} else {
		if err := k.issue(p, permissions, rpID, userPresent); err != nil {
			return nil, err
		}
		token = k.boot.token.secret
	}
	b := token.ExposeSecret()
	defer clear(b)
	encrypted, err := s.Encrypt(k.config.Rand, b)
	if err != nil {
		return nil, err
	}
	return &ctap2.ClientPINResponse{PinUvAuthToken: encrypted}, nil
}

// permitted says whether a token with the permissions can be had, through
// built-in user verification or the PIN (CTAP 2.3 section 6.5.5.7).
// It takes those away that the specification does not define, which are ignored.
func (k *Key) permitted(permissions *ctap2.Permissions, uv bool) error {
	if *permissions == 0 {
		return ctap2.StatusInvalidParameter
	}
	*permissions &= definedPermissions
	p, options := *permissions, k.options()
	for _, rule := range permissionRules {
		if p&rule.permission == 0 {
			continue
		}
		option := rule.pin
		if uv {
			option = rule.uv
		}
		if !option.allows(options) || rule.alone && p != rule.permission {
			return ctap2.StatusUnauthorizedPermission
		}
	}
	return nil
}

const definedPermissions = ctap2.PermissionMC | ctap2.PermissionGA | ctap2.PermissionCM | ctap2.PermissionBE |
	ctap2.PermissionLBW | ctap2.PermissionACFG | ctap2.PermissionPCMR

// permissionRules name the option that a permission depends on.
var permissionRules = []struct {
	permission ctap2.Permissions
	pin, uv    optionRule
	alone      bool // no other permission may be asked for with it
}{
	{ctap2.PermissionMC, optionRule{ctap2.OptionNoMcGaPermissionsWithClientPin, isNotTrue}, optionRule{"", isNotTrue}, false},
	{ctap2.PermissionGA, optionRule{ctap2.OptionNoMcGaPermissionsWithClientPin, isNotTrue}, optionRule{"", isNotTrue}, false},
	{ctap2.PermissionCM, optionRule{ctap2.OptionCredMgmt, isTrue}, optionRule{ctap2.OptionCredMgmt, isTrue}, false},
	{ctap2.PermissionBE, optionRule{ctap2.OptionBioEnroll, isPresent}, optionRule{ctap2.OptionUVBioEnroll, isTrue}, false},
	{ctap2.PermissionLBW, optionRule{ctap2.OptionLargeBlobs, isTrue}, optionRule{ctap2.OptionLargeBlobs, isTrue}, false},
	{ctap2.PermissionACFG, optionRule{ctap2.OptionAuthnrCfg, isTrue}, optionRule{ctap2.OptionUVAcfg, isTrue}, false},
	{ctap2.PermissionPCMR, optionRule{ctap2.OptionPerCredMgmtRO, isTrue}, optionRule{ctap2.OptionPerCredMgmtRO, isTrue}, true},
}

// optionRule is what an option must be.
type optionRule struct {
	option string
	want   uint8
}

const (
	isNotTrue uint8 = iota
	isTrue
	isPresent
)

func (r optionRule) allows(o ctap2.InfoOptions) bool {
	value, present := o[r.option]
	switch r.want {
	case isTrue:
		return value
	case isPresent:
		return present
	}
	return !value
}
