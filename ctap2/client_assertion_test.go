package ctap2_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
)

// assertion is a reply with this credential and count; nil and zero leave the
// member out.
func assertion(t testing.TB, id []byte, n uint64) []byte {
	t.Helper()
	m := map[uint64]any{2: vector(t, "getAssertion authData"), 3: []byte{1}}
	if id != nil {
		m[1] = map[string]any{"id": id, "type": "public-key"}
	}
	if n != 0 {
		m[5] = n
	}
	return reply(t, m)
}

func descriptors(ids ...string) (list []ctap2.PublicKeyCredentialDescriptor) {
	for _, id := range ids {
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: []byte(id), Type: ctap2.TypePublicKey})
	}
	return list
}

func TestGetAssertionCredential(t *testing.T) {
	for _, test := range []struct {
		name      string
		allowList []ctap2.PublicKeyCredentialDescriptor
		id        []byte
		want      string // the credential
		problem   string
	}{
		{"asked for one, left out", descriptors("a"), nil, "a", ""},
		{"asked for one, named", descriptors("a"), []byte("a"), "a", ""},
		{"asked for one, another", descriptors("a"), []byte("b"), "", "not one of those"},
		{"asked for one, empty", descriptors("a"), []byte{}, "", "missing"},
		{"asked for two, second", descriptors("a", "b"), []byte("b"), "b", ""},
		{"asked for two, left out", descriptors("a", "b"), nil, "", "missing"},
		{"asked for two, another", descriptors("a", "b"), []byte("c"), "", "not one of those"},
		{"asked for any, one", nil, []byte("c"), "c", ""},
		{"asked for any, left out", nil, nil, "", "missing"},
	} {
		c := ctap2.NewClient(&script{replies: [][]byte{assertion(t, test.id, 0)}}, nil)
		r, err := c.GetAssertion(t.Context(), &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash, AllowList: test.allowList})
		if test.problem != "" {
			bad, ok := errors.AsType[*ctap2.ReplyError](err)
			if !ok || !strings.Contains(err.Error(), test.problem) || bad.Raw == nil {
				t.Errorf("%s: %v, want %q", test.name, err, test.problem)
			}
			continue
		}
		if err != nil || string(r.Credential.ID) != test.want || r.Credential.Type != ctap2.TypePublicKey {
			t.Errorf("%s: %v, %v", test.name, r, err)
		}
	}
}

func TestGetAssertions(t *testing.T) {
	a, b, c := assertion(t, []byte("a"), 3), assertion(t, []byte("b"), 0), assertion(t, []byte("c"), 0)
	one := assertion(t, []byte("a"), 0)
	for _, test := range []struct {
		name    string
		replies [][]byte
		want    string // credentials
		sent    []byte // command bytes
		err     string
	}{
		{"one", [][]byte{one}, "a", []byte{2}, ""},
		{"three", [][]byte{a, b, c}, "abc", []byte{2, 8, 8}, ""},
		{"count one", [][]byte{assertion(t, []byte("a"), 1)}, "a", []byte{2}, ""},
		{"none", [][]byte{{0x2e}}, "", []byte{2}, "CTAP2_ERR_NO_CREDENTIALS"},
		{"second gone", [][]byte{a, {0x30}}, "a", []byte{2, 8}, "authenticatorGetNextAssertion"},
		{"third gone", [][]byte{a, b, {0x30}}, "ab", []byte{2, 8, 8}, "authenticatorGetNextAssertion"},
		{"second makes no sense", [][]byte{a, {0, 0xa0}}, "a", []byte{2, 8}, "reply to authenticatorGetNextAssertion"},
		{"second without credential", [][]byte{a, assertion(t, nil, 0)}, "a", []byte{2, 8}, "credential is missing"},
		{"1,025", [][]byte{assertion(t, []byte("a"), 1025)}, "", []byte{2}, "more than 1024"},
		{"2^32-1", [][]byte{assertion(t, []byte("a"), 1<<32-1)}, "", []byte{2}, "more than 1024"},
	} {
		s := &script{replies: test.replies}
		all, err := ctap2.NewClient(s, nil).GetAssertions(t.Context(), &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash})
		var got string
		for _, r := range all {
			got += string(r.Credential.ID)
		}
		var sent []byte
		for _, r := range s.requests {
			sent = append(sent, r[0])
		}
		if got != test.want || !bytes.Equal(sent, test.sent) || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %q, sent %x, %v", test.name, got, sent, err)
		}
	}
}

// An endless key: each answer is an assertion that announces more.
func TestGetAssertionsEnds(t *testing.T) {
	k := newFakeKey(t, "", pinuv.Two)
	more := assertion(t, []byte("a"), ctap2.MaxAssertions)
	k.answers[ctap2.CommandGetAssertion] = func([]byte) []byte { return more }
	k.answers[ctap2.CommandGetNextAssertion] = func([]byte) []byte { return more }
	c := ctap2.NewClient(k, nil)
	all, err := c.GetAssertions(t.Context(), &ctap2.GetAssertionRequest{RPID: "a", ClientDataHash: clientDataHash})
	if err != nil || len(all) != ctap2.MaxAssertions || len(k.took()) != ctap2.MaxAssertions {
		t.Errorf("%d assertions, %v", len(all), err)
	}
	next, err := c.GetNextAssertion(t.Context())
	if err != nil || !slices.Equal(next.Credential.ID, []byte("a")) {
		t.Errorf("next: %v, %v", next, err)
	}
}
