package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctap2/pinuv"
)

// Section 10: CBOR. CBR-8 is about hosts and is tested in package ctap2.
var cborCases = []Case{
	{ID: "CBR-1", Title: "requests that are not canonical CBOR are refused", Run: cbr1},
	{ID: "CBR-2", Title: "replies are canonical CBOR", Run: cbr2},
	{ID: "CBR-3", Title: "unknown parameters are ignored", Run: cbr3},
	{ID: "CBR-4", Title: "a parameter of the wrong type is refused, at every level", Takes: 5 * time.Second, Run: cbr4},
	{ID: "CBR-5", Title: "a required parameter that is missing is refused", Run: cbr5},
	{ID: "CBR-6", Title: "optional parameters may be missing", Run: cbr6},
	{ID: "CBR-7", Title: "an unknown command is refused", Run: cbr7},
}

func cbr1(c *C) {
	m := c.open()
	// Each is a getAssertion whose parameters are wrong in one way.
	hash := "5820" + fmt.Sprintf("%x", c.hash())
	for _, bad := range []struct{ what, hex string }{
		{"trailing bytes", "a2016161" + "02" + hash + "00"},
		{"a truncated map", "a3016161" + "02" + hash},
		{"an indefinite length", "bf016161" + "02" + hash + "ff"},
		{"a non-minimal integer", "a218016161" + "02" + hash},
		{"a non-minimal length", "a201780161" + "02" + hash},
		{"unsorted keys", "a202" + hash + "016161"},
		{"a duplicate key", "a3016161016161" + "02" + hash},
		{"a tag", "a201c06161" + "02" + hash},
		{"invalid UTF-8", "a20161ff" + "02" + hash},
		{"too deep nesting", "a3016161" + "02" + hash + "04a16178818181818100"},
		{"a float", "a201f97e00" + "02" + hash},
	} {
		s, _ := m.raw(append([]byte{byte(ctap2.CommandGetAssertion)}, unhex(bad.hex)...))
		switch s {
		case ctap2.StatusInvalidCBOR:
		case ctap2.StatusCBORUnexpectedType:
			c.Observe("%s: %s", bad.what, s.Name())
		default:
			if c.Key.Strict {
				c.Errorf("%s is answered with %s", bad.what, s.Name())
			}
			c.Observe("%s is answered with %s", bad.what, s.Name())
		}
	}
	m.refresh()
}

func unhex(s string) []byte {
	var b []byte
	for i := 0; i+1 < len(s); i += 2 {
		var v byte
		fmt.Sscanf(s[i:i+2], "%02x", &v)
		b = append(b, v)
	}
	return b
}

func cbr2(c *C) {
	m := c.open() // every reply is checked where it is received
	k := m.make(c.mc())
	m.get(c.ga(k), k)
	if _, ok := m.info.Options[ctap2.OptionClientPIN]; ok {
		m.pinKey(m.first())
		m.retries()
	}
	if c.deviations > 0 {
		c.Errorf("the replies deviate from canonical CBOR in %d places", c.deviations)
	}
}

func cbr3(c *C) {
	m := c.open()
	k := m.make(c.mc().with(0x55, "unknown").with(-1, []any{1}))
	m.get(c.ga(k).with(0x55, object{"a": 1}), k)
	m.raw(mustCBOR(c, ctap2.CommandGetInfo, params{1: 1})) // what comes of it is GI-16
}

func mustCBOR(c *C, cmd ctap2.Command, p params) []byte {
	c.Helper()
	b, err := cbor.Append([]byte{byte(cmd)}, p)
	if err != nil {
		c.Fatal(err)
	}
	return b
}

// samples has a value of each CBOR major type that CTAP uses.
var samples = []struct {
	kind  string
	value any
}{
	{"uint", uint64(7)}, {"nint", -7}, {"bytes", []byte{1}}, {"text", "x"}, {"array", []any{}}, {"map", object{}}, {"bool", true},
}

func kindOf(v any) string {
	switch v := v.(type) {
	case []byte:
		return "bytes"
	case string:
		return "text"
	case bool:
		return "bool"
	case []any:
		return "array"
	case object, params, *cose.Key:
		return "map"
	case cose.Algorithm:
		if v < 0 {
			return "nint"
		}
	case pinuv.Protocol, ctap2.ClientPINSubCommand:
		return "uint"
	case int:
		if v < 0 {
			return "nint"
		}
	}
	return "uint"
}

// mutate calls f with a copy of v for each place in it where a value of another
// type can stand, and a description of the place.
func mutate(path string, v any, f func(place string, v any)) {
	for _, s := range samples {
		k := kindOf(v)
		if s.kind == k || k == "nint" && s.kind == "uint" || k == "uint" && s.kind == "nint" {
			continue // an integer of the other sign is a value, not a type
		}
		f(path+" as "+s.kind, s.value)
	}
	switch v := v.(type) {
	case object:
		for name, member := range v {
			mutate(path+"."+name, member, func(place string, w any) {
				o := object{}
				for k, x := range v {
					o[k] = x
				}
				o[name] = w
				f(place, o)
			})
		}
	case params:
		for label, member := range v {
			mutate(fmt.Sprintf("%s.%d", path, label), member, func(place string, w any) {
				f(place, v.with(label, w))
			})
		}
	case []any:
		for i, element := range v {
			mutate(fmt.Sprintf("%s[%d]", path, i), element, func(place string, w any) {
				a := append([]any{}, v...)
				a[i] = w
				f(place, a)
			})
		}
	}
}

func cbr4(c *C) {
	m := c.open()
	k := m.make(c.mc())
	unknown := []any{object{"id": []byte("an unknown credential"), "type": "public-key"}}
	creation, assertion := object{"rk": false}, object{"up": true}
	if c.uv {
		creation["uv"], assertion["uv"] = true, true
	}
	extensions := object{}
	if m.extension(ctap2.ExtensionCredProtect) {
		extensions[ctap2.ExtensionCredProtect] = 1
	}
	if m.extension(ctap2.ExtensionHMACSecret) {
		extensions[ctap2.ExtensionHMACSecret] = true
	}
	mc, ga := c.mc(), c.ga(k)
	const success, refused = ctap2.StatusSuccess, ctap2.StatusPINAuthInvalid
	mistyped(m, ctap2.CommandMakeCredential, mc.with(5, unknown), success)
	mistyped(m, ctap2.CommandMakeCredential, mc.with(7, creation), success)
	if len(extensions) > 0 {
		mistyped(m, ctap2.CommandMakeCredential, mc.with(6, extensions), success)
	} else {
		mistyped(m, ctap2.CommandMakeCredential, mc.with(6, object{"unknown": true}), success, "6.unknown")
	}
	mistyped(m, ctap2.CommandGetAssertion, ga.with(4, object{"unknown": true}), success, "4.unknown")
	mistyped(m, ctap2.CommandGetAssertion, ga.with(5, assertion), success)
	if _, ok := m.info.Options[ctap2.OptionClientPIN]; !ok {
		return
	}
	// A key in factory state may ignore the members about PINs, or not: they
	// make a request of their own, which a key with a PIN refuses.
	p := m.first()
	mistyped(m, ctap2.CommandClientPIN, params{1: p, 2: ctap2.GetKeyAgreement}, success)
	s := m.agree(p)
	set := m.setPINParams(s, padded(m.pin1()))
	if c.pin == "" {
		mistyped(m, ctap2.CommandClientPIN, set, success)
		m.refresh()
	}
	get := m.tokenParams(s, m.pin1(), 0, "").with(3, params{1: 2, 3: -25, -1: 1, -2: s.platform.X, -3: s.platform.Y})
	mistyped(m, ctap2.CommandClientPIN, get, success)
	mac := bytes.Repeat([]byte{1}, len(set[4].([]byte)))
	mistyped(m, ctap2.CommandMakeCredential, c.mc().with(8, mac).with(9, p), refused)
	mistyped(m, ctap2.CommandGetAssertion, c.ga(k).with(6, mac).with(7, p), refused)
	mistypedManagement(m, p, mac)
	m.refresh()
}

// mistypedManagement is mistyped for the commands that manage a key, with a proof
// that is wrong in nothing but its value: types come first.
func mistypedManagement(m *messages, p pinuv.Protocol, mac []byte) {
	m.c.Helper()
	const refused = ctap2.StatusPINAuthInvalid
	credential := object{"id": []byte("an unknown credential"), "type": "public-key"}
	if m.option(ctap2.OptionCredMgmt) {
		for sub, members := range map[ctap2.CredentialManagementSubCommand]params{
			ctap2.GetCredsMetadata:          nil,
			ctap2.EnumerateCredentialsBegin: {1: m.c.hash()},
			ctap2.DeleteCredential:          {2: credential},
			ctap2.UpdateUserInformation:     {2: credential, 3: object{"id": []byte{1}, "name": "x", "displayName": "x"}},
		} {
			request := params{1: int(sub), 3: p, 4: mac}
			if members != nil {
				request[2] = members
			}
			mistyped(m, ctap2.CommandCredentialManagement, request, refused)
		}
	}
	if _, ok := m.info.Options[ctap2.OptionBioEnroll]; ok {
		mistyped(m, ctap2.CommandBioEnrollment, params{1: 1, 2: int(ctap2.SetFriendlyName), 3: params{1: []byte{1}, 2: "x"}, 4: p, 5: mac}, refused)
	}
	if m.option(ctap2.OptionLargeBlobs) {
		mistyped(m, ctap2.CommandLargeBlobs, params{1: 1, 3: 0}, ctap2.StatusSuccess)
	}
}

// mistyped sends a request that ends with the status base, and then with each
// value in it, but for those whose place begins so, in the wrong type.
func mistyped(m *messages, cmd ctap2.Command, p params, base ctap2.Status, except ...string) {
	m.c.Helper()
	if s, _ := m.call(cmd, p); s != base {
		m.c.Errorf("%v without a mistake: %s instead of %s", cmd, s.Name(), base.Name())
		return
	}
	for member, v := range p {
		mutate(fmt.Sprint(member), v, func(place string, w any) {
			m.c.Helper()
			if slices.ContainsFunc(except, func(e string) bool { return strings.HasPrefix(place, e) }) {
				return
			}
			s, _ := m.call(cmd, p.with(member, w))
			if cmd == ctap2.CommandClientPIN && strings.HasPrefix(place, "3.") && s == ctap2.StatusInvalidParameter {
				return // also right: a key agreement key that can't be used
			}
			if !slices.Contains(wrongType, s) || m.c.Key.Strict && s != wrongType[0] {
				m.c.Errorf("%v with parameter %s: %s instead of %s", cmd, place, s.Name(), names(wrongType))
			}
		})
	}
}

// wrongType are the statuses for a value of the wrong type.
var wrongType = []ctap2.Status{ctap2.StatusCBORUnexpectedType, ctap2.StatusInvalidCBOR}

// nestedMissing are the statuses for a member that is missing from a nested
// map: the 2.3 text names two, keys in the field answer with the third.
var nestedMissing = []ctap2.Status{ctap2.StatusCBORUnexpectedType, ctap2.StatusInvalidCBOR, ctap2.StatusMissingParameter}

func cbr5(c *C) {
	m := c.open()
	k := m.make(c.mc())
	missing := func(cmd ctap2.Command, p params, required ...int) {
		c.Helper()
		for _, member := range required {
			if s, _ := m.plain(cmd, p.with(member, nil)); s != ctap2.StatusMissingParameter {
				c.Errorf("%v without parameter %d: %s", cmd, member, s.Name())
			}
		}
	}
	missing(ctap2.CommandMakeCredential, c.mc(), 1, 2, 3, 4)
	missing(ctap2.CommandGetAssertion, c.ga(k), 1, 2)
	s, _ := m.raw([]byte{byte(ctap2.CommandMakeCredential)})
	m.accept(s, ctap2.StatusMissingParameter, ctap2.StatusInvalidCBOR)
	if _, ok := m.info.Options[ctap2.OptionClientPIN]; ok {
		p := m.first()
		a := m.agree(p)
		missing(ctap2.CommandClientPIN, params{1: p, 2: ctap2.GetKeyAgreement}, 1, 2)
		missing(ctap2.CommandClientPIN, m.setPINParams(a, padded(m.pin1())), 1, 2, 3, 4, 5)
		missing(ctap2.CommandClientPIN, m.changePINParams(a, m.pin1(), m.pin2()), 1, 2, 3, 4, 5, 6)
		missing(ctap2.CommandClientPIN, m.tokenParams(a, m.pin1(), 0, ""), 1, 2, 3, 6)
		if m.option(ctap2.OptionPinUvAuthToken) {
			missing(ctap2.CommandClientPIN, m.tokenParams(a, m.pin1(), ctap2.PermissionMC, rpID), 1, 2, 3, 6, 9)
		}
	}
	missingManagement(m, missing)
	mc := c.mc()
	for _, nested := range []struct {
		what string
		p    params
	}{
		{"an RP without id", mc.with(2, object{"name": "x"})},
		{"a user without id", mc.with(3, object{"name": "x", "displayName": "x"})},
		{"an algorithm without alg", mc.with(4, []any{object{"type": "public-key"}})},
		{"an algorithm without type", mc.with(4, []any{object{"alg": -7}})},
		{"a descriptor without type", mc.with(5, []any{object{"id": k.id}})},
		{"a descriptor without id", mc.with(5, []any{object{"type": "public-key"}})},
	} {
		s, _ := m.plain(ctap2.CommandMakeCredential, nested.p)
		if !slices.Contains(nestedMissing, s) || c.Key.Strict && s != nestedMissing[0] {
			c.Errorf("%s: %s instead of %s", nested.what, s.Name(), names(nestedMissing))
		}
	}
}

// missingManagement is the same for the commands that manage a key.
func missingManagement(m *messages, missing func(ctap2.Command, params, ...int)) {
	m.c.Helper()
	if _, ok := m.info.Options[ctap2.OptionClientPIN]; !ok {
		return
	}
	p, mac := m.first(), bytes.Repeat([]byte{1}, 32)
	if m.option(ctap2.OptionCredMgmt) {
		missing(ctap2.CommandCredentialManagement, params{1: int(ctap2.GetCredsMetadata), 3: p, 4: mac}, 1, 3)
		missing(ctap2.CommandCredentialManagement, params{1: int(ctap2.EnumerateCredentialsBegin), 2: params{1: m.c.hash()}, 3: p, 4: mac}, 2, 3)
	}
	if _, ok := m.info.Options[ctap2.OptionBioEnroll]; ok {
		missing(ctap2.CommandBioEnrollment, params{1: 1, 2: int(ctap2.EnumerateEnrollments), 4: p, 5: mac}, 2, 4)
	}
	if m.option(ctap2.OptionAuthnrCfg) {
		missing(ctap2.CommandConfig, params{1: int(ctap2.ToggleAlwaysUv), 3: p, 4: mac}, 1)
	}
}

func cbr6(c *C) {
	m := c.open()
	k := m.make(c.mc().with(2, object{"id": rpID}).with(3, object{"id": []byte{9}}))
	m.get(c.ga(k), k)
}

func cbr7(c *C) {
	m := c.open()
	for _, cmd := range []byte{0x03, 0x05, 0x3f, 0xff} {
		s, _ := m.raw([]byte{cmd})
		m.accept(s, ctap2.StatusInvalidCommand, ctap2.StatusInvalidLength)
	}
	m.refresh()
}
