package conformance

import (
	"fmt"
	"time"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
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
}

func cbr3(c *C) {
	m := c.open()
	k := m.make(c.mc().with(0x55, "unknown").with(-1, []any{1}))
	m.get(c.ga(k).with(0x55, object{"a": 1}), k)
	m.raw(mustCBOR(c, ctap2.CommandGetInfo, params{1: 1}))
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
	case object, params:
		return "map"
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
	list := []any{object{"id": k.id, "type": "public-key"}}
	mc := c.mc()
	mc[4] = []any{object{"alg": -7, "type": "public-key"}}
	for _, request := range []struct {
		cmd ctap2.Command
		p   params
	}{
		{ctap2.CommandMakeCredential, mc.with(5, list).with(6, object{}).with(7, object{"rk": false}).with(8, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}).with(9, 1)},
		{ctap2.CommandGetAssertion, c.ga().with(3, list).with(4, object{}).with(5, object{"up": true}).with(6, make([]byte, 16)).with(7, 1)},
		{ctap2.CommandClientPIN, params{1: 1, 2: int(ctap2.GetKeyAgreement)}},
	} {
		for member, v := range request.p {
			mutate(fmt.Sprintf("%v parameter %d", request.cmd, member), v, func(place string, w any) {
				s, _ := m.call(request.cmd, request.p.with(member, w))
				if s == ctap2.StatusSuccess {
					c.Errorf("%s is accepted", place)
				}
			})
		}
	}
	m.refresh()
}

// nestedMissing are the statuses for a member that is missing from a nested
// map: the 2.3 text names two, keys in the field answer with the third.
var nestedMissing = []ctap2.Status{ctap2.StatusMissingParameter, ctap2.StatusCBORUnexpectedType, ctap2.StatusInvalidCBOR}

func cbr5(c *C) {
	m := c.open()
	k := m.make(c.mc())
	for _, request := range []struct {
		cmd      ctap2.Command
		p        params
		required []int
	}{
		{ctap2.CommandMakeCredential, c.mc(), []int{1, 2, 3, 4}},
		{ctap2.CommandGetAssertion, c.ga(k), []int{1, 2}},
	} {
		for _, member := range request.required {
			m.refused(request.cmd, request.p.with(member, nil), ctap2.StatusMissingParameter)
		}
	}
	s, _ := m.raw([]byte{byte(ctap2.CommandMakeCredential)})
	m.accept(s, ctap2.StatusMissingParameter, ctap2.StatusInvalidCBOR)
	if _, ok := m.info.Options[ctap2.OptionClientPIN]; ok {
		m.refused(ctap2.CommandClientPIN, params{1: 1}, ctap2.StatusMissingParameter)
		m.refused(ctap2.CommandClientPIN, params{2: int(ctap2.GetKeyAgreement)}, ctap2.StatusMissingParameter)
	}
	mc := c.mc()
	for _, nested := range []params{
		mc.with(2, object{"name": "x"}),
		mc.with(3, object{"name": "x", "displayName": "x"}),
		mc.with(4, []any{object{"type": "public-key"}}),
		mc.with(4, []any{object{"alg": -7}}),
		mc.with(5, []any{object{"id": k.id}}),
		mc.with(5, []any{object{"type": "public-key"}}),
	} {
		m.refused(ctap2.CommandMakeCredential, nested, nestedMissing...)
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
