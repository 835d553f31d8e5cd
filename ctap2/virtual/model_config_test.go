package virtual_test

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

// modelConfig is an authenticatorConfig.
type modelConfig struct {
	sub     ctap2.ConfigSubCommand
	min     uint // 0: absent
	rpIDs   []string
	force   bool
	proof   modelProof
	session uint64
}

// modelMaxRPIDs is how many relying parties can be told the minimum PIN length.
const modelMaxRPIDs = 2

// authenticatorConfig is section 6.11.
func (m *model) authenticatorConfig(a *modelConfig) ctap2.Status {
	if !m.knows(ctap2.CommandConfig) {
		return ctap2.StatusInvalidCommand
	}
	switch a.sub {
	case ctap2.EnableEnterpriseAttestation:
		if m.config.Enterprise == nil {
			return ctap2.StatusInvalidSubcommand
		}
	case ctap2.EnableLongTouchForReset:
		if m.config.Profile != virtual.FIDO23 {
			return ctap2.StatusInvalidSubcommand
		}
	case ctap2.ToggleAlwaysUv, ctap2.SetMinPINLength:
	default:
		return ctap2.StatusInvalidSubcommand
	}
	if a.sub != ctap2.ToggleAlwaysUv || !m.policy.alwaysUV || m.protected() {
		if _, s := m.managedIfProtected(a.proof, ctap2.PermissionACFG); s != 0 {
			return s
		}
	}
	switch a.sub {
	case ctap2.EnableEnterpriseAttestation:
		m.policy.enterprise = true
	case ctap2.ToggleAlwaysUv:
		if m.policy.alwaysUV && m.config.AlwaysUVStays {
			return ctap2.StatusOperationDenied
		}
		m.policy.alwaysUV = !m.policy.alwaysUV
	case ctap2.EnableLongTouchForReset:
		m.policy.longTouch = true
	case ctap2.SetMinPINLength:
		return m.setMinPINLength(a)
	}
	return 0
}

// setMinPINLength is section 6.11.4.
func (m *model) setMinPINLength(a *modelConfig) ctap2.Status {
	p := m.policy
	if a.min != 0 {
		if int(a.min) < p.minPIN || a.min > 63 {
			return ctap2.StatusPINPolicyViolation
		}
		p.minPIN = int(a.min)
	}
	if a.force {
		if m.pin == "" {
			return ctap2.StatusPINNotSet
		}
		p.forceChange = true
	}
	if m.pin != "" && utf8.RuneCountInString(m.pin) < p.minPIN {
		p.forceChange = true
	}
	if len(a.rpIDs) > modelMaxRPIDs {
		return ctap2.StatusKeyStoreFull
	}
	if len(a.rpIDs) > 0 {
		p.rpIDs = a.rpIDs
	}
	m.policy = p
	if p.forceChange {
		m.token = nil
	}
	return 0
}

func (d *modelDriver) configure() {
	m := d.model
	a := &modelConfig{sub: pick(d, ctap2.EnableEnterpriseAttestation, ctap2.ToggleAlwaysUv, ctap2.SetMinPINLength, ctap2.SetMinPINLength, ctap2.EnableLongTouchForReset), session: d.session}
	switch {
	case d.one(30):
		a.sub = 9
	case a.sub == ctap2.EnableLongTouchForReset && !d.one(4):
		return // it makes resets rare
	}
	r := &ctap2.ConfigRequest{SubCommand: a.sub}
	if a.sub == ctap2.SetMinPINLength {
		a.force = d.one(6)
		if d.one(3) {
			a.min = uint(m.policy.minPIN + d.IntN(3) - d.IntN(2))
		}
		if d.one(20) {
			a.min = pick(d, uint(64), 1<<40, 6)
		}
		if d.one(2) {
			a.rpIDs = slices.Clone(modelRPIDs[:d.IntN(len(modelRPIDs)+1)])
		}
		params, err := cbor.Marshal(ctap2.SetMinPINLengthParams{NewMinPINLength: a.min, MinPinLengthRPIDs: a.rpIDs, ForceChangePin: a.force})
		if err != nil {
			d.t.Fatal(err)
		}
		r.SubCommandParams = params
	}
	a.proof = d.drawProof(ctap2.PermissionACFG, "")
	a.proof.set(r.Message(), &r.PinUvAuthParam, &r.PinUvAuthProtocol)
	m.interrupt(ctap2.CommandConfig)
	s := m.authenticatorConfig(a)
	want := modelStatus(s).text()
	got, b := d.request(r)
	text := modelStatus(got).text()
	if len(b) > 0 {
		text = fmt.Sprintf("%x", b)
	}
	d.expect(a.sub.String(), a, want, text)
}
