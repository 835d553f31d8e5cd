package ctap2_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
)

// An odd member of getInfo does not make the key useless.
func TestGetInfoOddMembers(t *testing.T) {
	reply := vector(t, "getInfo reply, CTAP 2.0")[1:]
	for _, test := range []struct {
		name   string
		number uint64
		item   string
	}{
		{"pinComplexityPolicyURL is text", 0x1c, "6161"},
		{"an extension is an integer", 2, "82616105"},
		{"a protocol is negative", 6, "820120"},
		{"a certification is text", 0x13, "a161616162"},
		{"a certification is negative", 0x13, "a1616120"},
		{"options is an array", 4, "80"},
		{"maxMsgSize is negative", 5, "20"},
		{"an algorithm is an integer", 10, "8101"},
	} {
		b := with(t, reply, test.number, test.item)
		r, err := ctap2.ParseGetInfoResponse(b)
		if err != nil || len(r.Ignored) != 1 || r.Ignored[0] != int(test.number) || !bytes.Equal(r.Raw, b) {
			t.Errorf("%s: %+v, %v", test.name, r, err)
			continue
		}
		// Everything else is there, and nothing of the odd member.
		want, err := ctap2.ParseGetInfoResponse(with(t, reply, test.number, ""))
		if err != nil {
			t.Fatal(err)
		}
		compareFields(t, test.name, r, want)
		s := &script{replies: [][]byte{append([]byte{0}, b...)}}
		if _, err := ctap2.NewClient(s, &ctap2.ClientConfig{Strict: true}).GetInfo(t.Context()); err == nil || !strings.Contains(err.Error(), "wrong type") {
			t.Errorf("%s: strict: %v", test.name, err)
		}
	}
	for name, b := range map[string][]byte{
		"versions":           with(t, reply, 1, "820161"+"61"),
		"AAGUID":             with(t, reply, 3, "6161"),
		"an array":           {0x80},
		"one byte after all": append(with(t, reply, 0x1c, "6161"), 0),
	} {
		r, err := ctap2.ParseGetInfoResponse(b)
		if name == "one byte after all" {
			if err != nil || len(r.Ignored) != 1 || len(r.Deviations) != 1 {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
			continue
		}
		if _, ok := errors.AsType[*ctap2.ReplyError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A map of indefinite length with a key twice, of which the first counts.
	b := append([]byte{0xbf, 0x18, 0x1c, 0x61, 0x61, 0x05, 0x18, 0x64, 0x05, 0x01}, reply[1:]...)
	r, err := ctap2.ParseGetInfoResponse(append(b, 0xff))
	if err != nil || len(r.Ignored) != 1 || r.MaxMsgSize != 100 {
		t.Errorf("indefinite: %+v, %v", r, err)
	}
}
