package ctap2_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
)

// with returns the encoded map with a member replaced by encoded CBOR, or
// removed if item is empty.
func with(t testing.TB, b []byte, number uint64, item string) []byte {
	t.Helper()
	m := members(t, b)
	delete(m, number)
	if item != "" {
		m[number] = cbor.RawMessage(unhex(t, item))
	}
	b, err := cbor.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// byName returns the encoded message without command and status byte, and its
// parser.
func byName(t testing.TB, name string) ([]byte, func([]byte) (any, error)) {
	t.Helper()
	for _, m := range messages(t) {
		if m.name == name {
			return m.encode(t), m.parse
		}
	}
	t.Fatalf("no message %q", name)
	return nil, nil
}

func TestRequestStatus(t *testing.T) {
	const mc, ga, pin, cm = "makeCredential request", "getAssertion request", "clientPIN request", "credentialManagement request"
	for _, test := range []struct {
		name    string
		message string
		number  uint64
		item    string
		want    ctap2.Status
	}{
		{"clientDataHash is text", mc, 1, "60", ctap2.StatusCBORUnexpectedType},
		{"clientDataHash is null", mc, 1, "f6", ctap2.StatusCBORUnexpectedType},
		{"rp is an array", mc, 2, "80", ctap2.StatusCBORUnexpectedType},
		{"rp.id is missing", mc, 2, "a1646e616d656141", ctap2.StatusCBORUnexpectedType},
		{"rp.id is bytes", mc, 2, "a162696441ff", ctap2.StatusCBORUnexpectedType},
		{"rp.name is an integer", mc, 2, "a26269646161646e616d6500", ctap2.StatusCBORUnexpectedType},
		{"user.id is missing", mc, 3, "a1646e616d656141", ctap2.StatusCBORUnexpectedType},
		{"user.id is text", mc, 3, "a16269646141", ctap2.StatusCBORUnexpectedType},
		{"pubKeyCredParams is a map", mc, 4, "a0", ctap2.StatusCBORUnexpectedType},
		{"an algorithm is text", mc, 4, "81a263616c676141647479706561", ctap2.StatusInvalidCBOR}, // cut short
		{"an element has no alg", mc, 4, "81a164747970656a7075626c69632d6b6579", ctap2.StatusCBORUnexpectedType},
		{"an element has no type", mc, 4, "81a163616c6726", ctap2.StatusCBORUnexpectedType},
		{"an element has a text alg", mc, 4, "81a163616c676141", ctap2.StatusCBORUnexpectedType},
		{"excludeList entry without id", mc, 5, "81a164747970656a7075626c69632d6b6579", ctap2.StatusCBORUnexpectedType},
		{"excludeList entry without type", mc, 5, "81a16269644101", ctap2.StatusCBORUnexpectedType},
		{"excludeList entry is bytes", mc, 5, "8141ff", ctap2.StatusCBORUnexpectedType},
		{"extensions is an array", mc, 6, "80", ctap2.StatusCBORUnexpectedType},
		{"extension identifier is an integer", mc, 6, "a10102", ctap2.StatusCBORUnexpectedType},
		{"rk is an integer", mc, 7, "a162726b01", ctap2.StatusCBORUnexpectedType},
		{"pinUvAuthParam is an array", mc, 8, "80", ctap2.StatusCBORUnexpectedType},
		{"pinUvAuthProtocol is negative", mc, 9, "20", ctap2.StatusCBORUnexpectedType},
		{"enterpriseAttestation is true", mc, 10, "f5", ctap2.StatusCBORUnexpectedType},
		{"a preferred format is bytes", mc, 11, "8141ff", ctap2.StatusCBORUnexpectedType},
		{"the nesting is too deep", mc, 6, "a16161a16161a16161a16161a0", ctap2.StatusInvalidCBOR},
		{"an extension has unsorted keys", mc, 6, "a16161a202000100", ctap2.StatusInvalidCBOR},
		{"a name is not UTF-8", mc, 2, "a26269646161646e616d6561ff", ctap2.StatusInvalidCBOR},
		{"rpId is bytes", ga, 1, "41ff", ctap2.StatusCBORUnexpectedType},
		{"rpId is empty", ga, 1, "60", ctap2.StatusMissingParameter},
		{"clientDataHash is an integer", ga, 2, "05", ctap2.StatusCBORUnexpectedType},
		{"allowList entry without id", ga, 3, "81a164747970656a7075626c69632d6b6579", ctap2.StatusCBORUnexpectedType},
		{"up is text", ga, 5, "a162757060", ctap2.StatusCBORUnexpectedType},
		{"subCommand is bytes", pin, 2, "4101", ctap2.StatusCBORUnexpectedType},
		{"keyAgreement is bytes", pin, 3, "4101", ctap2.StatusCBORUnexpectedType},
		{"permissions is an array", pin, 9, "80", ctap2.StatusCBORUnexpectedType},
		{"rpId is an integer", pin, 10, "00", ctap2.StatusCBORUnexpectedType},
		{"rpIDHash is text", cm, 2, "a10160", ctap2.StatusCBORUnexpectedType},
		{"credentialID has no id", cm, 2, "a102a164747970656a7075626c69632d6b6579", ctap2.StatusCBORUnexpectedType},
		{"credentialID has no type", cm, 2, "a102a16269644101", ctap2.StatusCBORUnexpectedType},
		{"user has no id", cm, 2, "a103a1646e616d656141", ctap2.StatusCBORUnexpectedType},
	} {
		t.Run(test.message+"/"+test.name, func(t *testing.T) {
			b, parse := byName(t, test.message)
			var full []byte
			if test.want == ctap2.StatusInvalidCBOR {
				full = splice(t, b, test.number, test.item)
			} else {
				full = with(t, b, test.number, test.item)
			}
			_, err := parse(full)
			bad, ok := errors.AsType[*ctap2.RequestError](err)
			if !ok || bad.Status != test.want || !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want.Name())
			}
		})
	}
}

// What is no key is refused where it is used, and not here.
func TestRequestKeyAgreement(t *testing.T) {
	b, parse := byName(t, "clientPIN request")
	for _, test := range []struct{ name, item string }{
		{"empty", "a0"},
		{"text for x", "a401022001216141224101"},
		{"a short x", "a401022001214101224101"},
		{"text labels", "a1616101"},
	} {
		r, err := parse(with(t, b, 3, test.item))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		request := r.(*ctap2.ClientPINRequest)
		key := request.KeyAgreement
		if key == nil || !bytes.Equal(key.Raw, unhex(t, test.item)) || !request.Has(3) {
			t.Errorf("%s: %+v", test.name, key)
			continue
		}
		if _, err := key.ECDH(); err == nil {
			t.Errorf("%s: it can be used", test.name)
		}
	}
}

// splice replaces a member in the bytes, without regard to what they mean.
func splice(t *testing.T, b []byte, number uint64, item string) []byte {
	t.Helper()
	m := members(t, b)
	out := []byte{0xa0 | byte(len(m))}
	for _, n := range slices.Sorted(maps.Keys(m)) {
		out = append(out, byte(n))
		if n == number {
			out = append(out, unhex(t, item)...)
		} else {
			out = append(out, m[n]...)
		}
	}
	return out
}

func TestRequestForm(t *testing.T) {
	for _, m := range messages(t) {
		if !m.request {
			continue
		}
		b := m.encode(t)
		for _, test := range []struct {
			name string
			b    []byte
			want ctap2.Status
		}{
			{"no parameters", nil, ctap2.StatusMissingParameter},
			{"empty map", []byte{0xa0}, ctap2.StatusMissingParameter},
			{"array", []byte{0x80}, ctap2.StatusCBORUnexpectedType},
			{"null", []byte{0xf6}, ctap2.StatusCBORUnexpectedType},
			{"trailing byte", append(bytes.Clone(b), 0), ctap2.StatusInvalidCBOR},
			{"cut short", b[:len(b)-1], ctap2.StatusInvalidCBOR},
			{"count of 2^32", unhex(t, "baffffffff"), ctap2.StatusInvalidCBOR},
			{"count of 2^64-1", unhex(t, "bbffffffffffffffff"), ctap2.StatusInvalidCBOR},
			{"string of 2^63 bytes", unhex(t, "a1015b8000000000000000"), ctap2.StatusInvalidCBOR},
			{"array of 2^32 elements", unhex(t, "a1049affffffff"), ctap2.StatusInvalidCBOR},
			{"indefinite map", append(append([]byte{0xbf}, b[1:]...), 0xff), ctap2.StatusInvalidCBOR},
			{"tagged", append([]byte{0xc1}, b...), ctap2.StatusInvalidCBOR},
			{"10,000 nested arrays", append([]byte{0xa1, 0x06}, bytes.Repeat([]byte{0x81}, 10000)...), ctap2.StatusInvalidCBOR},
			{"duplicate key", append(append([]byte{b[0] + 1}, b[1:]...), b[1], b[2]), ctap2.StatusInvalidCBOR},
		} {
			_, err := m.parse(test.b)
			if test.want == ctap2.StatusMissingParameter && len(m.required) == 0 {
				if err != nil {
					t.Errorf("%s, %s: %v", m.name, test.name, err)
				}
				continue
			}
			if bad, ok := errors.AsType[*ctap2.RequestError](err); !ok || bad.Status != test.want {
				t.Errorf("%s, %s: got %v, want %v", m.name, test.name, err, test.want.Name())
			}
		}
	}
}

// Members and options that are not known are nobody's business (CTAP 2.3
// section 6).
func TestRequestUnknownMembers(t *testing.T) {
	for _, m := range messages(t) {
		if !m.request {
			continue
		}
		b := with(t, with(t, m.encode(t), 63, "a1616100"), 300, "80")
		if _, err := m.parse(b); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	b, parse := byName(t, "makeCredential request")
	if _, err := parse(with(t, b, 7, "a262726bf5636e657800")); err != nil {
		t.Errorf("unknown option of unknown type: %v", err)
	}
	icon := "a3626964616164" + "69636f6e6178" + "646e616d656141" // id, icon, name
	if _, err := parse(with(t, b, 2, icon)); err != nil {
		t.Errorf("icon: %v", err)
	}
}

func TestReceivedHas(t *testing.T) {
	for _, test := range []struct {
		name, message string
		number        uint64
		item          string
	}{
		{"empty pinUvAuthParam", "makeCredential request", 8, "40"},
		{"protocol zero", "makeCredential request", 9, "00"},
		{"enterpriseAttestation zero", "makeCredential request", 10, "00"},
		{"empty preference", "makeCredential request", 11, "80"},
		{"empty excludeList", "makeCredential request", 5, "80"},
		{"empty options", "makeCredential request", 7, "a0"},
		{"empty allowList", "getAssertion request", 3, "80"},
		{"permissions zero", "clientPIN request", 9, "00"},
		{"empty rpId", "clientPIN request", 10, "60"},
	} {
		b, parse := byName(t, test.message)
		for _, item := range []string{test.item, ""} {
			r, err := parse(with(t, b, test.number, item))
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			has := r.(interface{ Has(int) bool }).Has(int(test.number))
			if has != (item != "") {
				t.Errorf("%s, item %q: Has is %v", test.name, item, has)
			}
		}
	}
	var r ctap2.MakeCredentialRequest
	if r.Has(1) || r.Has(-1) || r.Has(64) {
		t.Error("a request that was not parsed has members")
	}
	// More than 23 members: the head of the map and the later keys take two
	// bytes.
	m := map[uint64]any{}
	for n := range uint64(70) {
		m[n] = 1
	}
	delete(m, 3) // keyAgreement
	for _, n := range []uint64{4, 5, 6} {
		m[n] = []byte{}
	}
	m[10] = "rpId"
	b, err := cbor.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ctap2.ParseClientPINRequest(b)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 70 {
		if want := n != 3 && n < 64; parsed.Has(n) != want {
			t.Errorf("69 members: Has(%d) is %v", n, !want)
		}
	}
}

// A nil slice where the specification demands a byte string is an empty one.
func TestNilSlicesAreNotNull(t *testing.T) {
	b, err := (&ctap2.MakeCredentialRequest{
		RP:               ctap2.PublicKeyCredentialRPEntity{ID: "a"},
		User:             ctap2.PublicKeyCredentialUserEntity{Name: "ada"},
		PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{},
		ExcludeList:      []ctap2.PublicKeyCredentialDescriptor{{Type: ctap2.TypePublicKey}},
		PinUvAuthParam:   []byte{},
	}).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := cbor.Diagnose(b[1:])
	if want := `{2: {"id": "a"}, 3: {"id": h'', "name": "ada"}, 4: [], 5: [{"id": h'', "type": "public-key"}], 8: h''}`; err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	var assertion ctap2.GetAssertionResponse
	assertion.AuthData.Raw = []byte{}
	if b, err = assertion.Append(nil); err != nil {
		t.Fatal(err)
	}
	if want := "a202400340"; fmt.Sprintf("%x", b) != want {
		t.Errorf("got %x, want %s", b, want)
	}
}
