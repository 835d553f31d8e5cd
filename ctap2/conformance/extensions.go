package conformance

import (
	"bytes"
	"fmt"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Section 20: extensions. The list gives its cases no numbers; here they have
// them in the order of its sentences, and a sentence of several parts has
// several.
var extensionCases = []Case{
	{ID: "EX-1", Title: "credProtect 1, 2, 3, with and without an allow list, with and without user verification", Run: ex1},
	{ID: "EX-2", Title: "credProtect: an unknown level is refused or ignored", Run: ex2},
	{ID: "EX-3", Title: "credProtect: the level is echoed, and the key's own is told unasked if it is not the lowest", Run: ex3},
	{ID: "EX-4", Title: "credProtect: an exclude list finds what an allow list finds", Run: ex4},
	{ID: "EX-5", Title: "hmac-secret: one and two salts have outputs, the same each time, by each protocol", Run: ex5},
	{ID: "EX-6", Title: "hmac-secret: salts of another length, a bad saltAuth and missing members are refused", Run: ex6},
	{ID: "EX-7", Title: "hmac-secret: refused when the option up is false", Run: ex7},
	{ID: "EX-8", Title: "hmac-secret: outputs differ with and without user verification", Run: ex8},
	{ID: "EX-9", Title: "hmac-secret: outputs survive a power cycle", Needs: NeedsPowerCycle, Run: ex9},
	{ID: "EX-10", Title: "hmac-secret: each getNextAssertion has outputs of its own", Run: ex10},
	{ID: "EX-11", Title: "hmac-secret-mc: outputs at creation are those of hmac-secret later", Run: ex11},
	{ID: "EX-12", Title: "hmac-secret-mc: needs hmac-secret true", Run: ex12},
	{ID: "EX-13", Title: "hmac-secret-mc: salts of another length, a bad saltAuth and missing members are refused", Run: ex13},
	{ID: "EX-14", Title: "credBlob: up to the maximum is stored and returned, more is not, none is empty", Run: ex14},
	{ID: "EX-15", Title: "credBlob: a credential that is no passkey has what the key says that it stored", Run: ex15},
	{ID: "EX-16", Title: "largeBlobKey: 32 bytes, the same at creation and in each assertion", Run: ex16},
	{ID: "EX-17", Title: "largeBlobKey: refused if false, or without rk", Run: ex17},
	{ID: "EX-18", Title: "minPinLength: told to listed relying parties only", Run: ex18},
	{ID: "EX-19", Title: "pinComplexityPolicy: told to listed relying parties only", Run: ex19},
	{ID: "EX-20", Title: "thirdPartyPayment: kept at creation, told in an assertion", Run: ex20},
	{ID: "EX-21", Title: "uvm (legacy): one to three triples", Run: ex21},
	{ID: "EX-22", Title: "an unknown extension is ignored", Run: ex22},
	{ID: "EX-23", Title: "the flag ED is set if, and only if, there are outputs", Run: ex23},
	{ID: "EX-24", Title: "a map of extensions, or an input, of the wrong type is refused", Run: ex24},
}

// needExtension ends the case if the key lacks the extension.
func (m *messages) needExtension(id string) {
	m.c.Helper()
	if !m.extension(id) {
		m.c.NotApplicable("the key has no %s", id)
	}
}

// needUnverified ends the case if the key verifies its user every time.
func (m *messages) needUnverified() {
	m.c.Helper()
	if m.option(ctap2.OptionAlwaysUv) {
		m.c.NotApplicable("the key verifies its user every time")
	}
}

// verifies reports whether the key can verify its user, if only after a PIN was
// set.
func (m *messages) verifies() bool {
	_, pin := m.info.Options[ctap2.OptionClientPIN]
	return pin || m.c.uv
}

// verified adds user verification for rp to a makeCredential or getAssertion. It
// sets the PIN that this may need.
func (m *messages) verified(cmd ctap2.Command, p params, rp string) params {
	m.c.Helper()
	options, authorize := 7, authorizeMC
	if cmd == ctap2.CommandGetAssertion {
		options, authorize = 5, authorizeGA
	}
	if m.c.uv {
		o := object{"uv": true}
		if old, ok := p[options].(object); ok {
			for name, value := range old {
				o[name] = value
			}
		}
		return p.with(options, o)
	}
	if !m.option(ctap2.OptionClientPIN) {
		m.mustSetPIN(m.first(), m.pin1())
	}
	return authorize(p, m.use(m.first(), ctap2.PermissionMC|ctap2.PermissionGA, rp))
}

// protectedAt is a credential that has a level of credProtect, at a relying party
// of its own.
type protectedAt struct {
	*credential
	level uint
	rk    bool
	rp    string
}

// protectedCredentials makes a credential of each level, and a passkey if the
// key makes them.
func (m *messages) protectedCredentials() (all []protectedAt) {
	m.c.Helper()
	for level := uint(1); level <= 3; level++ {
		for _, rk := range []bool{false, true} {
			if rk && !m.option(ctap2.OptionRK) {
				continue
			}
			k := protectedAt{level: level, rk: rk, rp: fmt.Sprintf("level%d-%v.%s", level, rk, rpID)}
			p := m.c.mc()
			if rk {
				p = m.c.passkey(1)
			}
			k.credential = m.make(p.with(2, object{"id": k.rp}).with(6, object{ctap2.ExtensionCredProtect: level}))
			all = append(all, k)
		}
	}
	return all
}

func (k protectedAt) String() string { return fmt.Sprintf("level %d, rk %v", k.level, k.rk) }

func ex1(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionCredProtect)
	all := m.protectedCredentials()
	check := func(verified bool) {
		for _, k := range all {
			for _, listed := range []bool{false, true} {
				p := c.ga().with(1, k.rp)
				if listed {
					p = c.ga(k.credential).with(1, k.rp)
				}
				if verified {
					p = m.verified(ctap2.CommandGetAssertion, p, k.rp)
				}
				want := ctap2.StatusNoCredentials
				if (k.rk || listed) && (verified || k.level == 1 || k.level == 2 && listed) {
					want = ctap2.StatusSuccess
				}
				if s, _ := m.call(ctap2.CommandGetAssertion, p); s != want {
					c.Errorf("%v, verified %v, on a list %v: %s instead of %s", k, verified, listed, s.Name(), want.Name())
				}
			}
		}
	}
	if !m.option(ctap2.OptionAlwaysUv) {
		check(false)
	}
	if m.verifies() {
		check(true)
	}
}

func ex2(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionCredProtect)
	for _, level := range []int{0, 4, 255} {
		m.refused(ctap2.CommandMakeCredential, c.mc().with(6, object{ctap2.ExtensionCredProtect: level}),
			ctap2.StatusInvalidParameter, ctap2.StatusCBORUnexpectedType, ctap2.StatusInvalidOption, ctap2.StatusSuccess)
	}
}

func ex3(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionCredProtect)
	for level := ctap2.CredProtect(1); level <= 3; level++ {
		k := m.make(c.mc().with(6, object{ctap2.ExtensionCredProtect: level}))
		switch got, err := k.resp.AuthData.Extensions.CredProtect(); {
		case err != nil || got < level || got > 3 || got != level && c.Key.Strict:
			c.Errorf("level %d is answered with %d, %v", level, got, err)
		case got != level:
			c.Observe("level %d is answered with %d", level, got)
		}
	}
	own, err := m.make(c.mc()).resp.AuthData.Extensions.CredProtect()
	if err != nil || own == ctap2.CredProtectUVOptional && c.Key.Strict || own > 3 {
		c.Errorf("unasked the key tells %d, %v", own, err)
	}
	if own != 0 {
		c.Observe("the key's own level is %d", own)
	}
}

func ex4(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionCredProtect)
	all := m.protectedCredentials()
	again := func(k protectedAt) params {
		return c.mc().with(2, object{"id": k.rp}).with(3, object{"id": []byte("another"), "name": "another"}).with(5, []any{descriptor(k.id)})
	}
	free := !m.option(ctap2.OptionAlwaysUv) && (!c.uv || m.option(ctap2.OptionMakeCredUvNotRqd))
	for _, k := range all {
		want := ctap2.StatusCredentialExcluded
		if k.level == 3 {
			want = ctap2.StatusSuccess
		}
		if !free {
			continue
		}
		if s, _ := m.call(ctap2.CommandMakeCredential, again(k)); s != want {
			c.Errorf("%v, not verified: %s instead of %s", k, s.Name(), want.Name())
		}
	}
	for _, k := range all {
		if !m.verifies() {
			break
		}
		if s, _ := m.call(ctap2.CommandMakeCredential, m.verified(ctap2.CommandMakeCredential, again(k), k.rp)); s != ctap2.StatusCredentialExcluded {
			c.Errorf("%v, verified: %s instead of %s", k, s.Name(), ctap2.StatusCredentialExcluded.Name())
		}
	}
}

// secretCredential makes a credential that hmac-secret works with.
func (m *messages) secretCredential() *credential {
	m.c.Helper()
	m.needExtension(ctap2.ExtensionHMACSecret)
	k := m.make(m.c.mc().with(6, object{ctap2.ExtensionHMACSecret: true}))
	if on, err := k.resp.AuthData.Extensions.HMACSecretEnabled(); !on {
		m.c.Errorf("hmac-secret is not answered with true: %v", err)
	}
	return k
}

func ex5(c *C) {
	m := c.open()
	k := m.secretCredential()
	var first []byte
	for _, p := range m.protocols() {
		for _, n := range []int{1, 2, 1} {
			h := m.salts(p, n)
			got := h.outputs(m.get(c.ga(k).with(4, h.input), k))
			if first == nil {
				first = got
			}
			if !bytes.Equal(got[:32], first) {
				c.Errorf("%v, %d salts: the same salt has another output", p, n)
			}
		}
		if p == pinuv.One { // which a platform need not name
			h := m.salts(p, 1)
			h.input[ctap2.ExtensionHMACSecret] = h.params.with(4, nil)
			if !bytes.Equal(h.outputs(m.get(c.ga(k).with(4, h.input), k)), first) {
				c.Error("without a protocol the same salt has another output")
			}
		}
	}
}

func ex6(c *C) {
	m := c.open()
	k := m.secretCredential()
	for _, p := range m.protocols() {
		for _, test := range badSalts {
			bad := test.bad(m, p, m.salts(p, 1).params)
			if m.refused(ctap2.CommandGetAssertion, c.ga(k).with(4, object{ctap2.ExtensionHMACSecret: bad}), test.accept...); c.Failed() {
				c.Fatalf("%v, %s", p, test.what)
			}
		}
	}
}

func ex7(c *C) {
	m := c.open()
	k := m.secretCredential()
	h := m.salts(m.first(), 1)
	m.refused(ctap2.CommandGetAssertion, c.ga(k).with(4, h.input).with(5, object{"up": false}),
		ctap2.StatusUnsupportedOption, ctap2.StatusInvalidOption)
}

func ex8(c *C) {
	m := c.open()
	m.needUnverified()
	if !m.verifies() {
		c.NotApplicable("the key can't verify its user")
	}
	k := m.secretCredential()
	h := m.salts(m.first(), 1)
	plain := m.get(c.ga(k).with(4, h.input), k)
	m.flags(plain.AuthData, ctap2.FlagUP)
	unverified := h.outputs(plain)
	r := m.verified(ctap2.CommandGetAssertion, c.ga(k), rpID)
	h = m.salts(m.first(), 1)
	known := m.get(r.with(4, h.input), k)
	m.flags(known.AuthData, ctap2.FlagUP|ctap2.FlagUV)
	if bytes.Equal(h.outputs(known), unverified) {
		c.Error("the outputs are the same with user verification and without")
	}
}

func ex9(c *C) {
	m := c.open()
	k := m.secretCredential()
	get := func() []byte {
		c.Helper()
		h := m.salts(m.first(), 1)
		return h.outputs(m.get(c.ga(k).with(4, h.input), k))
	}
	before := get()
	if m = m.powerCycle(); !bytes.Equal(get(), before) {
		c.Error("after a power cycle the same salt has another output")
	}
}

func ex10(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionHMACSecret)
	m.passkeys(3)
	h := m.salts(m.first(), 2)
	seen := map[string]bool{}
	r := m.several(c.ga().with(4, h.input), nil)
	for i := range 3 {
		if i > 0 {
			r = m.assertion(m.ok(ctap2.CommandGetNextAssertion, nil), nil)
		}
		seen[string(h.outputs(r))] = true
	}
	if len(seen) != 3 {
		c.Errorf("three passkeys have %d different outputs", len(seen))
	}
}

func ex11(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionHMACSecretMC)
	kinds := []params{c.mc()}
	if m.option(ctap2.OptionRK) {
		kinds = append(kinds, c.passkey(1))
	}
	for _, p := range m.protocols() {
		for i, kind := range kinds {
			h := m.salts(p, 1+i)
			k := m.make(kind.with(6, h.creation()))
			if on, err := k.resp.AuthData.Extensions.HMACSecretEnabled(); !on {
				c.Errorf("hmac-secret is not answered with true: %v", err)
			}
			made := h.decrypt(k.resp.AuthData.Extensions, ctap2.ExtensionHMACSecretMC)
			get := c.ga(k)
			if k.resp.AuthData.Flags&ctap2.FlagUV != 0 {
				get = m.verified(ctap2.CommandGetAssertion, get, rpID)
			}
			h = m.salts(p, 1+i)
			if got := h.outputs(m.get(get.with(4, h.input), k)); !bytes.Equal(got, made) {
				c.Errorf("%v, %d salts: the outputs at creation are not those of an assertion", p, h.n)
			}
		}
	}
}

func ex12(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionHMACSecretMC)
	h := m.salts(m.first(), 1)
	m.refused(ctap2.CommandMakeCredential, c.mc().with(6, object{ctap2.ExtensionHMACSecretMC: h.params}), ctap2.StatusMissingParameter)
	m.refused(ctap2.CommandMakeCredential, c.mc().with(6, object{ctap2.ExtensionHMACSecret: false, ctap2.ExtensionHMACSecretMC: h.params}),
		ctap2.StatusMissingParameter)
}

func ex13(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionHMACSecretMC)
	for _, p := range m.protocols() {
		for _, test := range badSalts {
			bad := test.bad(m, p, m.salts(p, 1).params)
			extensions := object{ctap2.ExtensionHMACSecret: true, ctap2.ExtensionHMACSecretMC: bad}
			if m.refused(ctap2.CommandMakeCredential, c.mc().with(6, extensions), test.accept...); c.Failed() {
				c.Fatalf("%v, %s", p, test.what)
			}
		}
	}
}

// stored makes a credential with a credBlob and reports whether the key says that
// it stored it.
func (m *messages) stored(p params, blob []byte) (*credential, bool) {
	m.c.Helper()
	k := m.make(p.with(6, object{ctap2.ExtensionCredBlob: blob}))
	var stored bool
	if ok, err := k.resp.AuthData.Extensions.Get(ctap2.ExtensionCredBlob, &stored); !ok || err != nil {
		m.c.Fatalf("credBlob is not answered: %v", err)
	}
	return k, stored
}

// holds demands that the credential has this credBlob.
func (m *messages) holds(k *credential, blob []byte) {
	m.c.Helper()
	r := m.get(m.c.ga(k).with(4, object{ctap2.ExtensionCredBlob: true}), k)
	if got, err := r.AuthData.Extensions.CredBlob(); err != nil || got == nil || !bytes.Equal(got, blob) {
		m.c.Errorf("the credBlob is %x instead of %x, %v", got, blob, err)
	}
}

func ex14(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionCredBlob)
	m.needRK()
	most := int(m.info.MaxCredBlobLength)
	if most < 32 {
		c.Fatalf("maxCredBlobLength is %d", most)
	}
	for _, test := range []struct {
		n      int
		stored bool
	}{{most, true}, {1, true}, {most + 1, false}} {
		blob := bytes.Repeat([]byte{0xb1}, test.n)
		k, stored := m.stored(c.passkey(1), blob)
		if stored != test.stored {
			c.Errorf("%d bytes, at most %d: the key says %v", test.n, most, stored)
		}
		if !stored {
			blob = nil
		}
		m.holds(k, blob)
	}
	k, stored := m.stored(c.passkey(1), []byte{})
	c.Observe("no bytes: the key says %v", stored)
	m.holds(k, nil)
	m.holds(m.make(c.passkey(1)), nil)
}

func ex15(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionCredBlob)
	blob := []byte("blob")
	k, stored := m.stored(c.mc(), blob)
	c.Observe("not a passkey: the key says %v", stored)
	if !stored {
		blob = nil
	}
	m.holds(k, blob)
}

func ex16(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionLargeBlobKey)
	m.needRK()
	asks := object{ctap2.ExtensionLargeBlobKey: true}
	k := m.make(c.passkey(1).with(6, asks))
	if n := len(k.resp.LargeBlobKey); n != ctap2.LargeBlobKeySize {
		c.Errorf("the largeBlobKey has %d bytes", n)
	}
	for range 2 {
		if r := m.get(c.ga(k).with(4, asks), k); !bytes.Equal(r.LargeBlobKey, k.resp.LargeBlobKey) {
			c.Error("an assertion has another largeBlobKey")
		}
	}
	if r := m.get(c.ga(k), k); r.LargeBlobKey != nil {
		c.Error("an assertion has a largeBlobKey that was not asked for")
	}
	other := m.make(c.passkey(2).with(6, asks))
	if bytes.Equal(other.resp.LargeBlobKey, k.resp.LargeBlobKey) {
		c.Error("two credentials have the same largeBlobKey")
	}
	without := m.make(c.passkey(3))
	if r := m.get(c.ga(without).with(4, asks), without); r.LargeBlobKey != nil || without.resp.LargeBlobKey != nil {
		c.Error("a credential that was made without has a largeBlobKey")
	}
}

func ex17(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionLargeBlobKey)
	m.needRK()
	m.refused(ctap2.CommandMakeCredential, c.passkey(1).with(6, object{ctap2.ExtensionLargeBlobKey: false}), ctap2.StatusInvalidOption)
	m.refused(ctap2.CommandMakeCredential, c.mc().with(6, object{ctap2.ExtensionLargeBlobKey: true}), ctap2.StatusInvalidOption)
	m.refused(ctap2.CommandMakeCredential, c.mc().with(7, object{"rk": false}).with(6, object{ctap2.ExtensionLargeBlobKey: true}), ctap2.StatusInvalidOption)
	k := m.make(c.passkey(1).with(6, object{ctap2.ExtensionLargeBlobKey: true}))
	m.refused(ctap2.CommandGetAssertion, c.ga(k).with(4, object{ctap2.ExtensionLargeBlobKey: false}), ctap2.StatusInvalidOption)
}

// tells checks an extension that answers listed relying parties only; right says
// whether an output is.
func (m *messages) tells(id string, right func(output cbor.RawMessage) bool) {
	m.c.Helper()
	m.needExtension(id)
	m.needOption(ctap2.OptionSetMinPINLength)
	const other = "other." + rpID
	told := func(rp string, input any) cbor.RawMessage {
		m.c.Helper()
		return m.make(m.c.mc().with(2, object{"id": rp}).with(6, object{id: input})).resp.AuthData.Extensions[id]
	}
	if got := told(rpID, true); got != nil {
		m.c.Errorf("%s is told to anybody: %x", id, []byte(got))
	}
	if n := m.info.MaxRPIDsForSetMinPINLength; n == nil || *n == 0 {
		m.c.NotApplicable("no relying party can be told")
	}
	m.set(ctap2.SetMinPINLength, params{2: []string{rpID}})
	if got := told(rpID, true); !right(got) {
		m.c.Errorf("a listed relying party is told %x", []byte(got))
	}
	if got := told(rpID, false); got != nil {
		m.c.Errorf("a listed relying party that does not ask is told %x", []byte(got))
	}
	if got := told(other, true); got != nil {
		m.c.Errorf("another relying party is told %x", []byte(got))
	}
}

func ex18(c *C) {
	m := c.open()
	m.tells(ctap2.ExtensionMinPINLength, func(output cbor.RawMessage) bool {
		got, err := ctap2.Extensions{ctap2.ExtensionMinPINLength: output}.MinPINLength()
		least, _ := m.info.PINLengths()
		return output != nil && err == nil && got == least
	})
}

func ex19(c *C) {
	m := c.open()
	m.tells(ctap2.ExtensionPINComplexityPolicy, func(output cbor.RawMessage) bool {
		var enforced bool
		ok, err := ctap2.Extensions{ctap2.ExtensionPINComplexityPolicy: output}.Get(ctap2.ExtensionPINComplexityPolicy, &enforced)
		policy := m.info.PinComplexityPolicy
		return output != nil && ok && err == nil && policy != nil && *policy == enforced
	})
}

func ex20(c *C) {
	m := c.open()
	m.needExtension(ctap2.ExtensionThirdPartyPayment)
	asks := object{ctap2.ExtensionThirdPartyPayment: true}
	for _, test := range []struct {
		what       string
		extensions any
		want       bool
	}{{"true", asks, true}, {"false", object{ctap2.ExtensionThirdPartyPayment: false}, false}, {"nothing", nil, false}} {
		kinds := []params{c.mc()}
		if m.option(ctap2.OptionRK) {
			kinds = append(kinds, c.passkey(1))
		}
		for _, kind := range kinds {
			k := m.make(kind.with(6, test.extensions))
			if output := k.resp.AuthData.Extensions[ctap2.ExtensionThirdPartyPayment]; output != nil {
				c.Errorf("made with %s: the output is %x", test.what, []byte(output))
			}
			var got bool
			r := m.get(c.ga(k).with(4, asks), k)
			if ok, err := r.AuthData.Extensions.Get(ctap2.ExtensionThirdPartyPayment, &got); !ok || err != nil || got != test.want {
				c.Errorf("made with %s: an assertion tells %v (%v), %v", test.what, got, ok, err)
			}
			if r := m.get(c.ga(k), k); r.AuthData.Extensions[ctap2.ExtensionThirdPartyPayment] != nil {
				c.Errorf("made with %s: an assertion tells unasked", test.what)
			}
		}
	}
}

func ex21(c *C) {
	const uvm = "uvm" // of WebAuthn L1 and L2
	m := c.open()
	m.needExtension(uvm)
	k := m.make(c.mc().with(6, object{uvm: true}))
	r := m.get(c.ga(k).with(4, object{uvm: true}), k)
	for _, data := range []ctap2.AuthenticatorData{k.resp.AuthData, r.AuthData} {
		var factors [][]uint
		if ok, err := data.Extensions.Get(uvm, &factors); !ok || err != nil || len(factors) < 1 || len(factors) > 3 {
			c.Errorf("uvm is %v, %v", factors, err)
		}
		for _, f := range factors {
			if len(f) != 3 {
				c.Errorf("a factor of uvm is %v", f)
			}
		}
	}
}

func ex22(c *C) {
	m := c.open()
	unknown := object{"example.com/unknown": object{"a": []int{1}}, "unknown": true}
	k := m.make(c.mc().with(6, unknown))
	r := m.get(c.ga(k).with(4, unknown), k)
	for id := range unknown {
		if k.resp.AuthData.Extensions[id] != nil || r.AuthData.Extensions[id] != nil {
			c.Errorf("the key answers %s", id)
		}
	}
}

func ex23(c *C) {
	m := c.open()
	inputs := []object{nil, {}, {"unknown": true}, {ctap2.ExtensionCredProtect: 1}, {ctap2.ExtensionHMACSecret: true},
		{ctap2.ExtensionCredProtect: 2, ctap2.ExtensionHMACSecret: true}}
	check := func(what string, in object, data ctap2.AuthenticatorData) {
		c.Helper()
		if ed := data.Flags&ctap2.FlagED != 0; ed != (len(data.Extensions) > 0) {
			c.Errorf("%s with %v: ED is %v and the outputs are %v", what, in, ed, data.Extensions)
		}
	}
	var k *credential
	for _, in := range inputs {
		p := c.mc()
		if in != nil {
			p = p.with(6, in)
		}
		k = m.make(p)
		check("makeCredential", in, k.resp.AuthData)
	}
	inputs = []object{nil, {}, {"unknown": true}, {ctap2.ExtensionCredProtect: 1}}
	if m.extension(ctap2.ExtensionHMACSecret) {
		inputs = append(inputs, m.salts(m.first(), 1).input)
	}
	if m.extension(ctap2.ExtensionCredBlob) {
		inputs = append(inputs, object{ctap2.ExtensionCredBlob: true})
	}
	for _, in := range inputs {
		p := c.ga()
		if in != nil {
			p = p.with(4, in)
		}
		check("getAssertion", in, m.get(p.with(3, []any{descriptor(k.id)}), nil).AuthData)
	}
}

func ex24(c *C) {
	m := c.open()
	k := m.make(c.mc())
	for _, bad := range []any{"x", 1, []any{}, true, []byte{0xa0}} {
		m.refused(ctap2.CommandMakeCredential, c.mc().with(6, bad), wrongType...)
		m.refused(ctap2.CommandGetAssertion, c.ga(k).with(4, bad), wrongType...)
	}
	for _, test := range []struct {
		id      string
		create  any // nil: nothing is wrong
		get     any
		passkey bool
	}{
		{ctap2.ExtensionCredProtect, "2", nil, false},
		{ctap2.ExtensionHMACSecret, 1, true, false},
		{ctap2.ExtensionCredBlob, true, 1, false},
		{ctap2.ExtensionLargeBlobKey, 1, 1, true},
		{ctap2.ExtensionLargeBlob, true, true, false},
		{ctap2.ExtensionMinPINLength, 1, nil, false},
		{ctap2.ExtensionPINComplexityPolicy, 1, nil, false},
		{ctap2.ExtensionThirdPartyPayment, 1, 1, false},
	} {
		if !m.extension(test.id) || test.passkey && !m.option(ctap2.OptionRK) {
			continue
		}
		p := c.mc()
		if test.passkey {
			p = c.passkey(1)
		}
		accept := append([]ctap2.Status(nil), wrongType...)
		if test.create != nil {
			m.refused(ctap2.CommandMakeCredential, p.with(6, object{test.id: test.create}), append(accept, ctap2.StatusInvalidParameter, ctap2.StatusInvalidOption)...)
		}
		if test.get != nil {
			m.refused(ctap2.CommandGetAssertion, c.ga(k).with(4, object{test.id: test.get}), append(accept, ctap2.StatusInvalidParameter, ctap2.StatusInvalidOption)...)
		}
		if c.Failed() {
			c.Fatalf("an input of the wrong type for %s", test.id)
		}
	}
	if m.extension(ctap2.ExtensionHMACSecretMC) {
		m.refused(ctap2.CommandMakeCredential, c.mc().with(6, object{ctap2.ExtensionHMACSecret: true, ctap2.ExtensionHMACSecretMC: true}), wrongType...)
	}
}
