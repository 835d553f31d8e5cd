package virtual

import (
	"slices"

	"github.com/gofido/fido/ctap2"
)

// configSubCommand is a subcommand of authenticatorConfig.
type configSubCommand struct {
	id      ctap2.ConfigSubCommand
	offered func(k *Key) bool
	run     func(k *Key, params []byte) error
}

// configSubCommands are all that a key can have, in the order of getInfo.
var configSubCommands = []configSubCommand{
	{ctap2.EnableEnterpriseAttestation, (*Key).enterpriseKnown, (*Key).enableEnterpriseAttestation},
	{ctap2.ToggleAlwaysUv, (*Key).alwaysUVKnown, (*Key).toggleAlwaysUv},
	{ctap2.SetMinPINLength, (*Key).minPINLengthSettable, (*Key).setMinPINLength},
	{ctap2.EnableLongTouchForReset, (*Key).longTouchKnown, (*Key).enableLongTouchForReset},
	{ctap2.VendorPrototype, (*Key).vendorCommandsKnown, (*Key).vendorPrototype},
}

// Members of an authenticatorConfig request.
const (
	configPinUvAuthProtocol = 0x03
	configPinUvAuthParam    = 0x04
)

// authenticatorConfig is CTAP 2.3 section 6.11.
func (k *Key) authenticatorConfig(o *operation, dst, parameters []byte) ([]byte, error) {
	r, err := ctap2.ParseConfigRequest(parameters)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(configSubCommands, func(s configSubCommand) bool { return s.id == r.SubCommand })
	if i < 0 || !configSubCommands[i].offered(k) {
		return nil, k.unknownSubCommand()
	}
	// A key that wants every user verified, and can't yet, would be stuck if it
	// wanted that for switching the demand off.
	if stuck := k.state.policy.AlwaysUV && !k.protected(); !stuck || r.SubCommand != ctap2.ToggleAlwaysUv {
		proof := authorization{&r.Received, r.PinUvAuthParam, r.PinUvAuthProtocol, configPinUvAuthParam, configPinUvAuthProtocol}
		if _, err := k.checkIfProtected(o, proof, r.Message(), ctap2.PermissionACFG); err != nil {
			return nil, err
		}
	}
	return dst, configSubCommands[i].run(k, r.SubCommandParams)
}

// configCommands are the subcommands of authenticatorConfig that the key has, for
// getInfo.
func (k *Key) configCommands() []uint {
	all := []uint{} // that there are none is worth saying
	for _, s := range configSubCommands {
		if s.offered(k) {
			all = append(all, uint(s.id))
		}
	}
	return all
}

// setPolicy makes p the policy, in one commit.
func (k *Key) setPolicy(p policyRecord) error {
	if err := k.commit(change{recordPolicy, p}); err != nil {
		return err
	}
	k.state.policy = p
	return nil
}

// setPINPolicy is setPolicy for the rules for PINs. Where the PIN has to be
// changed, all tokens end.
func (k *Key) setPINPolicy(p policyRecord) error {
	if err := k.setPolicy(p); err != nil {
		return err
	}
	if p.ForcePINChange {
		k.dropToken()
	}
	return nil
}

// alwaysUVKnown reports whether the key has the option alwaysUv. One that could
// never verify a user has it only to get rid of it.
func (k *Key) alwaysUVKnown() bool {
	return k.configSupported() && k.tokensSupported() || k.state.policy.AlwaysUV
}

// toggleAlwaysUv is CTAP 2.3 section 6.11.2. The option makeCredUvNotRqd and
// U2F follow from the policy.
func (k *Key) toggleAlwaysUv([]byte) error {
	p := k.state.policy
	if p.AlwaysUV && k.config.AlwaysUVStays {
		return ctap2.StatusOperationDenied
	}
	p.AlwaysUV = !p.AlwaysUV
	return k.setPolicy(p)
}

// Members of setMinPINLength's subCommandParams.
const (
	minPINNewLength = 0x01
	minPINRPIDs     = 0x02
)

// setMinPINLength is CTAP 2.3 section 6.11.4. Every check comes before the
// first change.
func (k *Key) setMinPINLength(params []byte) error {
	r, err := ctap2.ParseSetMinPINLengthParams(params)
	if err != nil {
		return err
	}
	p := k.state.policy
	if r.Has(minPINRPIDs) && !k.has(ctap2.ExtensionMinPINLength) && !k.has(ctap2.ExtensionPINComplexityPolicy) {
		return ctap2.StatusInvalidParameter
	}
	if r.Has(minPINNewLength) {
		if r.NewMinPINLength < p.MinPINLength || r.NewMinPINLength > uint(k.config.MaxPINLength) {
			return ctap2.StatusPINPolicyViolation
		}
		p.MinPINLength = r.NewMinPINLength
	}
	if r.ForceChangePin {
		if k.state.pin == nil {
			return ctap2.StatusPINNotSet
		}
		p.ForcePINChange = true
	}
	if r.PinComplexityPolicy && k.pinComplexityKnown() {
		p.PINComplexity = true // what the present PIN is like, nobody knows
	}
	if k.state.pin != nil && k.state.pin.CodePoints < p.MinPINLength {
		p.ForcePINChange = true
	}
	if len(r.MinPinLengthRPIDs) > k.config.MaxRPIDsForSetMinPINLength {
		return ctap2.StatusKeyStoreFull
	}
	if len(r.MinPinLengthRPIDs) > 0 {
		p.RPIDs = r.MinPinLengthRPIDs
	}
	return k.setPINPolicy(p)
}

// told reports whether the relying party may know what the key demands of PINs.
func (k *Key) told(rpID string) bool {
	return slices.Contains(k.state.policy.RPIDs, rpID) || slices.Contains(k.config.MinPINLengthRPIDs, rpID)
}

// enableLongTouchForReset is CTAP 2.3 section 6.11.5.
func (k *Key) enableLongTouchForReset([]byte) error {
	p := k.state.policy
	p.LongTouch = true
	return k.setPolicy(p)
}

func (k *Key) vendorCommandsKnown() bool { return len(k.config.VendorCommands) > 0 }

// vendorPrototype is CTAP 2.3 section 6.11.6.
func (k *Key) vendorPrototype(params []byte) error {
	r, err := ctap2.ParseVendorPrototypeParams(params)
	if err != nil {
		return err
	}
	run := k.config.VendorCommands[r.VendorCommandID]
	if run == nil {
		return ctap2.StatusInvalidParameter
	}
	return run(slices.Clone(params))
}
