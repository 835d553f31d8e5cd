package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Section 11: getInfo.
var getInfoCases = []Case{
	{ID: "GI-1", Title: "versions are unique and among those that exist", Run: gi1},
	{ID: "GI-2", Title: "the AAGUID has 16 bytes", Run: gi2},
	{ID: "GI-3", Title: "PIN/UV auth protocols are listed once each if there is a PIN or a token", Run: gi3},
	{ID: "GI-4", Title: "clientPin tells whether a PIN is set", Run: gi4},
	{ID: "GI-5", Title: "a key of FIDO_2_1 or later with user verification has pinUvAuthToken", Run: gi5},
	{ID: "GI-6", Title: "maxMsgSize is at least 1,024 and a request of that size is taken", Takes: 2 * time.Second, Run: gi6},
	{ID: "GI-7", Title: "the limits of lists and credential IDs are kept", Takes: 2 * time.Second, Run: gi7},
	{ID: "GI-8", Title: "every algorithm listed works", Takes: 10 * time.Second, Run: gi8},
	{ID: "GI-9", Title: "transports are unique", Run: gi9},
	{ID: "GI-10", Title: "minPINLength is at least 4", Run: gi10},
	{ID: "GI-11", Title: "remainingDiscoverableCredentials counts down", Run: gi11},
	{ID: "GI-12", Title: "credProtect and hmac-secret work if, and only if, they are advertised", Run: gi12},
	{ID: "GI-13", Title: "the encrypted identifier is the same until a reset", Needs: NeedsPowerCycle, Run: withPersistentToken(gi13)},
	{ID: "GI-14", Title: "the state of the credential store changes with each passkey", Run: withPersistentToken(gi14)},
	{ID: "GI-15", Title: "there is no U2F_V2 while alwaysUv is on", Run: gi15},
	{ID: "GI-16", Title: "parameters of getInfo are ignored or refused", Run: gi16},
	{ID: "GI-17", Title: "maxSerializedLargeBlobArray is at least 1,024 if, and only if, there is largeBlobs", Run: gi17},
	{ID: "GI-18", Title: "a new key does not force a PIN change", Run: gi18},
	{ID: "GI-19", Title: "the firmware version is stable", Run: gi19},
	{ID: "GI-20", Title: "uvCountSinceLastPinEntry counts built-in user verifications, and a PIN sets it to zero", Needs: NeedsVerify, Run: gi20},
	{ID: "GI-21", Title: "attestation formats are unique and never \"none\"", Run: gi21},
	{ID: "GI-22", Title: "getInfo needs no touch", Needs: NeedsUser, Run: gi22},
}

func unique[T comparable](c *C, what string, list []T) {
	c.Helper()
	for i, v := range list {
		if slices.Contains(list[:i], v) {
			c.Errorf("%s has %v twice", what, v)
		}
	}
}

func gi1(c *C) {
	m := c.open()
	if len(m.info.Versions) == 0 {
		c.Error("there are no versions")
	}
	unique(c, "versions", m.info.Versions)
	known := []string{ctap2.VersionU2F, ctap2.VersionFIDO20, ctap2.VersionFIDO21Pre, ctap2.VersionFIDO21, ctap2.VersionFIDO23}
	for _, v := range m.info.Versions {
		switch {
		case v == "FIDO_2_2" && c.Key.Strict:
			c.Error("FIDO_2_2 was never defined")
		case !slices.Contains(known, v):
			c.Observe("version %q", v)
		}
	}
	if !slices.ContainsFunc(m.info.Versions, func(v string) bool { return slices.Contains(known[1:], v) }) {
		c.Errorf("no CTAP2 version in %q", m.info.Versions)
	}
}

func gi2(c *C) {
	m := c.open()
	var members map[int64]cbor.RawMessage
	if _, err := cbor.UnmarshalLenient(m.info.Raw, &members); err != nil {
		c.Fatal(err)
	}
	var aaguid []byte
	if _, err := cbor.UnmarshalLenient(members[3], &aaguid); err != nil || len(aaguid) != 16 {
		c.Errorf("the AAGUID is %x: %v", []byte(members[3]), err)
	}
}

// since21 reports whether the key is of CTAP 2.1 or later. One that lacks what is
// mandatory for FIDO_2_1 can't list it, but shows it by the options that came then.
func (m *messages) since21() bool {
	_, option := m.info.Options[ctap2.OptionMakeCredUvNotRqd]
	return option || m.option(ctap2.OptionPinUvAuthToken) ||
		slices.Contains(m.info.Versions, ctap2.VersionFIDO21) || slices.Contains(m.info.Versions, ctap2.VersionFIDO23)
}

// unknownSubCommand are the statuses for a subcommand that the key does not know.
func (m *messages) unknownSubCommand() []ctap2.Status {
	if m.since21() {
		return []ctap2.Status{ctap2.StatusInvalidSubcommand, ctap2.StatusInvalidParameter, ctap2.StatusUnsupportedOption}
	}
	return []ctap2.Status{ctap2.StatusInvalidParameter, ctap2.StatusInvalidSubcommand, ctap2.StatusUnsupportedOption}
}

func gi3(c *C) {
	m := c.open()
	unique(c, "pinUvAuthProtocols", m.info.PinUvAuthProtocols)
	_, pin := m.info.Options[ctap2.OptionClientPIN]
	if (pin || m.option(ctap2.OptionPinUvAuthToken)) && len(m.info.PinUvAuthProtocols) == 0 {
		if m.since21() {
			c.Error("pinUvAuthProtocols is missing")
		}
		c.Observe("pinUvAuthProtocols is missing")
	}
}

func gi4(c *C) {
	c.eachProtocol(func(m *messages, p pinuv.Protocol) {
		if m.option(ctap2.OptionClientPIN) {
			c.Error("clientPin is true on a key in factory state")
		}
		if m.option(ctap2.OptionPlat) {
			c.Error("plat is true on a key that can be taken away")
		}
		m.mustSetPIN(p, m.pin1())
		if !m.option(ctap2.OptionClientPIN) {
			c.Error("clientPin is not true after setPIN")
		}
	})
}

func gi5(c *C) {
	m := c.open()
	if !m.since21() {
		c.NotApplicable("the key is not FIDO_2_1 or later")
	}
	_, pin := m.info.Options[ctap2.OptionClientPIN]
	_, uv := m.info.Options[ctap2.OptionUV]
	if (pin || uv) && !m.option(ctap2.OptionPinUvAuthToken) {
		c.Error("pinUvAuthToken is not true")
	}
}

// proofSize is how much longer than its parameters a request can become by the
// proof that messages.proven adds.
const proofSize = 64

// ofSize returns a makeCredential of exactly n bytes, with the command byte.
func ofSize(c *C, m *messages, n int) []byte {
	c.Helper()
	p := m.proven(ctap2.CommandMakeCredential, c.mc())
	request := func(pad int) []byte {
		return mustCBOR(c, ctap2.CommandMakeCredential, p.with(0x55, bytes.Repeat([]byte{'x'}, pad)))
	}
	pad := n - len(request(0)) - 2
	for range 4 {
		b := request(max(pad, 0))
		if len(b) == n {
			return b
		}
		pad += n - len(b)
	}
	c.Fatalf("can't make a request of %d bytes", n)
	return nil
}

func gi6(c *C) {
	m := c.open()
	n := m.info.MaxMessage()
	if n < 1024 {
		c.Errorf("maxMsgSize is %d", n)
	}
	if s, _ := m.raw(ofSize(c, m, n)); s != ctap2.StatusSuccess {
		c.Errorf("a request of %d bytes: %s", n, s.Name())
	}
}

func gi7(c *C) {
	m := c.open()
	n := m.info.MaxCredentialCountInList
	if n == 0 {
		c.NotApplicable("the key states no maxCredentialCountInList")
	}
	k := m.make(c.mc())
	if l := m.info.MaxCredentialIDLength; l > 0 && uint(len(k.id)) > l {
		c.Errorf("a credential ID has %d bytes, maxCredentialIdLength is %d", len(k.id), l)
	}
	fill := func(count uint) params {
		var list []any
		for i := range count - 1 {
			list = append(list, descriptor([]byte(fmt.Sprintf("unknown credential %d", i))))
		}
		return c.ga().with(3, append(list, descriptor(k.id)))
	}
	m.get(fill(n), k)
	if b := mustCBOR(c, ctap2.CommandGetAssertion, fill(n+1)); len(b) <= m.info.MaxMessage()-proofSize {
		m.refused(ctap2.CommandGetAssertion, fill(n+1), ctap2.StatusLimitExceeded)
	} else {
		c.Observe("a list of %d does not fit a message of %d bytes", n+1, m.info.MaxMessage())
	}
	if l := m.info.MaxCredentialIDLength; l > 0 {
		long := c.ga().with(3, []any{descriptor(make([]byte, l+1))})
		m.refused(ctap2.CommandGetAssertion, long, ctap2.StatusNoCredentials, ctap2.StatusLimitExceeded, ctap2.StatusInvalidLength, ctap2.StatusInvalidParameter)
	} else if c.Key.Strict {
		c.Error("there is a maxCredentialCountInList and no maxCredentialIdLength")
	}
}

func gi8(c *C) {
	m := c.open()
	unique(c, "algorithms", m.info.Algorithms)
	if len(m.info.Algorithms) > 0 && !slices.ContainsFunc(m.info.Algorithms, func(p ctap2.PublicKeyCredentialParameters) bool { return p.Alg == cose.ES256 }) {
		c.Error("ES256 is not listed")
	}
	for _, a := range m.info.Algorithms {
		if !a.Alg.CanVerify() {
			c.Observe("%v can't be verified by this suite", a.Alg)
			continue
		}
		k := m.make(c.mc().with(4, []any{publicKey(a.Alg)}))
		if got := k.resp.AuthData.AttestedCredentialData.PublicKey.Alg; got != a.Alg {
			c.Errorf("asked for %v, got %v", a.Alg, got)
		}
		m.get(c.ga(k), k)
	}
}

func gi9(c *C) { unique(c, "transports", c.open().info.Transports) }

func gi10(c *C) {
	m := c.open()
	if n := m.info.MinPINLength; n > 0 && n < 4 {
		c.Errorf("minPINLength is %d", n)
	}
	if least, most := m.info.PINLengths(); least > most {
		c.Errorf("PINs have at least %d and at most %d code points", least, most)
	}
}

func gi11(c *C) {
	m := c.open()
	m.needRK()
	if m.info.RemainingDiscoverableCredentials == nil {
		c.NotApplicable("the key does not say how many passkeys it still takes")
	}
	before := *m.info.RemainingDiscoverableCredentials
	m.make(c.passkey(1))
	switch after := m.refresh().RemainingDiscoverableCredentials; {
	case after == nil:
		c.Error("the key does not say any more how many passkeys it still takes")
	case *after >= before && before > 0:
		c.Errorf("room for %d before and for %d after", before, *after)
	}
}

func gi12(c *C) {
	m := c.open()
	unique(c, "extensions", m.info.Extensions)
	k := m.make(c.mc().with(6, object{ctap2.ExtensionCredProtect: 1, ctap2.ExtensionHMACSecret: true}))
	for id, want := range map[string]byte{ctap2.ExtensionCredProtect: 0x01, ctap2.ExtensionHMACSecret: 0xf5} {
		got := k.resp.AuthData.Extensions[id]
		switch works := bytes.Equal(got, []byte{want}); {
		case works != m.extension(id):
			c.Errorf("%s is advertised: %v; its output is %x", id, m.extension(id), []byte(got))
		case !works && got != nil:
			c.Errorf("the output of %s is %x", id, []byte(got))
		}
	}
	if !m.extension(ctap2.ExtensionHMACSecret) {
		return
	}
	h := m.salts(m.first(), 1)
	h.outputs(m.get(c.ga(k).with(4, h.input), k))
	h = m.salts(m.first(), 2)
	h.outputs(m.get(c.ga(k).with(4, h.input), k))
	bad := h.input[ctap2.ExtensionHMACSecret].(params)
	mac := bytes.Clone(bad[3].([]byte))
	mac[0] ^= 1
	m.refused(ctap2.CommandGetAssertion, c.ga(k).with(4, object{ctap2.ExtensionHMACSecret: bad.with(3, mac)}), ctap2.StatusPINAuthInvalid)
}

func gi15(c *C) {
	m := c.open()
	u2f := func() bool { return slices.Contains(m.info.Versions, ctap2.VersionU2F) }
	if m.option(ctap2.OptionAlwaysUv) {
		if u2f() {
			c.Error("U2F_V2 is there with alwaysUv")
		}
		m.needAlwaysUV()
		m.needAlwaysUVOff()
	}
	if !u2f() {
		c.NotApplicable("the key has no U2F_V2")
	}
	m.needAlwaysUV()
	m.set(ctap2.ToggleAlwaysUv, nil)
	if u2f() {
		c.Error("U2F_V2 is still there with alwaysUv")
	}
	if m.alwaysUVOff() && !u2f() {
		c.Error("U2F_V2 does not come back without alwaysUv")
	}
}

func gi16(c *C) {
	m := c.open()
	s, _ := m.call(ctap2.CommandGetInfo, params{1: "x"})
	m.either(s, ctap2.StatusSuccess, ctap2.StatusInvalidLength, ctap2.StatusInvalidParameter)
}

func gi18(c *C) {
	if c.open().info.ForcePINChange {
		c.Error("forcePINChange is true on a key in factory state")
	}
}

func gi19(c *C) {
	m := c.open()
	v := m.info.FirmwareVersion
	if v == nil {
		c.NotApplicable("the key states no firmware version")
	}
	if w := m.refresh().FirmwareVersion; w == nil || *w != *v {
		c.Error("the firmware version changes")
	}
}

func gi20(c *C) {
	m := c.open()
	if m.info.UvCountSinceLastPinEntry == nil {
		c.NotApplicable("the key does not count user verifications")
	}
	m.needVerification()
	p := m.first()
	count := func(what string, want uint) {
		c.Helper()
		if n := m.refresh().UvCountSinceLastPinEntry; n == nil || *n != want {
			c.Errorf("after %s the count is %v instead of %d", what, n, want)
		}
	}
	_, pin := m.info.Options[ctap2.OptionClientPIN]
	if pin {
		if !m.option(ctap2.OptionClientPIN) {
			m.mustSetPIN(p, m.pin1())
		}
		m.takesPIN(p, m.pin1())
		count("the PIN", 0)
	}
	before := *m.info.UvCountSinceLastPinEntry
	c.Key.Verify(true)
	m.needToken(m.tokenByUV(p, ctap2.PermissionGA, rpID))
	count("a verification", before+1)
	c.Key.Verify(false)
	if s, _ := m.tokenByUV(p, ctap2.PermissionGA, rpID); s == ctap2.StatusSuccess {
		c.Fatal("the user is verified all the same")
	}
	m.refresh()
	if n := m.info.UvCountSinceLastPinEntry; n == nil || *n <= before+1 { // a key may try several times
		c.Errorf("after a failed verification the count is %v instead of %d", n, before+2)
	}
	if pin {
		m.takesPIN(p, m.pin1())
		count("the PIN again", 0)
	}
}

func gi21(c *C) {
	m := c.open()
	unique(c, "attestationFormats", m.info.AttestationFormats)
	if slices.Contains(m.info.AttestationFormats, "none") {
		c.Error(`"none" is listed`)
	}
}

func gi22(c *C) {
	c.user(Behaviour{Action: Ignore})
	m := c.open()
	m.refresh()
	if m.prompted {
		c.Error("getInfo asks for a touch")
	}
}
