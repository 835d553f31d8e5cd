package virtual

import (
	"maps"
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// getInfo is CTAP 2.3 section 6.4. Parameters are ignored.
func (k *Key) getInfo(_ *operation, dst, _ []byte) ([]byte, error) {
	r, err := k.info()
	if err != nil {
		return nil, err
	}
	return r.Append(dst)
}

// info returns all members but those that need random bytes if there are none.
func (k *Key) info() (r *ctap2.GetInfoResponse, err error) {
	r = k.info20()
	if k.profile.info21 || k.config.Previews {
		k.addInfoPre(r)
	}
	if k.profile.info21 {
		k.addInfo21(r)
	}
	if k.profile.info23 {
		k.addInfo23(r)
	}
	if k.readOnlyTokens() {
		err = k.encrypted(r)
	}
	if k.config.Info != nil {
		// The hook may keep or change what it gets.
		r.PinUvAuthProtocols = slices.Clone(r.PinUvAuthProtocols)
		r.Transports = slices.Clone(r.Transports)
		r.Certifications = maps.Clone(r.Certifications)
		r.AttestationFormats = slices.Clone(r.AttestationFormats)
		r.TransportsForReset = slices.Clone(r.TransportsForReset)
		k.config.Info(r)
	}
	return r, err
}

// info20 has the members of CTAP 2.0.
func (k *Key) info20() *ctap2.GetInfoResponse {
	r := &ctap2.GetInfoResponse{
		Versions:   k.versions(),
		Extensions: k.extensionIDs(),
		AAGUID:     k.config.AAGUID,
		Options:    k.options(),
		MaxMsgSize: uint(k.config.MaxMsgSize),
	}
	if k.knows(ctap2.CommandClientPIN) {
		r.PinUvAuthProtocols = k.config.Protocols
	}
	return r
}

// addInfoPre adds the members of CTAP 2.1 that keys of FIDO_2_1_PRE have, too.
func (k *Key) addInfoPre(r *ctap2.GetInfoResponse) {
	c := &k.config
	r.MaxCredentialCountInList = uint(c.MaxCredentialCountInList)
	r.MaxCredentialIDLength = uint(c.MaxCredentialIDLength)
	r.Transports = c.Transports
	for _, a := range c.Algorithms {
		r.Algorithms = append(r.Algorithms, ctap2.PublicKeyCredentialParameters{Alg: a, Type: ctap2.TypePublicKey})
	}
}

// addInfo21 adds the other members of CTAP 2.1.
func (k *Key) addInfo21(r *ctap2.GetInfoResponse) {
	c := &k.config
	if k.largeBlobsSupported() {
		r.MaxSerializedLargeBlobArray = uint(c.LargeBlobCapacity)
	}
	if k.pinSupported() {
		r.MinPINLength = k.state.policy.MinPINLength
		r.ForcePINChange = k.state.policy.ForcePINChange
	}
	r.FirmwareVersion = new(c.FirmwareVersion)
	if k.has(ctap2.ExtensionCredBlob) {
		r.MaxCredBlobLength = uint(c.MaxCredBlobLength)
	}
	if k.minPINLengthSettable() {
		r.MaxRPIDsForSetMinPINLength = new(uint(c.MaxRPIDsForSetMinPINLength))
	}
	if c.UV != WithoutUV {
		r.PreferredPlatformUvAttempts = uint(c.UVRetries)
		r.UvModality = new(uint64(c.UVModality))
	}
	r.Certifications = c.Certifications
	if !c.WithoutRK {
		r.RemainingDiscoverableCredentials = new(uint(k.remaining()))
	}
	if k.configSupported() && len(c.VendorCommands) > 0 {
		r.VendorPrototypeConfigCommands = slices.Sorted(maps.Keys(c.VendorCommands))
	}
}

// addInfo23 adds the members of CTAP 2.2 and 2.3.
func (k *Key) addInfo23(r *ctap2.GetInfoResponse) {
	c := &k.config
	r.AttestationFormats = c.AttestationFormats
	if c.UV != WithoutUV {
		r.UvCountSinceLastPinEntry = new(k.state.retries.UVCount)
	}
	if k.longTouchKnown() {
		r.LongTouchForReset = new(k.state.policy.LongTouch)
	}
	r.TransportsForReset = c.TransportsForReset
	if k.pinComplexityKnown() {
		r.PinComplexityPolicy = new(k.state.policy.PINComplexity)
		if url := c.PINComplexity.URL; url != "" {
			r.PinComplexityPolicyURL = []byte(url)
		}
	}
	if k.pinSupported() {
		r.MaxPINLength = uint(c.MaxPINLength)
	}
	if k.configSupported() {
		r.AuthenticatorConfigCommands = k.configCommands()
	}
}

// versions are those of getInfo. With alwaysUv there is no U2F, which can't verify
// the user.
func (k *Key) versions() (all []string) {
	if k.u2fOffered() {
		all = append(all, ctap2.VersionU2F)
	}
	for _, v := range k.profile.versions {
		if v == ctap2.VersionFIDO20 || k.complies21() {
			all = append(all, v)
		}
	}
	if k.config.Previews {
		i := slices.Index(all, ctap2.VersionFIDO20) + 1
		all = slices.Insert(all, i, ctap2.VersionFIDO21Pre)
	}
	return all
}

// complies21 reports whether the key has all that CTAP 2.3 section 9 demands of
// authenticators of FIDO_2_1 and later. A Config can take some of it away, and then
// the key does not claim those versions.
func (k *Key) complies21() bool {
	rk := !k.config.WithoutRK
	verifies := k.pinSupported() || k.config.UV != WithoutUV
	switch {
	case !k.has(ctap2.ExtensionHMACSecret),
		!slices.Contains(k.config.Protocols, pinuv.Two),
		rk && !verifies,
		rk && !k.knows(ctap2.CommandCredentialManagement) && !k.config.Display,
		verifies && (!k.has(ctap2.ExtensionCredProtect) || !k.tokensSupported()),
		k.minPINLengthSettable() && !k.has(ctap2.ExtensionMinPINLength):
		return false
	}
	return true
}

// options are those of getInfo as they are now.
func (k *Key) options() ctap2.InfoOptions {
	o := ctap2.InfoOptions{
		ctap2.OptionPlat: false,
		ctap2.OptionRK:   !k.config.WithoutRK,
		ctap2.OptionUP:   true,
	}
	set := func(option string, present, value bool) {
		if present {
			o[option] = value
		}
	}
	enrolled := len(k.state.fingers) > 0
	set(ctap2.OptionClientPIN, k.pinSupported(), k.state.pin != nil)
	set(ctap2.OptionUV, k.config.UV != WithoutUV, k.uvReady())
	set(ctap2.OptionCredentialMgmtPreview, k.knows(ctap2.CommandCredentialManagementPreview), true)
	set(ctap2.OptionUserVerificationMgmtPreview, k.knows(ctap2.CommandBioEnrollmentPreview), enrolled)
	if !k.profile.permissions {
		return o
	}
	tokens := k.tokensSupported()
	sensor := k.knows(ctap2.CommandBioEnrollment)
	set(ctap2.OptionMakeCredUvNotRqd, true, k.makeCredUvNotRqd())
	set(ctap2.OptionPinUvAuthToken, tokens, true)
	set(ctap2.OptionNoMcGaPermissionsWithClientPin, k.config.NoPINForMcGa && k.pinSupported(), true)
	set(ctap2.OptionLargeBlobs, k.largeBlobsSupported(), true)
	set(ctap2.OptionEP, k.enterpriseKnown(), k.state.policy.Enterprise)
	set(ctap2.OptionBioEnroll, sensor, enrolled)
	set(ctap2.OptionUVBioEnroll, sensor && k.config.UVBioEnroll, true)
	set(ctap2.OptionAuthnrCfg, k.configSupported(), true)
	set(ctap2.OptionUVAcfg, k.configSupported() && k.config.UVAcfg && k.config.UV != WithoutUV, true)
	set(ctap2.OptionCredMgmt, k.knows(ctap2.CommandCredentialManagement), true)
	set(ctap2.OptionPerCredMgmtRO, k.readOnlyTokens(), true)
	set(ctap2.OptionSetMinPINLength, k.minPINLengthSettable(), true)
	set(ctap2.OptionAlwaysUv, k.alwaysUVKnown(), k.state.policy.AlwaysUV)
	return o
}

func (k *Key) pinSupported() bool {
	return !k.config.WithoutPIN && k.knows(ctap2.CommandClientPIN)
}

// tokensPossible reports whether the key can give any token.
func (k *Key) tokensPossible() bool {
	return k.knows(ctap2.CommandClientPIN) && (!k.config.WithoutPIN || k.config.UV != WithoutUV)
}

// tokensSupported is the option pinUvAuthToken.
func (k *Key) tokensSupported() bool { return k.profile.permissions && k.tokensPossible() }

// readOnlyTokens is the option perCredMgmtRO.
func (k *Key) readOnlyTokens() bool {
	return k.profile.info23 && k.knows(ctap2.CommandCredentialManagement)
}

// largeBlobsSupported is the option largeBlobs.
func (k *Key) largeBlobsSupported() bool { return k.knows(ctap2.CommandLargeBlobs) }

// configSupported is the option authnrCfg.
func (k *Key) configSupported() bool { return k.knows(ctap2.CommandConfig) }

// minPINLengthSettable is the option setMinPINLength.
func (k *Key) minPINLengthSettable() bool { return k.configSupported() && k.pinSupported() }

// longTouchKnown reports whether the key can want a long touch for a reset.
func (k *Key) longTouchKnown() bool { return k.profile.info23 && !k.config.WithoutLongTouch }

// uvReady reports whether built-in user verification is configured.
func (k *Key) uvReady() bool {
	return k.config.UV == ConfiguredUV || k.hasSensor() && len(k.state.fingers) > 0
}

// pinReady reports whether a PIN is set that gives tokens for makeCredential
// and getAssertion.
func (k *Key) pinReady() bool { return k.state.pin != nil && !k.config.NoPINForMcGa }

// protected reports whether some user verification is set up.
func (k *Key) protected() bool { return k.state.pin != nil || k.uvReady() }

// makeCredUvNotRqd is the option of that name, which alwaysUv overrides.
func (k *Key) makeCredUvNotRqd() bool {
	return k.profile.permissions && !k.config.UVForEverything && !k.state.policy.AlwaysUV
}
