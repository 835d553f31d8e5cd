package virtual

import (
	"slices"

	"github.com/gofido/fido/ctap2"
)

// getInfo is CTAP 2.3 section 6.4. Parameters are ignored.
func (k *Key) getInfo(_ *operation, dst, _ []byte) ([]byte, error) {
	return k.info().Append(dst)
}

func (k *Key) info() *ctap2.GetInfoResponse {
	c := &k.config
	r := &ctap2.GetInfoResponse{
		Versions:                         k.profile.versions,
		Extensions:                       k.extensionIDs(),
		AAGUID:                           c.AAGUID,
		Options:                          k.options(),
		MaxMsgSize:                       uint(c.MaxMsgSize),
		MaxCredentialCountInList:         uint(c.MaxCredentialCountInList),
		MaxCredentialIDLength:            uint(c.MaxCredentialIDLength),
		Transports:                       []string{c.Transport},
		FirmwareVersion:                  new(uint64(1)),
		RemainingDiscoverableCredentials: new(uint(k.remaining())),
	}
	for _, a := range c.Algorithms {
		r.Algorithms = append(r.Algorithms, ctap2.PublicKeyCredentialParameters{Alg: a, Type: ctap2.TypePublicKey})
	}
	if k.knows(ctap2.CommandClientPIN) {
		r.PinUvAuthProtocols = c.Protocols
	}
	if k.pinSupported() {
		r.MinPINLength = k.state.policy.MinPINLength
		r.ForcePINChange = k.state.policy.ForcePINChange
	}
	if c.UV != WithoutUV {
		r.PreferredPlatformUvAttempts = uint(c.UVRetries)
		r.UvModality = new(uint64(c.UVModality))
	}
	if c.Info != nil {
		// The hook may keep or change what it gets.
		r.Versions, r.PinUvAuthProtocols = slices.Clone(r.Versions), slices.Clone(r.PinUvAuthProtocols)
		c.Info(r)
	}
	return r
}

// options are those of getInfo as they are now.
func (k *Key) options() ctap2.InfoOptions {
	o := ctap2.InfoOptions{
		ctap2.OptionPlat:             false,
		ctap2.OptionRK:               true,
		ctap2.OptionUP:               true,
		ctap2.OptionMakeCredUvNotRqd: k.makeCredUvNotRqd(),
	}
	if k.pinSupported() {
		o[ctap2.OptionClientPIN] = k.state.pin != nil
	}
	if k.config.UV != WithoutUV {
		o[ctap2.OptionUV] = k.uvReady()
	}
	if k.tokensSupported() {
		o[ctap2.OptionPinUvAuthToken] = true
	}
	if k.config.NoPINForMcGa {
		o[ctap2.OptionNoMcGaPermissionsWithClientPin] = true
	}
	if k.state.policy.AlwaysUV {
		o[ctap2.OptionAlwaysUv] = true
	}
	return o
}

// knows reports whether a command that the package has is switched on.
func (k *Key) knows(c ctap2.Command) bool { return !slices.Contains(k.config.WithoutCommands, c) }

func (k *Key) pinSupported() bool {
	return !k.config.WithoutPIN && k.knows(ctap2.CommandClientPIN)
}

// tokensSupported is the option pinUvAuthToken.
func (k *Key) tokensSupported() bool {
	return k.knows(ctap2.CommandClientPIN) && (!k.config.WithoutPIN || k.config.UV != WithoutUV)
}

// uvReady reports whether built-in user verification is configured.
func (k *Key) uvReady() bool { return k.config.UV == ConfiguredUV }

// pinReady reports whether a PIN is set that gives tokens for makeCredential
// and getAssertion.
func (k *Key) pinReady() bool { return k.state.pin != nil && !k.config.NoPINForMcGa }

// protected reports whether some user verification is set up.
func (k *Key) protected() bool { return k.state.pin != nil || k.uvReady() }

// makeCredUvNotRqd is the option of that name, which alwaysUv overrides.
func (k *Key) makeCredUvNotRqd() bool {
	return !k.config.UVForEverything && !k.state.policy.AlwaysUV
}
