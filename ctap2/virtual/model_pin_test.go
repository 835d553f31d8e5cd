package virtual_test

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// modelPIN is a clientPIN.
type modelPIN struct {
	sub         ctap2.ClientPINSubCommand
	protocol    pinuv.Protocol
	pin, newPIN string
	badMAC      bool
	staleKey    bool // for a key agreement key that is no longer the key's
	permissions ctap2.Permissions
	rpID        string
}

// clientPIN is section 6.5.5. The token is the one that it hands out.
func (m *model) clientPIN(a *modelPIN) (string, *modelToken) {
	status := func(s ctap2.Status) (string, *modelToken) { return s.Name(), nil }
	withPermissions := a.sub == ctap2.GetPinUvAuthTokenUsingPinWithPermissions || a.sub == ctap2.GetPinUvAuthTokenUsingUvWithPermissions
	switch {
	case withPermissions && !m.permissions,
		a.sub == ctap2.GetUVRetries && (m.config.UV == virtual.WithoutUV || !m.permissions):
		if !m.permissions {
			return status(ctap2.StatusInvalidParameter)
		}
		return status(ctap2.StatusInvalidSubcommand)
	case withPermissions && a.permissions == 0, // which the request has no way to hold
		withPermissions && a.permissions&(ctap2.PermissionMC|ctap2.PermissionGA) != 0 && a.rpID == "":
		return status(ctap2.StatusMissingParameter)
	case a.sub == ctap2.GetPINRetries && !m.permissions:
		return fmt.Sprintf("%d tries", m.pinLeft), nil
	case a.sub == ctap2.GetPINRetries:
		return fmt.Sprintf("%d tries, power cycle %v", m.pinLeft, m.misses >= 3), nil
	case a.sub == ctap2.GetUVRetries:
		return fmt.Sprintf("%d tries", m.uvLeft), nil
	case !slices.Contains(m.config.Protocols, a.protocol):
		return status(ctap2.StatusInvalidParameter)
	}
	switch a.sub {
	case ctap2.GetKeyAgreement:
		return "", nil
	case ctap2.SetPIN:
		return m.setPIN(a).text(), nil
	case ctap2.ChangePIN:
		return m.changePIN(a).text(), nil
	case ctap2.GetPinUvAuthTokenUsingUvWithPermissions:
		return m.uvToken(a)
	}
	return m.pinToken(a, withPermissions)
}

// modelStatus is a status of a command that answers nothing else.
type modelStatus ctap2.Status

func (s modelStatus) text() string {
	if s == 0 {
		return ""
	}
	return ctap2.Status(s).Name()
}

func (m *model) setPIN(a *modelPIN) modelStatus {
	switch {
	case m.pin != "", a.badMAC, a.staleKey:
		return modelStatus(ctap2.StatusPINAuthInvalid)
	case !m.allowed(a.newPIN):
		return modelStatus(ctap2.StatusPINPolicyViolation)
	}
	m.pin, m.pinLeft, m.policy.forceChange = a.newPIN, 8, false
	return 0
}

func (m *model) allowed(pin string) bool {
	return utf8.RuneCountInString(pin) >= m.policy.minPIN && len(pin) <= pinuv.MaxPINBytes
}

func (m *model) changePIN(a *modelPIN) modelStatus {
	if s := m.tryable(); s != 0 {
		return modelStatus(s)
	}
	if a.badMAC || a.staleKey {
		return modelStatus(ctap2.StatusPINAuthInvalid)
	}
	if s := m.tryPIN(a); s != 0 {
		return modelStatus(s)
	}
	if !m.allowed(a.newPIN) || m.policy.forceChange && a.newPIN == m.pin {
		return modelStatus(ctap2.StatusPINPolicyViolation)
	}
	m.generation++
	m.pin, m.policy.forceChange, m.token = a.newPIN, false, nil
	return 0
}

// tryable says why no PIN can be tried.
func (m *model) tryable() ctap2.Status {
	switch {
	case m.pin == "":
		return ctap2.StatusPINNotSet
	case m.pinLeft == 0:
		return ctap2.StatusPINBlocked
	case m.misses >= 3:
		return ctap2.StatusPINAuthBlocked
	}
	return 0
}

func (m *model) tryPIN(a *modelPIN) ctap2.Status {
	if a.pin == m.pin && !a.staleKey {
		m.pinLeft, m.uvLeft, m.uvCount, m.misses = 8, m.config.UVRetries, 0, 0
		return 0
	}
	m.pinLeft--
	m.misses++
	m.agreed[a.protocol]++
	switch {
	case m.pinLeft == 0:
		return ctap2.StatusPINBlocked
	case m.misses >= 3:
		return ctap2.StatusPINAuthBlocked
	}
	return ctap2.StatusPINInvalid
}

// unavailable are the permissions that the key does not give.
func (m *model) unavailable(uv bool) (p ctap2.Permissions) {
	const mcGa = ctap2.PermissionMC | ctap2.PermissionGA
	if !uv && m.config.NoPINForMcGa {
		p |= mcGa
	}
	for _, rule := range []struct {
		permission ctap2.Permissions
		command    ctap2.Command
		uvToo      bool
	}{
		{ctap2.PermissionCM | ctap2.PermissionPCMR, ctap2.CommandCredentialManagement, true},
		{ctap2.PermissionBE, ctap2.CommandBioEnrollment, m.config.UVBioEnroll},
		{ctap2.PermissionLBW, ctap2.CommandLargeBlobs, true},
		{ctap2.PermissionACFG, ctap2.CommandConfig, m.config.UVAcfg},
	} {
		if !m.knows(rule.command) || uv && !rule.uvToo {
			p |= rule.permission
		}
	}
	if m.config.Profile != virtual.FIDO23 {
		p |= ctap2.PermissionPCMR
	}
	return p
}

// knows reports whether the key has a command that manages it.
func (m *model) knows(c ctap2.Command) bool {
	option := map[ctap2.Command]string{
		ctap2.CommandCredentialManagement: ctap2.OptionCredMgmt,
		ctap2.CommandBioEnrollment:        ctap2.OptionBioEnroll,
		ctap2.CommandLargeBlobs:           ctap2.OptionLargeBlobs,
		ctap2.CommandConfig:               ctap2.OptionAuthnrCfg,
	}[c]
	_, ok := m.features.Options[option]
	return ok
}

func (m *model) permitted(a *modelPIN, uv bool) ctap2.Status {
	if a.permissions&m.unavailable(uv) != 0 ||
		a.permissions&ctap2.PermissionPCMR != 0 && a.permissions != ctap2.PermissionPCMR {
		return ctap2.StatusUnauthorizedPermission
	}
	return 0
}

func (m *model) pinToken(a *modelPIN, withPermissions bool) (string, *modelToken) {
	permissions, force := a.permissions, ctap2.StatusPINPolicyViolation
	if withPermissions {
		if s := m.permitted(a, false); s != 0 {
			return s.Name(), nil
		}
	} else {
		permissions, force = ctap2.PermissionMC|ctap2.PermissionGA, ctap2.StatusPINInvalid
		if m.config.NoPINForMcGa {
			permissions = 0
		}
		if a.rpID != "" {
			return ctap2.StatusInvalidParameter.Name(), nil
		}
	}
	if s := m.tryable(); s != 0 {
		return s.Name(), nil
	}
	if s := m.tryPIN(a); s != 0 {
		return s.Name(), nil
	}
	if m.policy.forceChange {
		return force.Name(), nil
	}
	return m.handOut(a, permissions, false)
}

func (m *model) uvToken(a *modelPIN) (string, *modelToken) {
	if s := m.permitted(a, true); s != 0 {
		return s.Name(), nil
	}
	switch {
	case !m.uvReady():
		return ctap2.StatusNotAllowed.Name(), nil
	case m.uvLeft == 0:
		return ctap2.StatusUVBlocked.Name(), nil
	}
	attempts := 1
	if m.config.UVRetries == 1 { // preferredPlatformUvAttempts of one: the key repeats it
		attempts = m.config.UVAttempts
	}
	switch out := m.performBuiltInUv(attempts); {
	case out == modelTimeout:
		return ctap2.StatusUserActionTimeout.Name(), nil
	case out == modelRefused:
		return ctap2.StatusOperationDenied.Name(), nil
	case out == modelMissed && m.uvLeft == 0:
		return ctap2.StatusUVBlocked.Name(), nil
	case out == modelMissed:
		return ctap2.StatusUVInvalid.Name(), nil
	case out != modelAgreed:
		return out.Name(), nil
	}
	return m.handOut(a, a.permissions, true)
}

func (m *model) handOut(a *modelPIN, permissions ctap2.Permissions, present bool) (string, *modelToken) {
	if !m.permissions && m.token != nil {
		return "a token", m.token // there is one until the power goes
	}
	t := &modelToken{
		protocol: a.protocol, permissions: permissions, rpID: a.rpID,
		verified: true, present: present, issued: m.now,
	}
	if permissions == ctap2.PermissionPCMR {
		t.generation = m.generation
	} else {
		m.token = t
	}
	return "a token", t
}
